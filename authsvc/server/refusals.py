"""What the server answers itself, before or instead of any application: the one error body."""

import os
from collections.abc import Iterable
from dataclasses import dataclass

from httptools import HttpParserError, HttpParserInvalidURLError
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from authsvc import logs
from authsvc.protocol.wire import error_body

_VERSIONS = frozenset({"1.0", "1.1"})
_log = logs.get(__name__)


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer that no application has given. `code` is a registry's, `error` OAuth2's."""

    status: int
    message: str
    code: str = "UNSUPPORTED"
    error: str = "invalid_request"


MALFORMED = Refusal(400, "this is no request that HTTP/1.1 allows")
LONG_URL = Refusal(400, "the URL is too long: send the scopes in the form of a POST")
PIPELINED = Refusal(400, "too many requests were sent before the first was answered")
UPGRADE = Refusal(400, "there is nothing to upgrade to: send the request without Upgrade")
LATE_HEAD = Refusal(408, "the request head did not arrive in time")
LATE_BODY = Refusal(408, "the request body did not arrive in time")
LONG_BODY = Refusal(413, "the request body is too long")
LONG_HEAD = Refusal(431, "the request head is too long")
FULL = Refusal(503, "too many connections are open", "UNAVAILABLE", "temporarily_unavailable")


class Refused(Exception):
    """Raised through the parser, which itself knows only that a callback failed."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


def check_head(version: str, headers: Iterable[tuple[bytes, bytes]]) -> None:
    """Raise Refused for versions that the parser lets pass, and for 1.1 without one Host.

    RFC 9112, sections 2.3 and 3.2.
    """
    hosts = [name for name, _ in headers].count(b"host")
    if version not in _VERSIONS or hosts > 1 or (hosts == 0 and version == "1.1"):
        raise Refused(MALFORMED)


def refusal_of(error: HttpParserError) -> Refusal:
    """Why the parser gave up: what our own callback said, or plain bad grammar."""
    cause = error.__context__
    if isinstance(cause, Refused):
        return cause.refusal
    # uvicorn trips over a URL without a path with an AttributeError.
    if cause is not None and not isinstance(cause, HttpParserInvalidURLError | AttributeError):
        _log.warning("a request could not be begun", exc_info=cause)
    return MALFORMED


def answer(refusal: Refusal, headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """A refusal as it goes over the wire, after which the connection ends.

    `headers` are those of every answer (Date).
    """
    body = error_body(
        code=refusal.code,
        message=refusal.message,
        error=refusal.error,
        description=refusal.message,
    )
    lines = [
        *(b"%b: %b\r\n" % line for line in headers if line[0] != b"connection"),
        b"content-type: application/json\r\ncache-control: no-store\r\n",
        b"content-length: %d\r\n" % len(body),
        b"x-request-id: %b\r\n" % os.urandom(16).hex().encode(),
        b"connection: close\r\n",
    ]
    if refusal.status == 503:
        lines.append(b"retry-after: 1\r\n")
    return b"".join([STATUS_LINE[refusal.status], *lines, b"\r\n", body])

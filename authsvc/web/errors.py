"""The one table from our errors to the wire, and the two bodies that errors have.

The token paths speak the one body of protocol/wire to registry clients and OAuth2 clients; all
other paths speak RFC 9457. What is not in our error tree is a fault of ours: an opaque 500.
"""

import json
from dataclasses import dataclass
from http import HTTPStatus

from authsvc.errors import (
    AuthsvcError,
    BodyTooLarge,
    Conflict,
    Dangling,
    Forbidden,
    Invalid,
    InvalidSettings,
    Limited,
    NotFound,
    Stale,
    TooLarge,
    Unauthenticated,
    Unavailable,
    Unconditional,
)
from authsvc.protocol.oauth2 import OAuthInvalid, UnsupportedBody
from authsvc.protocol.wire import error_body

Header = tuple[bytes, bytes]
Answer = tuple[int, list[Header], bytes]  # status, headers without a length, body

OPAQUE = "the service failed; its log says more under this request id"


@dataclass(frozen=True, slots=True)
class Wire:
    """How an error looks outside.

    `code` is a registry's, `error` OAuth2's (RFC 6749, 5.2 and 4.1.2.1). `elsewhere` is the
    status outside the token realm where that differs: OAuth2 knows no 422.
    """

    status: int
    code: str
    error: str
    elsewhere: int | None = None


TABLE: dict[type[AuthsvcError], Wire] = {
    AuthsvcError: Wire(500, "UNKNOWN", "server_error"),
    Invalid: Wire(400, "UNSUPPORTED", "invalid_request", elsewhere=422),
    InvalidSettings: Wire(500, "UNKNOWN", "server_error"),
    TooLarge: Wire(400, "UNSUPPORTED", "invalid_request", elsewhere=413),
    BodyTooLarge: Wire(413, "UNSUPPORTED", "invalid_request"),
    OAuthInvalid: Wire(400, "UNSUPPORTED", "invalid_request"),
    UnsupportedBody: Wire(415, "UNSUPPORTED", "invalid_request"),
    Unauthenticated: Wire(401, "UNAUTHORIZED", "invalid_grant"),
    Forbidden: Wire(403, "DENIED", "access_denied"),
    NotFound: Wire(404, "UNKNOWN", "invalid_request"),
    Dangling: Wire(404, "UNKNOWN", "invalid_request", elsewhere=422),
    Conflict: Wire(409, "DENIED", "invalid_request"),
    Stale: Wire(412, "DENIED", "invalid_request"),
    Unconditional: Wire(428, "DENIED", "invalid_request"),
    Limited: Wire(429, "TOOMANYREQUESTS", "temporarily_unavailable"),
    Unavailable: Wire(503, "UNAVAILABLE", "temporarily_unavailable"),
}

_TOKEN_PATHS = frozenset({"/token", "/auth/token"})
_JSON: Header = (b"content-type", b"application/json")
_PROBLEM: Header = (b"content-type", b"application/problem+json")
_NO_STORE: Header = (b"cache-control", b"no-store")


def is_token_path(path: str) -> bool:
    """Whether errors of a path have the token realm's body: the realm and all below it."""
    return path in _TOKEN_PATHS or path.startswith(("/token/", "/auth/token/"))


def token_response(error: AuthsvcError, *, realm: str) -> Answer:
    """An error as the token paths answer it; `realm` stands in the challenge of a 401."""
    wire = _wire(error)
    said = _said(error, wire)
    oauth = error.error if isinstance(error, OAuthInvalid) else wire.error
    body = error_body(code=wire.code, message=said, error=oauth, description=said)
    return wire.status, [_JSON, _NO_STORE, *_more(error, realm)], body


def problem(error: AuthsvcError, *, instance: str, request_id: str, realm: str) -> Answer:
    """An error as all other paths answer it (RFC 9457); `instance` is the path of the request."""
    wire = _wire(error)
    status = wire.elsewhere or wire.status
    faults = error.faults if isinstance(error, Invalid | Dangling | Conflict) else ()
    document = _document(status, _said(error, wire), instance, request_id)
    if faults and status < 500:
        document["errors"] = [{"pointer": place, "detail": text} for place, text in faults]
    return status, [_PROBLEM, _NO_STORE, *_more(error, realm)], json.dumps(document).encode()


def refusal(status: int, said: str, *, path: str, request_id: str) -> Answer:
    """What HTTP alone refuses or fails at (404, 405, 500), in the shape of the path it happened at.

    The caller adds headers that the status asks for, such as `Allow`.
    """
    if is_token_path(path):
        oauth = "server_error" if status >= 500 else "invalid_request"
        code = "UNKNOWN" if status >= 500 or status == 404 else "UNSUPPORTED"
        body = error_body(code=code, message=said, error=oauth, description=said)
        return status, [_JSON, _NO_STORE], body
    document = _document(status, said, path, request_id)
    return status, [_PROBLEM, _NO_STORE], json.dumps(document).encode()


def _wire(error: AuthsvcError) -> Wire:
    return next(TABLE[kind] for kind in type(error).__mro__ if kind in TABLE)


def _said(error: AuthsvcError, wire: Wire) -> str:
    return OPAQUE if wire.status == 500 else str(error)


def _document(status: int, said: str, instance: str, request_id: str) -> dict[str, object]:
    return {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": said,
        "instance": instance,
        "request_id": request_id,
    }


def _more(error: AuthsvcError, realm: str) -> list[Header]:
    if isinstance(error, Unauthenticated):
        quoted = realm.replace("\\", "\\\\").replace('"', '\\"')
        challenge = f'Basic realm="{quoted}", charset="UTF-8"'
        return [(b"www-authenticate", challenge.encode("ascii", "replace"))]
    if isinstance(error, Limited):
        return [_retry_after(error.retry_after), *_rate_limit(error)]
    if isinstance(error, Unavailable):
        return [_retry_after(error.retry_after)]
    return []


def _retry_after(seconds: int) -> Header:
    return b"retry-after", b"%d" % max(1, seconds)


def _rate_limit(error: Limited) -> list[Header]:
    """The fields of draft-ietf-httpapi-ratelimit-headers-10: the policy, and that nothing is left.

    A field's parameters are quota, window, remaining and time to the reset, in seconds.
    """
    if not error.policy:
        return []
    policy = f'"{error.policy}";q={error.quota};w={error.window}'
    left = f'"{error.policy}";r=0;t={max(1, error.retry_after)}'
    return [(b"ratelimit-policy", policy.encode()), (b"ratelimit", left.encode())]

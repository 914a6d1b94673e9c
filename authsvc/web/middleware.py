"""The outermost shell of the application: request ids, client addresses, and the last resort.

It is passed by every token request, so it costs what two dictionaries and one closure cost.
"""

import itertools
import os
import re
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any, Protocol

from authsvc import logs

from .errors import OPAQUE, Answer, refusal
from .proxies import Hop, Network, Proxies

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]

_WELL_FORMED = re.compile(rb"[A-Za-z0-9._-]{1,128}")
_NOBODY = Hop("", trusted=False, near=False)

_log = logs.get(__name__)


class RequestIds:
    """Ids for requests that bring none: unique, for correlation only, nothing is keyed by them."""

    def __init__(self) -> None:
        self._start = os.urandom(8).hex()
        self._next = itertools.count(1).__next__

    def __call__(self) -> str:
        return f"{self._start}-{self._next():x}"


Done = Callable[[Answer], None]


class Quick(Protocol):
    """An application that answers GETs and POSTs of `paths` whole, without ASGI messages.

    `body` is None for a GET.
    """

    paths: frozenset[bytes]

    def begin(self, scope: Scope, body: bytes | None, done: Done) -> bool:
        """Answer through `done` without a task; False when that takes one: then ask `answer`."""
        ...

    def answer(self, scope: Scope, body: bytes | None) -> Awaitable[Answer]:
        """The answer to a request that the shell has described."""
        ...


class Shell:
    """Sets `request_id`, `address`, `address_known` and `peer` in the scope's `state`.

    `address` is a text in canonical form. Every response gets X-Request-Id. An exception that
    nobody caught becomes an opaque 500, and a log line without the exception's own text.
    """

    def __init__(
        self, app: ASGIApp, *, trusted_proxies: Sequence[Network] = (), quick: Quick | None = None
    ) -> None:
        self._app = app
        self._proxies = Proxies(trusted_proxies)
        self._new_id = RequestIds()
        self.direct = None if quick is None else Door(self.describe, quick)

    def proxy_state(self) -> str:
        """`degraded` once an X-Forwarded-For came from a peer that is not trusted."""
        return self._proxies.state()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = self.describe(scope)
        tag = (b"x-request-id", request_id.encode())
        started = False

        def tagged(message: Message) -> Awaitable[None]:
            nonlocal started
            if not started and message["type"] == "http.response.start":
                started = True
                message["headers"] = [*message.get("headers", ()), tag]
            return send(message)

        try:
            await self._app(scope, receive, tagged)
        except Exception as error:  # noqa: BLE001 - the last resort: whatever it is, it is logged
            failure = _failure(error, scope["path"], request_id)
            if not started:
                await respond(tagged, *failure)

    def describe(self, scope: Scope) -> str:
        """Put what is known of the request into its state; return its id."""
        given: bytes | None = None
        forwarded: list[bytes] | None = None
        for name, value in scope["headers"]:
            if name == b"x-request-id":
                given = value
            elif name == b"x-forwarded-for":
                forwarded = [*(forwarded or ()), value]
        client = scope.get("client")
        peer = (self._proxies.hop(client[0]) if client else None) or _NOBODY
        state = scope.setdefault("state", {})
        if given is not None and _WELL_FORMED.fullmatch(given):
            request_id = given.decode()
        else:
            request_id = self._new_id()
        state["request_id"] = request_id
        state["peer"] = state["address"] = peer.text
        state["address_known"] = peer is not _NOBODY
        if forwarded is not None:
            origin = self._proxies.origin(peer, forwarded)
            state["address"] = origin.address
            state["address_known"] = origin.known
        return request_id


class Door:
    """The shell's other door: the same shell, for a server that calls a `Quick` by itself."""

    def __init__(self, describe: Callable[[Scope], str], quick: Quick) -> None:
        self.paths = quick.paths
        self._describe = describe
        self._quick = quick

    def begin(self, scope: Scope, body: bytes | None, done: Done) -> bool:
        """Answer through `done`, or return False, after which `answer` is to be asked.

        Never raises, and the answer holds X-Request-Id.
        """
        request_id = self._describe(scope)
        tag = (b"x-request-id", request_id.encode())

        def tagged(answer: Answer) -> None:
            status, headers, body = answer
            done((status, [*headers, tag], body))

        try:
            return self._quick.begin(scope, body, tagged)
        except Exception as error:  # noqa: BLE001 - the last resort, as in Shell
            tagged(_failure(error, scope["path"], request_id))
            return True

    async def answer(self, scope: Scope, body: bytes | None) -> Answer:
        """The whole answer to a request that `begin` left, X-Request-Id included; never raises."""
        request_id = scope["state"]["request_id"]
        try:
            status, headers, text = await self._quick.answer(scope, body)
        except Exception as error:  # noqa: BLE001 - the last resort, as in Shell
            status, headers, text = _failure(error, scope["path"], request_id)
        return status, [*headers, (b"x-request-id", request_id.encode())], text


def _failure(error: Exception, path: str, request_id: str) -> Answer:
    _log.error("a request failed", request_id=request_id, path=path, exc_info=error)
    return refusal(500, OPAQUE, path=path, request_id=request_id)


async def respond(
    send: Send, status: int, headers: Sequence[tuple[bytes, bytes]], body: bytes
) -> None:
    """Send one whole answer."""
    length = (b"content-length", b"%d" % len(body))
    await send({"type": "http.response.start", "status": status, "headers": [*headers, length]})
    await send({"type": "http.response.body", "body": body})

"""Answering a request from the HTTP parser's callback, without the ASGI machinery around it.

An application may have, beside its ASGI door, `direct`: a `Direct` that answers plain GETs and
short forms to some paths whole. It is the same code that its ASGI door calls; what is left out
here is uvicorn's request cycle, which costs as much as the rest of a token. Whatever is not plain
(a body in chunks or longer than FORM, an expectation, an upgrade, HTTP/1.0, a request behind an
unanswered one) takes the ASGI way.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import TYPE_CHECKING, Any, Protocol

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

if TYPE_CHECKING:
    from .protocol import BoundedProtocol

Header = tuple[bytes, bytes]
Whole = tuple[int, Iterable[Header], bytes]  # status, headers, body

FORM = 16 * 1024  # bytes of a body that is waited for here
_NOT_PLAIN = frozenset({b"transfer-encoding", b"expect", b"connection"})


class Direct(Protocol):
    """The direct door of an application. `paths` are raw request paths, as they are sent."""

    paths: frozenset[bytes]

    def begin(
        self, scope: MutableMapping[str, Any], body: bytes | None, done: Callable[[Whole], None]
    ) -> bool:
        """Answer through `done`, now or later; False when that takes a task of its own.

        `body` is None for a GET, and whole for a POST.
        """
        ...

    def answer(self, scope: MutableMapping[str, Any], body: bytes | None) -> Awaitable[Whole]:
        """The whole answer to what `begin` left; never raises."""
        ...


class DirectCycle:
    """One request and its answer, with the members that the protocol looks at in uvicorn's.

    It is its own `message_event`, which the protocol sets when the request is whole, and when
    there is nobody any more to answer.
    """

    __slots__ = (
        "body",
        "direct",
        "disconnected",
        "keep_alive",
        "message_event",
        "more_body",
        "protocol",
        "response_complete",
        "response_started",
        "scope",
    )

    def __init__(self, protocol: "BoundedProtocol", direct: Direct) -> None:
        self.protocol = protocol
        self.direct: Direct | None = direct
        self.scope = protocol.scope
        self.message_event = self
        self.body = b""
        self.keep_alive = True
        self.more_body = True
        self.disconnected = False
        self.response_started = False
        self.response_complete = False

    def set(self) -> None:
        """Begin the answer, once, when the request is whole."""
        direct = self.direct
        if direct is None or self.more_body or self.disconnected:
            return
        self.direct = None
        scope: Any = self.scope
        body = self.body if scope["method"] == "POST" else None
        if not direct.begin(scope, body, self.send):
            protocol = self.protocol
            answering = self.run(direct.answer(scope, body))
            task: asyncio.Task[None] = protocol.loop.create_task(answering)
            protocol.tasks.add(task)
            task.add_done_callback(protocol.tasks.discard)

    async def run(self, answering: Awaitable[Whole]) -> None:
        """Wait for the answer and send it, once the client reads what was sent before."""
        whole = await answering
        flow = self.protocol.flow
        if flow.write_paused and not self.disconnected:
            await flow.drain()
        self.send(whole)

    def send(self, whole: Whole) -> None:
        """Send the answer in one piece."""
        protocol = self.protocol
        if self.disconnected or protocol.transport.is_closing():
            return
        status, headers, body = whole
        parts = [STATUS_LINE[status]]
        for name, value in protocol.server_state.default_headers:
            parts += (name, b": ", value, b"\r\n")
            if name == b"connection":
                self.keep_alive = False  # a stop has begun
        for name, value in headers:
            parts += (name, b": ", value, b"\r\n")
        if not self.keep_alive:
            parts.append(b"connection: close\r\n")
        parts += (b"content-length: %d\r\n\r\n" % len(body), body)
        self.response_started = self.response_complete = True
        protocol.transport.write(b"".join(parts))
        if not self.keep_alive:
            protocol.transport.close()
        protocol.on_response_complete()


def begin(protocol: "BoundedProtocol", direct: Direct) -> bool:
    """Begin a request whose head is complete, when it is one for the direct door."""
    path, _, query = protocol.url.partition(b"?")
    if path not in direct.paths or not _is_plain(protocol) or b"#" in query:
        return False
    scope: Any = protocol.scope
    scope["method"] = protocol.parser.get_method().decode("ascii")
    scope["path"] = path.decode("ascii")
    scope["query_string"] = query
    cycle = DirectCycle(protocol, direct)
    protocol.answering = cycle
    protocol.cycle = cycle  # type: ignore[assignment]  # it has what the protocol looks at
    return True


def _is_plain(protocol: "BoundedProtocol") -> bool:
    before, names = protocol.cycle, [name for name, _ in protocol.headers]
    return (
        (before is None or before.response_complete)
        and not protocol.flow.write_paused  # or answers to who does not read would pile up
        and protocol.parser.get_http_version() == "1.1"
        and not protocol.parser.should_upgrade()
        and names.count(b"host") == 1
        and _NOT_PLAIN.isdisjoint(names)
        and _is_short(protocol, names)
    )


def _is_short(protocol: "BoundedProtocol", names: list[bytes]) -> bool:
    """A GET without a body, or a POST with one that is worth waiting for here."""
    method = protocol.parser.get_method()
    if b"content-length" not in names:
        return method == b"GET"
    length = protocol.headers[names.index(b"content-length")][1]
    return method == b"POST" and length.isdigit() and int(length) <= FORM

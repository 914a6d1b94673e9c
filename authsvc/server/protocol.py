"""uvicorn's HTTP protocol with the bounds that it lacks, and one error body for what it refuses.

uvicorn waits for ever for a request head, takes one of any size, and refuses in plain text.
Here a head has 10 s and 64 KiB, a body 30 s and 8 MiB (interfaces have lower bounds of their
own), and a connection beyond the bound is answered 503 and closed.

Time is watched by `sweep`, once a second over all connections, keep-alive included: a request
pays for no timer at all. So a time limit may be overrun by up to two seconds.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from httptools import HttpParserError, HttpParserUpgrade
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from .direct import Direct, begin
from .refusals import (
    FULL,
    LATE_BODY,
    LATE_HEAD,
    LONG_BODY,
    LONG_HEAD,
    LONG_URL,
    PIPELINED,
    UPGRADE,
    Refusal,
    Refused,
    answer,
    check_head,
    refusal_of,
)
from .stand_ins import TRAILERS, Parting

_WITH_BODY = frozenset({b"POST", b"PUT", b"PATCH", b"DELETE"})
_IDLE, _LINGER, _STUCK = object(), object(), object()


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much one worker takes, in seconds and bytes.

    `waiting` bounds requests sent before earlier ones are answered; `stuck_seconds` is how long
    an answer may wait for a client that does not read it, `linger_seconds` how long a client
    that was refused may go on sending, so that it comes to reading why.
    """

    connections: int = 2048
    head_seconds: float = 10
    head_bytes: int = 64 * 1024
    headers: int = 256
    body_seconds: float = 30
    body_bytes: int = 8 * 1024 * 1024
    stuck_seconds: float = 30
    linger_seconds: float = 2
    waiting: int = 8


class BoundedProtocol(HttpToolsProtocol):
    """One connection. `bounds` and `direct` are set on a subclass for each server: `bounded`."""

    bounds = Bounds()
    direct: Direct | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._fed = 0  # bytes of a request that has not arrived whole, its head's or its body's
        self.answering: Any = None  # the request whose answer is being made
        self._deaf = False  # what still arrives is thrown away
        self._lingers = False  # refused; open so that the client comes to reading why
        self._seen: tuple[object, object] = (None, LATE_HEAD)  # what the last sweep found
        self._since = self.loop.time()

    # What arrives

    def connection_made(self, transport: Any) -> None:
        """Take the connection, or answer at once that there are too many."""
        super().connection_made(transport)
        if len(self.connections) > self.bounds.connections:
            self._write(FULL)
            # It does not linger, nor count: those that are sent away must not keep others out.
            self.transport.close()
            self.connections.discard(self)

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        self.answering = cycle
        super()._start_asgi_task(cycle, app)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell every request that nobody waits; uvicorn tells the one that came last alone."""
        for cycle in (self.answering, *(waiting for waiting, _ in self.pipeline)):
            if cycle is not None and not cycle.response_complete:
                cycle.disconnected = True
                cycle.message_event.set()
        self.pipeline.clear()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Feed the parser, within the bounds."""
        size = len(data)
        if self._deaf or self._fed + size > self.bounds.head_bytes:
            self._feed_carefully(data)
            return
        before, in_body = self.cycle, self._fed and self._in_body()
        self._feed(data)
        cycle = self.cycle
        if cycle is not None and not cycle.more_body and cycle.scope is self.scope:
            self._fed = 0  # a whole request, as nearly always
        else:
            self._count(size, ended=bool(in_body) or cycle is not before)

    def _feed(self, data: bytes) -> None:
        try:
            self.parser.feed_data(data)
        except HttpParserError as error:
            self._refuse(refusal_of(error))
        except HttpParserUpgrade:
            # The request is answered as it is; what comes after it is no HTTP.
            self._deaf = True
            self.cycle.keep_alive = False

    def _count(self, size: int, *, ended: bool) -> None:
        """Note `size` bytes of a request that is not whole; `ended`: nor were they all of it."""
        self._fed = 0 if ended and self._in_head() else self._fed + size

    def _feed_carefully(self, data: bytes) -> None:
        """Feed piece by piece where a bound may be near, so that none is overrun unseen."""
        while data and not self._deaf:
            before, in_body = self.cycle, self._in_body()
            limit = self.bounds.body_bytes if in_body else self.bounds.head_bytes
            room = min(limit - self._fed, self.bounds.head_bytes)
            if room <= 0:
                self._refuse(LONG_BODY if in_body else self._long_head())
                return
            piece, data = data[:room], data[room:]
            self._feed(piece)
            if self._in_head() or self._in_body():
                self._count(len(piece), ended=in_body or self.cycle is not before)
            else:
                self._fed = 0

    def _in_body(self) -> bool:
        cycle = self.cycle
        return cycle is not None and cycle.more_body and cycle.scope is self.scope

    def _in_head(self) -> bool:
        return self.cycle is None or self.cycle.scope is not self.scope

    def _long_head(self) -> Refusal:
        in_url = self.scope is not None and len(self.url) > self.bounds.head_bytes // 2
        return LONG_URL if in_url else LONG_HEAD

    # What the parser reports

    def on_headers_complete(self) -> None:
        """Begin the request. Raises Refused for what uvicorn would take."""
        if len(self.headers) > self.bounds.headers:
            raise Refused(LONG_HEAD)
        if len(self.pipeline) >= self.bounds.waiting:
            raise Refused(PIPELINED)
        if self.parser.should_upgrade() and self.parser.get_method() in _WITH_BODY:
            raise Refused(UPGRADE)  # the parser takes the body for what follows an upgrade
        if self.direct is None or not begin(self, self.direct):
            check_head(self.parser.get_http_version(), self.headers)
            super().on_headers_complete()
            cycle: Any = self.cycle
            if not cycle.keep_alive and self.parser.get_method() in _WITH_BODY:
                cycle.transport = Parting(self)
        self.headers = TRAILERS

    def on_message_complete(self) -> None:
        """The request is whole."""
        self.cycle.more_body = False
        self.cycle.message_event.set()

    def on_response_complete(self) -> None:
        """Go on with what waits; an idle connection is left to the sweep, without a timer."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())

    # Refusals

    def _refuse(self, refusal: Refusal) -> None:
        """End the connection with this answer, or with that to a request that came before."""
        cycle = self.cycle
        self._deaf = True
        if self._in_head():
            if cycle is None or cycle.response_complete:
                self._write(refusal)
            else:
                cycle.keep_alive = False
            return
        cycle.disconnected = True
        cycle.message_event.set()
        if self.pipeline:
            self.transport.abort()  # its turn to be answered has not come
        elif cycle.response_complete:
            self._linger()
        elif cycle.response_started:
            self.transport.close()
        else:
            self._write(refusal)

    def part(self) -> None:
        """End the connection after an answer, one that came before the end of a body too."""
        if self._in_body():
            self._linger()
        else:
            self.transport.close()

    def _write(self, refusal: Refusal) -> None:
        self.transport.write(answer(refusal, self.server_state.default_headers))
        self._linger()

    def _linger(self) -> None:
        self._deaf = self._lingers = True
        self.flow.resume_reading()
        if self.transport.can_write_eof():
            self.transport.write_eof()

    def shutdown(self) -> None:
        """End at once what waits for nothing, and the rest with its answer."""
        if self._lingers:
            self.transport.close()
        else:
            super().shutdown()

    # Time

    def check(self, now: float) -> None:
        """End the connection when what it waits for has taken too long. See `sweep`."""
        phase = self._phase()
        if self._seen[0] is not self.scope or self._seen[1] is not phase:
            self._seen, self._since = (self.scope, phase), now
        if phase is None or now - self._since < self._limit(phase):
            return
        if isinstance(phase, Refusal):
            self._refuse(phase)
            if self._lingers:
                self.transport.close()  # who sends nothing needs no time to stop sending
        elif phase is _STUCK:
            self.transport.abort()
        else:
            self.transport.close()

    def is_asking(self) -> bool:
        """Whether a request may be on its way: a new connection, or part of a head is here."""
        return self._phase() is LATE_HEAD

    def _phase(self) -> object:
        """What the connection waits for its client to do; None when it is our turn."""
        if self.transport.is_closing() or self.flow.write_paused:
            return _STUCK
        if self._deaf:
            return _LINGER if self._lingers else None
        if self._in_head():
            return LATE_HEAD
        if self._in_body():
            return LATE_BODY
        return _IDLE if self.cycle.response_complete else None

    def _limit(self, phase: object) -> float:
        bounds = self.bounds
        if isinstance(phase, Refusal):
            return bounds.head_seconds if phase is LATE_HEAD else bounds.body_seconds
        if phase is _IDLE:
            return self.timeout_keep_alive
        return bounds.linger_seconds if phase is _LINGER else bounds.stuck_seconds


def bounded(bounds: Bounds, direct: Direct | None = None) -> type[BoundedProtocol]:
    """The protocol class with these bounds; `direct` is the application's second door, if any."""
    return type("Bounded", (BoundedProtocol,), {"bounds": bounds, "direct": direct})


def sweep(connections: Iterable[Any], now: float) -> None:
    """End every connection that is too late; `now` is the event loop's clock."""
    for connection in list(connections):
        connection.check(now)


def any_asks(connections: Iterable[Any]) -> bool:
    """Whether a request may be on its way on any of them."""
    return any(connection.is_asking() for connection in connections)

"""One serving process from start to end: what runs once a second, and how it stops.

A stop has two parts. While it drains, /readyz is 503 and every answer closes its connection, but
the listener stays, so that nobody is turned away before load balancers have noticed. Then the
listener closes, requests in flight finish, and the application's lifespan ends.
"""

import asyncio
import contextlib
import gc
import logging
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import uvicorn
from uvicorn.lifespan.on import LifespanOn

from authsvc import logs, metrics
from authsvc.web.health import Readiness

from .handshakes import TlsListener
from .protocol import BoundedProtocol, Bounds, any_asks, bounded, sweep
from .tls import Certificates

CLOSE = (b"connection", b"close")
FINISH = 10  # seconds that requests in flight get after the listener has closed
HEAR_OUT = 1.0  # seconds that a connection without a request gets then
MOMENT = 0.1  # seconds: requests that are on the wire when a stop begins are still read

_log = logs.get(__name__)


class Server(uvicorn.Server):
    """uvicorn's server with a drain, the sweep over connections, and TLS that renews itself.

    `make` makes the application; it is called on the event loop that will serve it.
    """

    def __init__(
        self,
        make: Callable[[Readiness], Any],
        readiness: Readiness,
        *,
        bounds: Bounds,
        drain: float,
        certificates: Certificates | None = None,
        started: Callable[[], None],
        alone: bool = True,
    ) -> None:
        super().__init__(_config())
        self._make = make
        self._readiness = readiness
        self._bounds = bounds
        self._drain = drain
        self._certificates = certificates
        self._http_class = bounded(bounds)
        self._started = started
        self._alone = alone
        self._ends_at: float | None = None

    def drain(self) -> None:
        """Begin to stop; has no effect a second time. Safe in signal handlers and threads."""
        if self._ends_at is None:
            self._begin(self._drain)

    def hurry(self) -> None:
        """Stop without waiting for load balancers; the second time, for requests neither."""
        if self.should_exit:
            self.force_exit = True
        self._begin(0)

    def _begin(self, wait: float) -> None:
        self._readiness.drain()
        if self._ends_at is None:
            self.config.encoded_headers = [*self.config.encoded_headers, CLOSE]
            self.server_state.default_headers = [*self.server_state.default_headers, CLOSE]
        self._ends_at = time.monotonic() + max(wait, MOMENT)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 - uvicorn's signature
        """SIGTERM drains; SIGINT is somebody at a terminal, who does not want to wait.

        With a parent every signal just drains: a process manager may send one to all processes,
        and the parent, who gets it too, says over its channel when to hurry.
        """
        if self._alone and (sig == signal.SIGINT or self._ends_at is not None):
            self.hurry()
        else:
            self.drain()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start the application, then listen. Raises what the application could not start for."""
        app = self.config.loaded_app = self._make(self._readiness)
        self._http_class = bounded(self._bounds, getattr(app, "direct", None))
        self.lifespan = _Lifespan(self.config)
        await self.lifespan.startup()
        if self.lifespan.failure is not None:
            raise self.lifespan.failure
        self.servers = [await self._listener(sock) for sock in sockets or ()]
        self.started = True
        _settle()
        self._started()

    async def _listener(self, sock: socket.socket) -> Any:
        backlog = self.config.backlog
        certificates = self._certificates
        if certificates is None:
            loop = asyncio.get_running_loop()
            return await loop.create_server(self._connection, sock=sock, backlog=backlog)
        return TlsListener(
            sock,
            self._connection,
            lambda: certificates.context,
            room=self._room,
            seconds=self._bounds.head_seconds,
            backlog=backlog,
        )

    def _connection(self) -> asyncio.Protocol:
        return self._http_class(
            config=self.config,
            server_state=self.server_state,
            app_state=self.lifespan.state,
        )

    def _room(self, shaking: int) -> bool:
        return shaking + len(self.server_state.connections) < self._bounds.connections

    async def on_tick(self, counter: int) -> bool:
        """Ten times a second: is it time to end? Once a second: everything that comes round."""
        if counter % 10 == 0:
            sweep(self.server_state.connections, asyncio.get_running_loop().time())
            metrics.flush()
            if self._certificates is not None:
                self._certificates.renew()
        if self._ends_at is not None and time.monotonic() >= self._ends_at:
            self.should_exit = True
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close the listener, let requests finish, end the application; lose no count."""
        _log.info("the listener closes", connections=len(self.server_state.connections))
        adopted = [self._adopt(accepted) for sock in sockets or () for accepted in _queued(sock)]
        for server in self.servers:
            server.close()
        for sock in sockets or ():
            sock.close()
        await asyncio.gather(*adopted)
        await self._hear_out()
        await super().shutdown(sockets)
        metrics.flush()

    async def _adopt(self, accepted: socket.socket) -> None:
        """Serve a connection that the kernel took before the listener closed."""
        loop = asyncio.get_running_loop()
        context = self._certificates.context if self._certificates else None
        with contextlib.suppress(OSError):
            await loop.connect_accepted_socket(self._connection, accepted, ssl=context)

    async def _hear_out(self) -> None:
        """Wait a little for requests on connections that have just been made."""
        end = time.monotonic() + HEAR_OUT
        while not self.force_exit and time.monotonic() < end:
            await asyncio.sleep(MOMENT / 10)
            if not any_asks(self.server_state.connections):
                return


def _queued(sock: socket.socket) -> Iterator[socket.socket]:
    """The connections that wait to be accepted; the kernel would reset them at the close."""
    sock.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while True:
            yield sock.accept()[0]


class _Lifespan(LifespanOn):
    """uvicorn's lifespan, which keeps the exception of a failed start instead of its text."""

    failure: Exception | None = None

    async def main(self) -> None:
        scope = {
            "type": "lifespan",
            "asgi": {"version": self.config.asgi_version, "spec_version": "2.0"},
            "state": self.state,
        }
        try:
            await self.config.loaded_app(scope, self.receive, self.send)
        except Exception as error:  # noqa: BLE001 - whatever it is, startup raises it again
            self.error_occurred = True
            if self.startup_event.is_set() and not self.startup_failed:
                _log.error("the application could not end in order", exc_info=error)
            else:
                self.failure = error
        finally:
            self.startup_event.set()
            self.shutdown_event.set()

    async def send(self, message: Any) -> None:
        """Leave out the traceback that frameworks send; the exception itself follows."""
        await super().send({"type": message["type"]})


async def _not_yet(scope: Any, receive: Any, send: Any) -> None:
    """Stand where uvicorn wants an application before there is one."""


def _config() -> uvicorn.Config:
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    return uvicorn.Config(
        _not_yet,
        interface="asgi3",
        loop="uvloop",
        http=BoundedProtocol,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,  # web/middleware does it, by its own rules
        server_header=False,
        workers=1,
        timeout_graceful_shutdown=FINISH,
    )


def _settle() -> None:
    """Tune the interpreter for what begins now: many short requests beside a few threads."""
    gc.collect()
    gc.freeze()  # what was built at start stays: no collection looks at it again
    gc.set_threshold(50_000, 20, 50)
    sys.setswitchinterval(0.0002)  # a thread's Python work delays a request by this much only

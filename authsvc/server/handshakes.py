"""The listener for TLS: it accepts and shakes hands itself instead of leaving that to the loop.

So an unfinished handshake counts among the open connections and has the time of a request head
(the loop would give it a minute and count nothing), and each new connection gets the
certificate that is there now.
"""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable

PAUSE = 1.0  # seconds until the next attempt when the system has no file descriptor left


class TlsListener:
    """Accepts on a socket until closed; it looks to uvicorn like a server of the event loop.

    `room` says, given how many handshakes are under way, whether one more connection may be.
    """

    def __init__(
        self,
        sock: socket.socket,
        protocol: Callable[[], asyncio.Protocol],
        context: Callable[[], ssl.SSLContext],
        *,
        room: Callable[[int], bool],
        seconds: float,
        backlog: int,
    ) -> None:
        self._sock = sock
        self._protocol = protocol
        self._context = context
        self._room = room
        self._seconds = seconds
        self._shaking: set[asyncio.Task[None]] = set()
        self._loop = asyncio.get_running_loop()
        sock.setblocking(False)
        sock.listen(backlog)
        self._accepting = self._loop.create_task(self._accept())

    def close(self) -> None:
        """Accept no more; handshakes under way go on."""
        self._accepting.cancel()

    async def wait_closed(self) -> None:
        """Return when nothing is under way any more."""
        await asyncio.wait([self._accepting, *self._shaking])

    async def _accept(self) -> None:
        while True:
            try:
                accepted, _ = await self._loop.sock_accept(self._sock)
            except OSError:
                await asyncio.sleep(PAUSE)
                continue
            if self._room(len(self._shaking)):
                task = self._loop.create_task(self._shake(accepted))
                self._shaking.add(task)
                task.add_done_callback(self._shaking.discard)
            else:
                accepted.close()

    async def _shake(self, accepted: socket.socket) -> None:
        # Not TLS, no cipher in common, too late, gone: there is nobody to tell.
        with contextlib.suppress(OSError):
            await self._loop.connect_accepted_socket(
                self._protocol,
                accepted,
                ssl=self._context(),
                ssl_handshake_timeout=self._seconds,
            )

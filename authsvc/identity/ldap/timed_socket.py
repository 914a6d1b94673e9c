"""A socket whose every call ends by one moment, however slowly the peer drips its bytes."""

import socket
import ssl
from collections.abc import Callable
from typing import TypeVar

PIECE = 1.0  # seconds that are waited at once, so that a moment may be put forward meanwhile

T = TypeVar("T")
Left = Callable[[], float]
"""Gives the seconds that are left, some; raises TimeoutError when there are none."""


def in_pieces(inner: socket.socket, left: Left, call: Callable[[], T]) -> T:
    """What `call` returns, which waits for this socket. Raises TimeoutError."""
    rest = left()
    while True:
        piece = min(rest, PIECE)
        inner.settimeout(piece)
        try:
            return call()
        except TimeoutError:
            rest = min(rest - piece, left())
            if rest <= 0:
                raise


class TimedSocket:
    """What ldap3 uses of a socket. `deadline` is set anew before each operation.

    `ends` gives a moment at which all ends, whatever the deadline is. ldap3 waits with the timeout
    anew for each piece that it reads, and takes whole seconds only.
    """

    def __init__(
        self,
        inner: socket.socket,
        deadline: float,
        timer: Callable[[], float],
        ends: Callable[[], float],
    ) -> None:
        self._inner = inner
        self._timer = timer
        self._ends = ends
        self.deadline = deadline

    @property
    def encrypted(self) -> bool:
        return isinstance(self._inner, ssl.SSLSocket)

    @property
    def inner(self) -> socket.socket:
        return self._inner

    def around(self, inner: socket.socket) -> "TimedSocket":
        """The same deadline for another socket."""
        return TimedSocket(inner, self.deadline, self._timer, self._ends)

    def recv(self, size: int) -> bytes:
        return in_pieces(self._inner, self._left, lambda: self._inner.recv(size))

    def sendall(self, data: bytes) -> None:
        self._inner.settimeout(self._left())
        self._inner.sendall(data)

    def shutdown(self, how: int) -> None:
        self._inner.shutdown(how)

    def close(self) -> None:
        self._inner.close()

    def _left(self) -> float:
        return left_until(min(self.deadline, self._ends()), self._timer)


def left_until(moment: float, timer: Callable[[], float]) -> float:
    """As `Left`."""
    left = moment - timer()
    if left <= 0:
        raise TimeoutError("no answer in time")
    return left

"""A socket whose every call ends by one moment, however slowly the peer drips its bytes."""

import socket
import ssl
from collections.abc import Callable


class TimedSocket:
    """What ldap3 uses of a socket. `deadline` is set anew before each operation.

    ldap3 waits with the timeout anew for each piece that it reads, and takes whole seconds only.
    """

    def __init__(self, inner: socket.socket, deadline: float, timer: Callable[[], float]) -> None:
        self._inner = inner
        self._timer = timer
        self.deadline = deadline

    @property
    def encrypted(self) -> bool:
        return isinstance(self._inner, ssl.SSLSocket)

    def around(self, inner: socket.socket) -> "TimedSocket":
        """The same deadline for another socket."""
        return TimedSocket(inner, self.deadline, self._timer)

    def limited(self) -> socket.socket:
        """The socket itself, with the time that is left as its timeout. Raises TimeoutError."""
        left = self.deadline - self._timer()
        if left <= 0:
            raise TimeoutError("no answer in time")
        self._inner.settimeout(left)
        return self._inner

    def recv(self, size: int) -> bytes:
        return self.limited().recv(size)

    def sendall(self, data: bytes) -> None:
        self.limited().sendall(data)

    def shutdown(self, how: int) -> None:
        self._inner.shutdown(how)

    def close(self) -> None:
        self._inner.close()

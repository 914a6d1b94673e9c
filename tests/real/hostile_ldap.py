"""Servers on loopback that are no good directory: silent, slow, talking nonsense, stripping TLS."""

import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

Talk = Callable[[socket.socket], None]
"""What is done with each connection, which is closed afterwards."""


@contextmanager
def serving(talk: Talk) -> Iterator[int]:
    """Serves `talk` on loopback while the block runs; gives the port."""
    over = threading.Event()

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.settimeout(0.1)
            with suppress(OSError):
                talk(self.request)
            while not over.is_set() and talk in _HOLDING:
                with suppress(TimeoutError):
                    if not self.request.recv(4096):
                        return

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            over.set()
            server.shutdown()
            thread.join()


def tarpit(_connection: socket.socket) -> None:
    """Accepts, listens and never says a word."""


def drip(connection: socket.socket) -> None:
    """An answer of endless length, a byte every 50 ms."""
    connection.recv(4096)
    connection.sendall(b"\x30\x84\x00\x01\x00\x00")
    while True:
        threading.Event().wait(0.05)
        connection.sendall(b"\x00")


def nonsense(connection: socket.socket) -> None:
    """Well-framed BER that is no LDAP."""
    connection.recv(4096)
    connection.sendall(b"\x30\x03\x02\x01\x01")


def http(connection: socket.socket) -> None:
    connection.recv(4096)
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")


def stripping(seen: list[bytes]) -> Talk:
    """Refuses StartTLS as if it were not known, and keeps what is said in the clear after that."""

    def talk(connection: socket.socket) -> None:
        request = connection.recv(4096)
        connection.sendall(_extended_response(request[4], 2))
        with suppress(TimeoutError):
            seen.append(connection.recv(4096))

    return talk


def injecting(seen: list[bytes]) -> Talk:
    """Grants StartTLS, and sends an answer to the next request along with it, in the clear."""

    def talk(connection: socket.socket) -> None:
        number = connection.recv(4096)[4]
        bound = bytes([0x30, 12, 2, 1, number + 1, 0x61, 7, 10, 1, 0, 4, 0, 4, 0])
        connection.sendall(_extended_response(number, 0) + bound)
        with suppress(TimeoutError):
            seen.append(connection.recv(4096))

    return talk


def _extended_response(number: int, code: int) -> bytes:
    """RFC 4511, section 4.12, to the request of that (one octet) number."""
    return bytes([0x30, 12, 2, 1, number, 0x78, 7, 10, 1, code, 4, 0, 4, 0])


_HOLDING = {tarpit}

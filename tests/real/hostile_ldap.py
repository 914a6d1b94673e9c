"""Servers on loopback that are no good directory: silent, slow, talking nonsense, stripping TLS."""

import select
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
    opened: list[socket.socket] = []

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            opened.append(self.request)
            with suppress(OSError):
                talk(self.request)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()
            for connection in opened:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)


def tarpit(connection: socket.socket) -> None:
    """Accepts, listens and never says a word."""
    while connection.recv(4096):
        pass


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
        number = _number(connection.recv(4096))
        connection.sendall(_answer(number, _EXTENDED, 2))
        seen.append(connection.recv(4096))

    return talk


def injecting(seen: list[bytes]) -> Talk:
    """Grants StartTLS, and sends an answer to the next request along with it, in the clear."""

    def talk(connection: socket.socket) -> None:
        number = _number(connection.recv(4096))
        connection.sendall(_answer(number, _EXTENDED, 0) + _answer(number + 1, _BOUND, 0))
        seen.append(connection.recv(4096))

    return talk


def counting(accepted: list[object]) -> Talk:
    """A tarpit that keeps count."""

    def talk(connection: socket.socket) -> None:
        accepted.append(connection.getpeername())
        tarpit(connection)

    return talk


def between(port: int, who: str, code: int, text: str = "") -> Talk:
    """Passes all on to the directory at `port`, but answers the binds of `who` by itself."""

    def talk(connection: socket.socket) -> None:
        with socket.create_connection(("127.0.0.1", port)) as directory:
            while request := _received(connection, directory):
                if request[_body_at(request)] == _BIND and who.encode() in request:
                    connection.sendall(_answer(_number(request), _BOUND, code, text))
                else:
                    directory.sendall(request)

    return talk


def slowing(port: int, who: str, seconds: float) -> Talk:
    """Passes all on to the directory at `port`, the binds of `who` so much later."""

    def talk(connection: socket.socket) -> None:
        with socket.create_connection(("127.0.0.1", port)) as directory:
            while request := _received(connection, directory):
                if request[_body_at(request)] == _BIND and who.encode() in request:
                    threading.Event().wait(seconds)
                directory.sendall(request)

    return talk


def withholding(port: int, who: str) -> Talk:
    """Passes all on to the directory at `port`, but never answers the binds of `who`."""

    def talk(connection: socket.socket) -> None:
        with socket.create_connection(("127.0.0.1", port)) as directory:
            while request := _received(connection, directory):
                if request[_body_at(request)] != _BIND or who.encode() not in request:
                    directory.sendall(request)

    return talk


_EXTENDED, _BIND, _BOUND = 0x78, 0x60, 0x61  # RFC 4511, sections 4.12 and 4.2


def _received(client: socket.socket, directory: socket.socket) -> bytes:
    """The next request, small enough to come in one piece; the directory's answers pass by."""
    while True:
        readable, _, _ = select.select([client, directory], [], [])
        if client in readable:
            return client.recv(65_536)
        answer = directory.recv(65_536)
        if not answer:
            return b""
        client.sendall(answer)


def _number(request: bytes) -> int:
    """The message's number (RFC 4511, section 4.1.1)."""
    at = 2 + (request[1] & 0x7F) * (request[1] > 0x7F)
    return int.from_bytes(request[at + 2 : at + 2 + request[at + 1]])


def _body_at(request: bytes) -> int:
    at = 2 + (request[1] & 0x7F) * (request[1] > 0x7F)
    return at + 2 + request[at + 1]


def _answer(number: int, kind: int, code: int, text: str = "") -> bytes:
    """An LDAPResult of this kind to the request of this number."""
    message = _tlv(4, text.encode())
    result = _tlv(kind, _tlv(10, bytes([code])) + _tlv(4, b"") + message)
    return _tlv(0x30, _tlv(2, number.to_bytes(4)) + result)


def _tlv(tag: int, value: bytes) -> bytes:
    return bytes([tag, len(value)]) + value

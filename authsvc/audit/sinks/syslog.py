"""A syslog server over TCP or TLS (RFC 6587, RFC 5425).

Syslog acknowledges nothing. What the other side's kernel has is known (the queue of the socket),
but not what its program has read of that; so the last bytes stay in doubt as long as the
connection lasts, and are sent again when it breaks.
"""

import fcntl
import socket
import ssl
import struct
import termios
import time
from collections.abc import Sequence
from contextlib import suppress
from urllib.parse import urlsplit

from .rfc5424 import framed
from .sink import Closed, Copied

PORTS = {"tls": 6514, "tcp": 601}  # RFC 5425, RFC 3195
CONNECT = 5.0  # seconds
STUCK = 10.0  # seconds in which the other side takes nothing at all
QUIET = 5.0  # seconds without a record, after which an end in good order loses none
IN_DOUBT = 4 << 20  # bytes: what the kernel of a server that reads slowly may hold
KEEPALIVE = {"TCP_KEEPIDLE": 30, "TCP_KEEPINTVL": 10, "TCP_KEEPCNT": 3}  # seconds, and how often


class SyslogSink:
    """Connects when there is something to send.

    Certificates are checked by the system's store, or the one that SSL_CERT_FILE names.
    """

    in_doubt = IN_DOUBT

    def __init__(self, name: str, url: str) -> None:
        parts = urlsplit(url)
        self.name = name
        self.address = url
        self._peer = (parts.hostname or "", parts.port or PORTS[parts.scheme])
        self._tls = parts.scheme == "tls"
        self._host = socket.gethostname()
        self._socket: socket.socket | None = None
        self._sent_at = 0.0

    def take(self, records: Sequence[Copied]) -> int:
        data = b"".join(framed(record, self._host) for record in records)
        connection = self._socket or self._connect()
        self._sent_at = time.monotonic()
        rest = memoryview(data)
        while rest:  # each call must take something in time; a slow server may take its time
            rest = rest[connection.send(rest) :]
        return len(data)

    def look(self) -> None:
        if self._socket is None:
            return
        self._socket.settimeout(0)
        try:
            said = self._socket.recv(4096)  # no server has anything to say here
        except (BlockingIOError, ssl.SSLWantReadError):
            said = b"nothing"
        if not said:
            quiet = time.monotonic() - self._sent_at > QUIET and self.on_the_way() == 0
            text = "the server closed the connection"
            raise Closed(text) if quiet else ConnectionResetError(text)
        self._socket.settimeout(STUCK)

    def on_the_way(self) -> int:
        if self._socket is None:
            return 0
        answer = fcntl.ioctl(self._socket.fileno(), termios.TIOCOUTQ, struct.pack("i", 0))
        return int(struct.unpack("i", answer)[0])

    def close(self) -> None:
        connection, self._socket = self._socket, None
        if connection is None:
            return
        if isinstance(connection, ssl.SSLSocket):
            connection.settimeout(0)  # say good-bye, and wait for no answer
            with suppress(OSError, ValueError):
                connection.unwrap()
        connection.close()

    def _connect(self) -> socket.socket:
        connection = socket.create_connection(self._peer, timeout=CONNECT)
        try:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            for option, value in KEEPALIVE.items():
                if hasattr(socket, option):
                    connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
            if self._tls:
                context = ssl.create_default_context()
                connection = context.wrap_socket(connection, server_hostname=self._peer[0])
            connection.settimeout(STUCK)
        except BaseException:
            connection.close()
            raise
        self._socket = connection
        return connection

"""A syslog server over TCP or TLS that takes nothing but what RFC 5424 and RFC 6587 allow."""

import json
import re
import socket
import ssl
import struct
import threading
from contextlib import suppress

MESSAGE = re.compile(
    rb"<(?P<pri>0|[1-9][0-9]{0,2})>1 "
    rb"(?P<time>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) "
    rb"(?P<host>[!-~]{1,255}) (?P<app>[!-~]{1,48}) (?P<proc>[!-~]{1,128}) (?P<id>[!-~]{1,32}) "
    rb"- (?P<text>\{.*\})",
    re.DOTALL,
)


class Receiver:
    """Listens on a port of its own; `stop` and `start` keep it. Every record is in `records`.

    `pace` is the number of seconds that it waits between two reads, of which each takes little.
    """

    def __init__(self, context=None, pace=0.0):
        self.records = []
        self.heads = []
        self.faults = []
        self._context = context
        self._pace = pace
        self._threads = []
        self.port = 0
        self.start()

    def start(self):
        self._stopping = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", self.port), backlog=8)
        if self._pace:  # so little room that a sender soon waits
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 14)
        self.port = self._listener.getsockname()[1]
        self._listener.settimeout(0.05)
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def kill(self):
        """As a process that is killed: connections are reset, what was not read is lost."""
        self._stopping.set()
        for thread in self._threads:
            thread.join()
        self._listener.close()

    def _accept(self):
        while not self._stopping.is_set():
            try:
                connection, _ = self._listener.accept()
            except TimeoutError:
                continue
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection):
        try:
            if self._context is not None:
                connection.settimeout(5)
                connection = self._context.wrap_socket(connection, server_side=True)
            connection.settimeout(0.05)
            self._read(connection)
        except OSError as error:
            self.faults.append(error)
        finally:
            reset = struct.pack("ii", 1, 0)
            with suppress(OSError):  # a handshake that failed has closed it
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
            connection.close()

    def _read(self, connection):
        data = b""
        while not self._stopping.is_set():
            try:
                got = connection.recv(4096 if self._pace else 65536)
            except TimeoutError:
                continue
            if not got:
                return
            data = self._parsed(data + got)
            if self._pace:
                self._stopping.wait(self._pace)

    def _parsed(self, data):
        """Take whole frames off; what is left."""
        while (blank := data.find(b" ", 0, 12)) > 0:
            assert re.fullmatch(rb"[1-9][0-9]*", data[:blank]), data[:20]
            end = blank + 1 + int(data[:blank])
            if len(data) < end:
                return data
            found = MESSAGE.fullmatch(data[blank + 1 : end])
            assert found, data[blank + 1 : end]
            self.heads.append(found.groupdict())
            self.records.append(json.loads(found["text"]))
            data = data[end:]
        assert len(data) < 12, data[:20]
        return data


def server_context(certificate, key):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


def in_order(records):
    """The numbers of each writer as they first came, without those that came again."""
    found = {}
    for record in records:
        found.setdefault(record["writer"], {})[record["seq"]] = None
    return {writer: list(seqs) for writer, seqs in found.items()}

"""Wrong passwords over several connections, no two alike, for as long as a block lasts."""

import base64
import http.client
import itertools
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

CONNECTIONS = 8


class Flood:
    """How many wrong passwords were refused, from when until when (monotonic seconds).

    One that is told to come back, since too many wait, is none of them.
    """

    def __init__(self, port: int, query: str, name: str) -> None:
        self._port = port
        self._query = query
        self._name = name
        self._numbers = itertools.count()
        self._over = threading.Event()
        self._refused = [0] * CONNECTIONS
        self._faults: list[BaseException] = []
        self._threads = [
            threading.Thread(target=self._run, args=(n,), daemon=True) for n in range(CONNECTIONS)
        ]
        self._began = self._ended = 0.0

    @property
    def rate(self) -> float:
        """Refusals per second."""
        return sum(self._refused) / (self._ended - self._began)

    def start(self) -> None:
        self._began = time.monotonic()
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Raises what a connection met that was neither."""
        self._over.set()
        for thread in self._threads:
            thread.join()
        self._ended = time.monotonic()
        if self._faults:
            raise self._faults[0]

    def _run(self, number: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port)
        try:
            while not self._over.is_set():
                self._refused[number] += self._guess(connection) == 401
        except Exception as fault:  # noqa: BLE001 - raised again by `stop`
            self._faults.append(fault)
        finally:
            connection.close()

    def _guess(self, connection: http.client.HTTPConnection) -> int:
        shown = f"{self._name}:wrong {next(self._numbers)}"
        header = "Basic " + base64.b64encode(shown.encode()).decode()
        connection.request("GET", self._query, headers={"Authorization": header})
        answer = connection.getresponse()
        body = answer.read()
        assert answer.status in (401, 503), (answer.status, body)
        return answer.status


@contextmanager
def flooding(port: int, query: str, name: str) -> Iterator[Flood]:
    """Wrong passwords for a name meanwhile."""
    flood = Flood(port, query, name)
    flood.start()
    try:
        yield flood
    finally:
        flood.stop()

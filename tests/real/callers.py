"""Callers who ask for tokens one after the other, and note how long each waited and who did not."""

import http.client
import threading
import time
from typing import Self
from urllib.parse import urlencode

from real.service import Account
from real.wire import basic

PATIENCE = 30  # seconds; who waits longer is one who got nothing


class Callers:
    """A thread with a kept-alive connection for each account, None for somebody who has none."""

    def __init__(self, port: int, service: str, name: str, accounts: list[Account | None]) -> None:
        self.waits: list[float] = []
        """Seconds of each answer that was a token."""
        self.refused: list[int | str] = []
        """The status of each that was none, or the error of the connection."""
        query = {"service": service, "scope": f"repository:{name}:pull"}
        self._path = f"/token?{urlencode(query)}"
        self._port = port
        self._ended = threading.Event()
        self._threads = [
            threading.Thread(target=self._ask, args=[account], daemon=True) for account in accounts
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def _ask(self, account: Account | None) -> None:
        headers = basic(account) if account else {}
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE)
        while not self._ended.is_set():
            began = time.monotonic()
            try:
                connection.request("GET", self._path, headers=headers)
                answer = connection.getresponse()
                answer.read()
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                self.refused.append(str(error))
            else:
                if answer.status == 200:
                    self.waits.append(time.monotonic() - began)
                else:
                    self.refused.append(answer.status)
        connection.close()

"""Many callers at once who ask for tokens until told to stop, and note each one they were given."""

import http.client
import json
import threading
from typing import Self
from urllib.parse import urlencode

from real.service import Account
from real.wire import basic, claims


class Load:
    """Threads with a kept-alive connection each; a connection that breaks is opened again."""

    def __init__(self, port: int, service: str, accounts: list[Account | None]) -> None:
        self.acknowledged: set[str] = set()
        """The `jti` of every token whose answer arrived whole."""
        self._port = port
        self._service = service
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
        scope = "repository:open/app:pull"
        path = f"/token?{urlencode({'service': self._service, 'scope': scope})}"
        headers = basic(account) if account else {}
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
        while not self._ended.is_set():
            try:
                connection.request("GET", path, headers=headers)
                answer = connection.getresponse()
                body = answer.read()
            except (OSError, http.client.HTTPException):
                connection.close()
                self._ended.wait(0.01)
                continue
            if answer.status == 200:
                self._note(body)
        connection.close()

    def _note(self, body: bytes) -> None:
        self.acknowledged.add(str(claims(json.loads(body)["token"])["jti"]))

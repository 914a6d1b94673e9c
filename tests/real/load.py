"""Many callers at once who ask for tokens until told to stop, and note how each was answered."""

import http.client
import json
import threading
import time
from typing import Self
from urllib.parse import urlencode

from real.service import Account
from real.wire import basic, claims

PATIENCE = 30  # seconds; who waits longer is one who got nothing


class Load:
    """A thread with a kept-alive connection for each account, None for somebody who has none.

    A connection that breaks is opened again.
    """

    def __init__(
        self,
        port: int,
        service: str,
        accounts: list[Account | None],
        name: str = "open/app",
    ) -> None:
        self.acknowledged: set[str] = set()
        """The `jti` of every token whose answer arrived whole."""
        self.waits: list[float] = []
        """Seconds that each of them took."""
        self.refused: list[int | str] = []
        """The status of each answer that was none, or the error of the connection."""
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
                body = answer.read()
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                self.refused.append(str(error))
                self._ended.wait(0.01)
                continue
            if answer.status == 200:
                self.waits.append(time.monotonic() - began)
                self.acknowledged.add(str(claims(json.loads(body)["token"])["jti"]))
            else:
                self.refused.append(answer.status)
        connection.close()

"""Token requests over TLS from an address of loopback, one by one and many at once."""

import http.client
import json
import ssl
import threading
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlencode

from real.people import ONE
from real.service import Account
from real.wire import Reply, basic, claims

PATIENCE = 30  # seconds
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@dataclass(frozen=True)
class Caller:
    """Who connects to a port of loopback from an address of it, by TLS."""

    port: int
    address: str
    trusted: ssl.SSLContext

    def connected(self) -> http.client.HTTPSConnection:
        return http.client.HTTPSConnection(
            "localhost", self.port, timeout=PATIENCE, context=self.trusted,
            source_address=(self.address, 0),
        )  # fmt: skip

    def send(self, method: str, target: str, body: bytes = b"", **headers: str) -> Reply:
        """One request on a connection of its own; the target goes out as it is."""
        connection = self.connected()
        try:
            return sent(connection, method, target, body, headers)
        finally:
            connection.close()

    def token(self, account: Account | None, scope: str, **headers: str) -> Reply:
        query = urlencode({"service": ONE, "scope": scope})
        signed = basic(account) if account else {}
        return self.send("GET", f"/token?{query}", **signed, **headers)


def sent(connection, method, target, body, headers) -> Reply:
    connection.putrequest(method, target, skip_accept_encoding=True)
    for name, value in headers.items():
        connection.putheader(name, value)
    if body:
        connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body or None)
    answer = connection.getresponse()
    named = {name.lower(): value for name, value in answer.getheaders()}
    return Reply(answer.status, named, answer.read())


class Pressing:
    """Callers who go on asking, each on a kept connection, by GET and by POST in turn.

    `failed` has each answer that was none, or no good one; a connection that the proxy ends
    between two requests, as its keep-alive allows, counts as failed too.
    """

    def __init__(self, caller: Caller, account: Account, callers: int = 4) -> None:
        self.given: set[str] = set()
        self.failed: list[object] = []
        self._caller = caller
        self._account = account
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._press) for _ in range(callers)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def _press(self) -> None:
        connection = self._caller.connected()
        while not self._ended.is_set():
            for by in (self._by_get, self._by_post):
                try:
                    answer = sent(connection, *by())
                    self.given.add(str(claims(str(answer.json()["token"]))["jti"]))
                except (OSError, http.client.HTTPException) as error:
                    connection.close()
                    self.failed.append(repr(error))
                except (KeyError, json.JSONDecodeError):
                    self.failed.append((answer.status, answer.body))
        connection.close()

    def _by_get(self):
        query = urlencode({"service": ONE, "scope": "repository:team/app:pull"})
        return "GET", f"/token?{query}", b"", basic(self._account)

    def _by_post(self):
        form = {
            "grant_type": "password", "service": ONE, "client_id": "pressing",
            "username": self._account.name, "password": self._account.password,
            "scope": "repository:team/app:pull",
        }  # fmt: skip
        return "POST", "/token", urlencode(form).encode(), FORM

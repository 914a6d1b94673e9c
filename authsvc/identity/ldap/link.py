"""One connection to one server of a directory: opened, bound, searched. All of ldap3 is in here."""

import socket
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import ldap3
from ldap3.core.results import RESULT_SIZE_LIMIT_EXCEEDED, RESULT_SUCCESS

from authsvc.identity.ldap.entries import Entry, Request
from authsvc.identity.ldap.policy_control import POLICY, must_change
from authsvc.identity.ldap.timed_socket import TimedSocket, left_until
from authsvc.identity.ldap.tls import HostTls

PAGE = 500  # entries; Active Directory gives 1,000 at most
MOST = 5_000  # entries of one search; more is no list of one person's groups
_PAGING = "1.2.840.113556.1.4.319"  # RFC 2696


class NoAnswer(Exception):
    """The server did not answer, not in time, or not sensibly. The text is for the log."""


class Refused(Exception):
    """The server answered with an error. The text is for the log."""


class TooMuch(Exception):
    """More was found than can be meant. The text is for the log."""


@dataclass(frozen=True, slots=True)
class Target:
    """A server: by which name and port it is reached, and how it is spoken to.

    With `context` all is encrypted, from the first byte (`from_start`) or by StartTLS. `ends` gives
    the moment of the timer at which nobody waits for it any more.
    """

    host: str
    port: int
    context: ssl.SSLContext | None
    from_start: bool
    connect_timeout: float  # seconds
    ends: Callable[[], float]


@dataclass(frozen=True, slots=True)
class Bound:
    """The answer to a bind; `code` is a result code of RFC 4511, `message` the server's text."""

    code: int
    message: str
    must_change: bool


class Link:
    """A connection, used by one thread at a time; after an exception it can only be closed.

    Opening raises NoAnswer; each later call too, when it has not ended by its `deadline` (seconds
    of `timer`).
    """

    def __init__(self, target: Target, timer: Callable[[], float]) -> None:
        self._target = target
        self._timer = timer
        self.used = timer()
        self._connection = self._connect()

    def bind(self, dn: str, password: str, deadline: float) -> Bound:
        """Show a name and a password. An empty one is never sent: it would always be right."""
        if not dn or not password:
            raise ValueError("an empty name or password binds anonymously")
        connection = self._connection
        with self._speaking(deadline):
            # ldap3 would open a closed connection again, and without StartTLS.
            if connection.closed or (self._target.context and not connection.socket.encrypted):
                raise ssl.SSLError("the connection is closed or not encrypted")
            connection.user, connection.authentication = dn, ldap3.SIMPLE
            # As octets: ldap3 would fold other letters into a text, so two passwords into one.
            connection.password = password.encode()
            try:
                connection.bind(read_server_info=False, controls=[(POLICY, False, None)])
            finally:
                connection.password = connection.request = None  # ldap3 keeps it in both
            result = connection.result
            return Bound(result["result"], result["message"], must_change(_control(result, POLICY)))

    def search(self, request: Request, deadline: float) -> list[Entry]:
        """The entries found, by pages where there is no limit.

        Raises Refused; TooMuch.
        """
        found: list[Entry] = []
        cookie: bytes | None = None
        while cookie != b"":
            with self._speaking(deadline):
                cookie = self._page(request, cookie, found)
            if len(found) > MOST:
                raise TooMuch(f"more than {MOST} entries found")
        return found

    def close(self) -> None:
        """Never raises."""
        connection = self._connection
        with suppress(Exception):
            connection.socket.deadline = self._timer() + 1  # for the farewell of RFC 4511, 4.3
            connection.unbind()
        _close(connection)

    def _connect(self) -> Any:
        """Each address of the host in turn, since ldap3 leaks the sockets of failed ones."""
        deadline = self._timer() + self._target.connect_timeout
        fault: NoAnswer | None = None
        for address in self._addresses():
            try:
                return self._connect_to(address, deadline)
            except NoAnswer as reason:
                fault = reason
        raise fault or NoAnswer("its name has no address")

    def _addresses(self) -> list[str]:
        try:
            found = socket.getaddrinfo(
                self._target.host, self._target.port, type=socket.SOCK_STREAM
            )
        except (OSError, UnicodeError) as reason:
            raise NoAnswer(f"its name is not resolved: {reason}") from None
        return list(dict.fromkeys(str(address[0]) for *_, address in found))

    def _connect_to(self, address: str, deadline: float) -> Any:
        target = self._target

        def left() -> float:
            return left_until(min(deadline, target.ends()), self._timer)

        try:
            seconds = left()
        except TimeoutError:
            raise NoAnswer("no connection in time") from None
        server = ldap3.Server(
            address,
            target.port,
            use_ssl=target.from_start,
            get_info=ldap3.NONE,
            tls=HostTls(target.context, target.host, left) if target.context else None,
            connect_timeout=seconds,
        )
        connection: Any = ldap3.Connection(
            server, client_strategy=ldap3.SYNC, auto_referrals=False, check_names=False,
            auto_escape=False, auto_encode=False, return_empty_attributes=False,
        )  # fmt: skip
        try:
            connection.open(read_server_info=False)
            connection.socket = TimedSocket(connection.socket, deadline, self._timer, target.ends)
            if target.context and not target.from_start:
                _start_tls(connection)
        except Exception as reason:  # noqa: BLE001 - as in `_speaking`
            _close(connection)
            raise NoAnswer(_text(reason)) from None
        return connection

    def _page(self, request: Request, cookie: bytes | None, found: list[Entry]) -> bytes:
        """Add one page to `found`; the cookie of the next one, empty after the last."""
        connection = self._connection
        connection.search(
            request.base,
            request.filter,
            attributes=list(request.attributes) or [ldap3.NO_ATTRIBUTES],
            dereference_aliases=ldap3.DEREF_NEVER,
            size_limit=request.limit or 0,
            paged_size=None if request.limit else PAGE,
            paged_cookie=cookie,
        )
        found += _entries(connection.response)
        result = connection.result
        limited = result["result"] == RESULT_SIZE_LIMIT_EXCEEDED and request.limit
        if result["result"] != RESULT_SUCCESS and not (limited and len(found) >= limited):
            raise Refused(f"{result['description']} {result['message']}".strip())
        paging = _control(result, _PAGING)
        return bytes(paging["cookie"]) if paging and not request.limit else b""

    @contextmanager
    def _speaking(self, deadline: float) -> Iterator[None]:
        """ldap3 reads answers without any checks, so a broken one may raise whatever there is."""
        try:
            self._connection.socket.deadline = deadline
            yield
            self.used = self._timer()
        except Refused:
            raise
        except Exception as reason:  # noqa: BLE001 - that is, whatever there is
            raise NoAnswer(_text(reason)) from None


def _start_tls(connection: Any) -> None:
    """Before anything else is said. Raises: who is in the way may have stripped it."""
    if not connection.start_tls(read_server_info=False) or not connection.socket.encrypted:
        raise ssl.SSLError("StartTLS was not done")


def _close(connection: Any) -> None:
    """ldap3 forgets sockets that it could not connect or wrap without closing them."""
    with suppress(Exception):
        connection.socket.close()
    connection.socket = None
    connection.closed = True


def _entries(response: list[Mapping[str, Any]] | None) -> Iterator[Entry]:
    """The entries of an answer; referrals to elsewhere are left alone."""
    for item in response or ():
        if item["type"] == "searchResEntry":
            values = item["raw_attributes"].items()
            yield Entry(
                item["raw_dn"].decode(),
                {name.lower(): tuple(octets or ()) for name, octets in values},
            )


def _control(result: Mapping[str, Any], oid: str) -> Any:
    """What the server sent along with its answer under this OID, or None."""
    return result.get("controls", {}).get(oid, {}).get("value")


def _text(reason: Exception) -> str:
    return str(reason) or type(reason).__name__

"""One server of a directory: how it is reached, and what it is asked on which connection."""

import math
import ssl
import time
from collections.abc import Callable
from urllib.parse import urlsplit

from authsvc.identity.ldap.entries import Entry, Request
from authsvc.identity.ldap.link import Bound, Link, NoAnswer, Refused, Target
from authsvc.identity.ldap.pool import IDLE_FOR, Pool
from authsvc.settings.sources import LdapSource

FAREWELL = 2.0  # seconds that a call under way has left when its server is closed
_PORTS = {"ldap": 389, "ldaps": 636}
_NOT_NOW = frozenset({1, 2, 3, 8, 10, 11, 13, 14, 51, 52, 54, 80})
"""Results of a bind that say nothing of the password (RFC 4511, appendix A.2).

An error of the server or the protocol, a limit, a referral, stronger authentication or
confidentiality required, SASL going on, busy, unavailable, a loop, other.
"""


class Server:
    """Searches run on connections bound as the service account, which are never bound again.

    The names and passwords of people are shown on others, which never search. `context` gives what
    TLS is made with, and raises OSError. All methods that ask raise `link.NoAnswer` and
    `link.Refused`.
    """

    def __init__(
        self,
        url: str,
        settings: LdapSource,
        context: Callable[[], ssl.SSLContext],
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self.url = url
        self._settings = settings
        self._context = context
        self._timer = timer
        self._ends = math.inf
        self._searching = Pool(self._open_bound, settings.timeout, timer)
        self._binding = Pool(self._open, settings.timeout, timer)

    def search(self, request: Request, deadline: float) -> list[Entry]:
        return self._searching.run(lambda link, end: link.search(request, end), deadline)

    def bind(self, dn: str, password: str, deadline: float) -> Bound:
        def show(link: Link, end: float) -> Bound:
            bound = link.bind(dn, password, end)
            if bound.code in _NOT_NOW:
                raise Refused(f"result {bound.code} {bound.message}".strip())
            return bound

        return self._binding.run(show, deadline)

    def reap(self) -> None:
        """Close connections that nobody has used for long."""
        for pool in (self._searching, self._binding):
            pool.drop(IDLE_FOR)

    def drop(self) -> None:
        """Close all connections that are not in use."""
        for pool in (self._searching, self._binding):
            pool.drop()

    def close(self) -> None:
        """End all, calls under way within `FAREWELL` seconds, whatever their timeouts are."""
        self._ends = self._timer() + FAREWELL
        for pool in (self._searching, self._binding):
            pool.close()

    def _open(self) -> Link:
        return Link(self._target(), self._timer)

    def _open_bound(self) -> Link:
        link = self._open()
        try:
            self._bind_service(link)
        except BaseException:
            link.close()
            raise
        return link

    def _bind_service(self, link: Link) -> None:
        """Without a `bind_dn` the connection stays anonymous."""
        settings = self._settings
        if settings.bind_dn:
            password = settings.bind_password.get_secret_value()
            bound = link.bind(settings.bind_dn, password, self._timer() + settings.timeout)
            if bound.code != 0:
                text = f"it refuses the service account: result {bound.code} {bound.message}"
                raise NoAnswer(text.strip())

    def _target(self) -> Target:
        url = urlsplit(self.url)
        encrypted = url.scheme == "ldaps" or self._settings.start_tls
        try:
            context = self._context() if encrypted else None
        except OSError as reason:
            raise NoAnswer(f"ca_file cannot be used: {reason}") from None
        return Target(
            host=url.hostname or "",
            port=url.port or _PORTS[url.scheme],
            context=context,
            from_start=url.scheme == "ldaps",
            connect_timeout=self._settings.connect_timeout,
            ends=lambda: self._ends,
        )

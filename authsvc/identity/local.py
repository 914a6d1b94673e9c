"""The embedded source: people stored in the database. It is always there and asked first."""

from collections.abc import Callable, Collection

from authsvc import logs
from authsvc.errors import AuthsvcError
from authsvc.identity import passwords
from authsvc.identity.provider import Rejected, StoredPassword, Unknown, Verified
from authsvc.identity.schemes import cost
from authsvc.principal import LOCAL, Kind, Principal

_log = logs.get("identity")


class Local:
    """Checks passwords of database users.

    `find(name)` gives what is stored under exactly that name; `rehash(name, old, new)` replaces a
    hash that is still `old`. Both block and raise Unavailable. Edits of a person arrive as the
    topic `name:NAME` of the change feed.
    """

    name = LOCAL

    def __init__(
        self,
        find: Callable[[str], StoredPassword | None],
        rehash: Callable[[str, str, str], None],
    ) -> None:
        self._find = find
        self._rehash = rehash
        # People made here all have today's parameters; what an import brought is met one by one.
        self._samples = {_cost(made): made for made in (passwords.hash_password(_NOBODYS),)}

    def verify(self, username: str, password: str, now: float) -> Verified | Rejected | Unknown:  # noqa: ARG002 - a stored password has no end
        person = self._stored(username)
        if person is None:
            return Unknown()
        self._samples.setdefault(_cost(person.hash), person.hash)
        if not passwords.verify(person.hash, password):
            return Rejected("wrong_password")
        if not person.enabled:
            return Rejected("disabled")
        self._renew(person, password)
        return Verified(_principal(person), password=person.changed_at.isoformat())

    def is_current(self, verified: Verified) -> bool:  # noqa: ARG002 - the change feed tells
        return True

    def knows(self, username: str) -> Principal | None:
        person = self._stored(username)
        return _principal(person) if person else None

    def samples(self) -> Collection[str]:
        return tuple(self._samples.values())

    def _stored(self, username: str) -> StoredPassword | None:
        """The person of exactly this name, whatever the database's collation takes for equal."""
        person = self._find(username)
        return person if person and person.name == username else None

    def _renew(self, person: StoredPassword, password: str) -> None:
        """Bring the hash to today's parameters; that it could not be stored is no reason for no."""
        if not passwords.needs_rehash(person.hash):
            return
        try:
            self._rehash(person.name, person.hash, passwords.hash_password(password))
        except AuthsvcError as reason:
            _log.warning("password hash not renewed", user=person.name, reason=reason.message)


_NOBODYS = "a hash of this is kept in memory alone, to measure by"


def _cost(stored: str) -> str:
    return cost(stored) or ""


def _principal(person: StoredPassword) -> Principal:
    return Principal(Kind.USER, LOCAL, person.name, person.id)

"""The sources of identities of one worker, in the order in which they are asked."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from authsvc.changes import people
from authsvc.db.engine import Database
from authsvc.errors import Conflict, Invalid, Unavailable
from authsvc.identity import stored
from authsvc.identity.bulkhead import Bulkhead
from authsvc.identity.htpasswd import Htpasswd
from authsvc.identity.ldap.provider import Ldap
from authsvc.identity.local import Local
from authsvc.identity.provider import Provider
from authsvc.identity.sources import Source
from authsvc.principal import SYSTEM, Principal
from authsvc.settings import HtpasswdSource, LdapSource, Settings

from .offline import Offline

AT_ONCE = 16  # logins that one directory is asked about; each holds a connection
WAITING = 256  # that may wait for their turn


@dataclass(frozen=True, slots=True)
class People:
    """Where people come from: the database first, then files and directories as they are set."""

    local: Local
    files: tuple[Htpasswd, ...]
    directories: tuple[Ldap, ...]
    order: tuple[Source, ...]
    unchecked: frozenset[str]  # directories whose certificates are not looked at

    @property
    def readiness(self) -> dict[str, Callable[[], str]]:
        """What /readyz says of each source that can be away, by its name.

        One whose certificate nobody looks at is never more than `degraded`.
        """
        return {
            name: (lambda: "degraded") if name in self.unchecked else state
            for name, state in self.reporting.items()
        }

    @property
    def reporting(self) -> dict[str, Callable[[], str]]:
        """The state of each source that can be away, by its name."""
        files = {each.name: each.state for each in self.files}
        return files | {each.name: each.state for each in self.directories}

    def find(self, source: str, name: str, *, files: bool = False) -> Principal | None:
        """Who a directory says that is, or with `files` a file; None for other sources.

        Blocks; raises Unavailable.
        """
        asked: tuple[Ldap | Htpasswd, ...] = (*self.directories, *(self.files if files else ()))
        found = next((each for each in asked if each.name == source), None)
        return None if found is None else found.knows(name)

    def close(self) -> None:
        """Close the connections to directories."""
        for each in self.directories:
            each.close()


def asked_once(
    settings: Settings, source: str, name: str, *, files: bool = False
) -> Principal | None:
    """As `People.find`, by connections of this call's own. Blocks; raises Unavailable."""
    for each in settings.sources:
        if each.name == source and isinstance(each, LdapSource):
            directory = Ldap(each)
            try:
                return directory.knows(name)
            finally:
                directory.close()
        if each.name == source and files and isinstance(each, HtpasswdSource):
            return Htpasswd(each.name, each.path, each.schemes).knows(name)
    return None


def people_of(base: Offline, slow: Bulkhead) -> People:
    """The sources that the settings name; `slow` are the threads for slow hashes."""
    database = base.database
    local = Local(partial(stored.find, database), partial(stored.rehash, database))
    made = [_made(base, source) for source in base.settings.sources]
    order = (Source(local, slow), *(_source(base.settings, each, slow) for each in made))
    files = tuple(each for each in made if isinstance(each, Htpasswd))
    directories = tuple(each for each in made if isinstance(each, Ldap))
    unchecked = frozenset(
        each.name
        for each in base.settings.sources
        if isinstance(each, LdapSource) and not each.tls_verify
    )
    return People(local, files, directories, order, unchecked)


def _made(base: Offline, source: HtpasswdSource | LdapSource) -> Htpasswd | Ldap:
    if isinstance(source, LdapSource):
        return Ldap(source, settle=partial(_settle, base))
    return Htpasswd(source.name, source.path, source.schemes)


def _source(settings: Settings, provider: Provider, slow: Bulkhead) -> Source:
    """A file is checked by the slow threads; a directory that hangs takes no thread but its own."""
    if not isinstance(provider, Ldap):
        return Source(provider, slow)
    found = next(each for each in settings.sources if each.name == provider.name)
    ttl = found.cache_ttl if isinstance(found, LdapSource) else 0.0
    in_grace = provider.in_grace if provider.grace else None
    threads = Bulkhead(
        f"source {provider.name}", threads=AT_ONCE, queue=WAITING, patience=provider.patience + 1
    )
    return Source(provider, threads, ttl, provider.grace, in_grace)


def _settle(base: Offline, who: Principal) -> None:
    """See to it that what is granted to a person's name is theirs, before they are let in."""
    try:
        if not _is_settled(base.database, who):
            base.unit_of_work.run(SYSTEM, lambda tx: people.settle(tx, who))
    except (Conflict, Invalid) as error:
        what = f"source {who.source}"
        raise Unavailable(f"who '{who.name}' is here cannot be settled", what=what) from error


def _is_settled(database: Database, who: Principal) -> bool:
    with database.read() as session:
        return people.is_settled(session, who)

"""The groups that a directory says a person is in, by the strategy of the settings."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

from authsvc import logs
from authsvc.identity.ldap.entries import Entry, Request, escape
from authsvc.identity.ldap.link import TooMuch
from authsvc.identity.ldap.names import is_below, name_of
from authsvc.identity.ldap.once import Once
from authsvc.identity.ldap.servers import Asks
from authsvc.protocol.names import is_group_name
from authsvc.settings.sources import LdapSource

MOST = 5_000  # groups of one person
DEPTH = 32  # groups within groups
AT_ONCE = 50  # groups whose parents one search of `recursive` asks for
_IN_CHAIN = "1.2.840.113556.1.4.1941"  # Active Directory alone; OpenLDAP finds nothing by it
_MEMBER_OF = "memberOf"

_log = logs.get("identity")


class Groups:
    """Finds the groups below `group_base`; without one there are none.

    `attributes` are wanted of a person's entry.
    """

    def __init__(self, settings: LdapSource, directory: Asks) -> None:
        self._settings = settings
        self._directory = directory
        self._said = Once()
        self._strategy = self._strategies()[settings.group_strategy]
        by_entry = settings.group_strategy == "memberof"
        self.attributes: tuple[str, ...] = (_MEMBER_OF,) if by_entry else ()

    def of(self, person: Entry, deadline: float) -> tuple[str, ...]:
        """The groups as subjects, `group:SOURCE:NAME`, sorted. Blocks.

        Raises:
            Unavailable: the directory cannot be asked.
            TooMuch: there are so many that the list may be incomplete, and one left out could be
                one that is denied something.

        """
        if not self._settings.group_base:
            return ()
        found = list(self._strategy(person, deadline))
        if len(found) > MOST:
            raise TooMuch(f"more than {MOST} groups")
        names = {name for entry in found if (name := self._name(entry)) is not None}
        return tuple(sorted(f"group:{self._settings.name}:{name}" for name in names))

    def _strategies(self) -> dict[str, Callable[[Entry, float], Iterable[Entry]]]:
        return {
            "member": self._member,
            "memberof": self._memberof,
            "ad-nested": self._ad_nested,
            "recursive": self._recursive,
        }

    def _member(self, person: Entry, deadline: float) -> Iterable[Entry]:
        return self._holding([person.dn], deadline)

    def _memberof(self, person: Entry, _deadline: float) -> Iterator[Entry]:
        """Those that the entry itself names; they are known by their distinguished names alone."""
        for dn in person.texts(_MEMBER_OF):
            try:
                if is_below(dn, self._settings.group_base):
                    yield Entry(dn)
            except ValueError:
                self._say("group with an unreadable distinguished name", dn)

    def _ad_nested(self, person: Entry, deadline: float) -> Iterable[Entry]:
        return self._holding([person.dn], deadline, rule=f":{_IN_CHAIN}:")

    def _recursive(self, person: Entry, deadline: float) -> Collection[Entry]:
        """Level by level; a group met before is not asked again, so loops end."""
        found: dict[str, Entry] = {}
        level = [person.dn]
        for _ in range(DEPTH):
            parents = {entry.dn: entry for entry in self._holding(level, deadline)}
            level = [dn for dn in parents if dn not in found]
            found |= parents
            if not level:
                return found.values()
            if len(found) > MOST:
                raise TooMuch(f"more than {MOST} groups")
        raise TooMuch(f"groups are nested more than {DEPTH} deep")

    def _holding(self, dns: Sequence[str], deadline: float, *, rule: str = "") -> Iterator[Entry]:
        """The groups that have one of `dns` as a member."""
        settings = self._settings
        for start in range(0, len(dns), AT_ONCE):
            members = "".join(f"(member{rule}={escape(dn)})" for dn in dns[start : start + AT_ONCE])
            text = f"(&{settings.group_filter}(|{members}))"
            request = Request(settings.group_base, text, (settings.group_attribute,))
            yield from self._directory.search(request, deadline)

    def _name(self, group: Entry) -> str | None:
        """The group's name, None when no subject can be made of it."""
        name = name_of(group, self._settings.group_attribute)
        if name is not None and is_group_name(name):
            return name
        self._say("group without a usable name left out", group.dn)
        return None

    def _say(self, event: str, dn: str) -> None:
        if self._said.first(dn):
            _log.warning(event, source=self._settings.name, group=dn)

"""People in a directory: found by name or by stable id, and what of their entry counts."""

import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from authsvc import logs
from authsvc.identity.ldap.entries import Entry, Request, escape
from authsvc.identity.ldap.names import name_of
from authsvc.identity.ldap.once import Once
from authsvc.identity.ldap.servers import Asks
from authsvc.identity.provider import Rejected, Unknown
from authsvc.protocol.names import is_user_name
from authsvc.settings.sources import LdapSource

_PLACE = "{username}"
_COMPARISON = re.compile(r"\(\s*([A-Za-z][\w;-]*)(?::[^()=]*)?=([^()]*\{username\}[^()]*)\)")

_GUID = "objectguid"
_MAX_ID = 255  # characters

_LOCK, _LOCKED_FOR_GOOD = "pwdAccountLockedTime", "000001010000Z"
_CONTROL, _ACCOUNTDISABLE = "userAccountControl", 2
_END, _ENDLESS = "accountExpires", frozenset({0, 2**63 - 1})
_BEFORE_1970 = 11_644_473_600  # seconds since 1601, from when Active Directory counts

_log = logs.get("identity")


@dataclass(frozen=True, slots=True)
class Person:
    """An entry that can be somebody here. `changed` is what the directory says of the password."""

    entry: Entry
    id: str
    name: str
    disabled: bool
    changed: str


Found = Person | Rejected | Unknown


class People:
    """Finds people as the settings of one source say.

    `attributes` are wanted of each entry beside those that count here. Both ways of finding block
    and raise Unavailable. `wall` is the clock by which accounts end, in seconds since 1970.
    """

    def __init__(
        self,
        settings: LdapSource,
        directory: Asks,
        attributes: tuple[str, ...],
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings
        self._directory = directory
        self._wall = wall
        self._compared = _COMPARISON.findall(settings.user_filter) or [
            (settings.username_attribute, _PLACE)
        ]
        wanted = [
            settings.username_attribute,
            settings.id_attribute,
            settings.password_changed_attribute,
            _LOCK,
            _CONTROL,
            _END,
            *(attribute for attribute, _ in self._compared),
            *attributes,
        ]
        self._wanted = tuple(dict.fromkeys(filter(None, wanted)))
        self._said = Once()

    def named(self, username: str, deadline: float) -> Found:
        """The one person of this name, which may be typed in other letters than it is stored in.

        Two entries of one name are nobody, and an alarm in the log (LD-07).
        """
        if not is_user_name(username):
            return Unknown()
        known = self._settings.user_filter.replace(_PLACE, escape(username))
        entries, active = self._active(known, known, deadline)
        if len(entries) > 1:
            self._say("two entries for one name", username)
            return Rejected("ambiguous_name")
        # The directory may fold more than letters: blanks, other scripts, what looks alike.
        if not entries or not self._is_called(entries[0], username):
            return Unknown()
        return self._person(entries[0], active=active)

    def identified(self, stable_ids: Iterable[str], deadline: float) -> dict[str, Found]:
        """Who has these ids, whatever the names are now; who is found no more is unknown.

        Whom the filters leave out, but who is there, is disabled. One search asks for all ids, a
        second one for those that it did not find.
        """
        found: dict[str, Found] = {each: Unknown() for each in stable_ids}
        wanted = {each: term for each in found if (term := self._term(each)) is not None}
        anybody = self._settings.user_filter.replace(_PLACE, "*") + self._settings.active_filter
        active = self._having(wanted, anybody, deadline)
        left = {each: term for each, term in wanted.items() if each not in active}
        for entries in (active, self._having(left, "", deadline)):
            for each, some in entries.items():
                found[each] = self._only(each, some, active=entries is active)
        return found

    def _having(
        self, wanted: Mapping[str, str], more: str, deadline: float
    ) -> dict[str, list[Entry]]:
        """The entries of each id, which is given with its term of a filter."""
        found: dict[str, list[Entry]] = {}
        if not wanted:
            return found
        text = f"(&(|{''.join(wanted.values())}){more})"
        for entry in self._search(text, deadline, limit=2 * len(wanted)):
            for each in self._ids_in(entry) & wanted.keys():
                found.setdefault(each, []).append(entry)
        return found

    def _only(self, stable_id: str, entries: list[Entry], *, active: bool) -> Found:
        if len(entries) > 1:
            self._say("two entries for one id", stable_id)
            return Rejected("ambiguous_name")
        return self._person(entries[0], active=active)

    def _active(self, admitted: str, known: str, deadline: float) -> tuple[list[Entry], bool]:
        """At most two entries, and whether they are active: first those that are, then any."""
        active = self._settings.active_filter
        entries = self._search(f"(&{admitted}{active})" if active else admitted, deadline)
        if entries or (not active and admitted == known):
            return entries, True
        return self._search(known, deadline), False

    def _search(self, text: str, deadline: float, limit: int = 2) -> list[Entry]:
        base = self._settings.user_base
        return self._directory.search(Request(base, text, self._wanted, limit), deadline)

    def _is_called(self, entry: Entry, username: str) -> bool:
        return any(
            pattern.replace(_PLACE, username).casefold() == value.casefold()
            for attribute, pattern in self._compared
            for value in entry.texts(attribute)
        )

    def _person(self, entry: Entry, *, active: bool) -> Person | Rejected:
        stable_id = self._id_of(entry)
        if stable_id is None:
            self._say("entry without a usable id_attribute", entry.dn)
            return Rejected("no_stable_id")
        name = name_of(entry, self._settings.username_attribute)
        if name is None or not is_user_name(name):
            self._say("entry without a usable username_attribute", entry.dn)
            return Rejected("unusable_name")
        changed = entry.texts(self._settings.password_changed_attribute)
        disabled = not active or _is_disabled(entry, self._wall())
        return Person(entry, stable_id, name, disabled, changed[0] if changed else "")

    def _id_of(self, entry: Entry) -> str | None:
        octets = entry.octets(self._settings.id_attribute)
        if len(octets) != 1:
            return None
        if self._settings.id_attribute.lower() == _GUID:
            return str(UUID(bytes_le=octets[0])) if len(octets[0]) == 16 else None
        texts = entry.texts(self._settings.id_attribute)
        usable = texts and len(texts[0]) <= _MAX_ID and texts[0].isprintable()
        return texts[0] if usable else None

    def _ids_in(self, entry: Entry) -> frozenset[str]:
        """All that it has for an id; more than one is none that counts."""
        if self._settings.id_attribute.lower() == _GUID:
            octets = entry.octets(self._settings.id_attribute)
            return frozenset(str(UUID(bytes_le=each)) for each in octets if len(each) == 16)
        return frozenset(entry.texts(self._settings.id_attribute))

    def _term(self, stable_id: str) -> str | None:
        """The id in a filter, None when no entry can have it."""
        attribute = self._settings.id_attribute
        try:
            octets = UUID(stable_id).bytes_le if attribute.lower() == _GUID else stable_id
            return f"({attribute}={escape(octets)})"
        except ValueError:
            return None

    def _say(self, event: str, about: str) -> None:
        if self._said.first(f"{event} {about}"):
            _log.error(event, source=self._settings.name, about=about)


def _is_disabled(entry: Entry, now: float) -> bool:
    """By the directory's own marks, on which a bind would fail too.

    OpenLDAP: locked by an administrator, not by wrong passwords. Active Directory: the account is
    switched off or has come to its end, which no filter can say since none knows the time;
    lockoutTime, which strangers can set off, is left alone.
    """
    if _LOCKED_FOR_GOOD in entry.texts(_LOCK):
        return True
    switched_off = any(_switched_off(value) for value in entry.octets(_CONTROL))
    return switched_off or any(_has_come(value, now) for value in entry.octets(_END))


def _switched_off(value: bytes) -> bool:
    try:
        return bool(int(value) & _ACCOUNTDISABLE)
    except ValueError:
        return True


def _has_come(value: bytes, now: float) -> bool:
    """Whether a moment of Active Directory, in tenths of microseconds, lies behind."""
    try:
        end = int(value)
    except ValueError:
        return True
    return end not in _ENDLESS and end / 10_000_000 - _BEFORE_1970 <= now

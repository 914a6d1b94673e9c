"""Which records are meant: the exact question, and texts without which none can be one.

The exact question is put to records in Python. Before that, the database leaves out all rows
whose body does not hold certain bytes: an index for each question would cost every token.
"""

import ipaddress
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from authsvc.errors import Invalid

from .places import asked_places, changed_places
from .records import Event, Outcome

Needles = tuple[bytes, ...]
"""Texts of which a body must hold at least one."""


@dataclass(frozen=True, slots=True)
class Who:
    """Somebody, by name; None = any. `claimed` are the forms that a claimed name can have."""

    name: str | None
    kind: str | None = None
    source: str | None = None
    claimed: frozenset[str] = frozenset()

    def admits(self, record: Mapping[str, Any]) -> bool:
        """Whether they did it, or their name was claimed."""
        actor = record["actor"] or {}
        return record["claimed"] in self.claimed or all(
            wanted is None or actor.get(member) == wanted
            for member, wanted in (
                ("kind", self.kind),
                ("source", self.source),
                ("name", self.name),
            )
        )

    def needles(self) -> Needles:
        """What a body holds that admits."""
        own = _member("name", self.name) if self.name else _member("kind", self.kind)
        return (own, *(_member("claimed", text) for text in sorted(self.claimed)))


def who(text: str, pseudonym: Callable[[str], str]) -> Who:
    """`anonymous`, NAME of any source, SOURCE:NAME, a subject, or a name as it was claimed.

    A claimed name of which there was no account is found by its pseudonym. Raises Invalid.
    """
    kind, colon, name = text.partition(":")
    if not text or (colon and not (kind and name)):
        raise Invalid(f"'{text[:64]}' is nobody", advice="NAME, SOURCE:NAME, user:… or robot:NAME")
    if text == "anonymous":
        return Who(None, kind="anonymous")
    if not colon:
        claimed = frozenset({text, pseudonym(text)})
        if text.startswith("robot."):
            return Who(text.removeprefix("robot."), kind="robot", claimed=claimed)
        return Who(text, claimed=claimed)
    if kind == "robot":
        return Who(name, kind="robot")
    if kind == "user":
        source, _, rest = name.rpartition(":")
        return Who(rest, kind="user", source=source or "local")
    return Who(name, source=kind)


def what(text: str) -> str:
    """A repository or path to look for; raises Invalid."""
    path = text.rstrip("/")
    if not path or not path.isprintable():
        raise Invalid(f"'{text[:64]}' is no repository and no path")
    return path


def address(text: str) -> str:
    """An address as records hold it; raises Invalid."""
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise Invalid(f"'{text[:64]}' is no address") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which records are meant; None = any. `since` and `until` are wall clock seconds.

    `until` itself is not meant any more. `what` is a repository or a path, and all below it.
    """

    event: Event | None = None
    outcome: Outcome | None = None
    since: float | None = None
    until: float | None = None
    who: Who | None = None
    what: str | None = None
    registry: str | None = None
    address: str | None = None
    decision: str | None = None

    def admits(self, record: Mapping[str, Any]) -> bool:
        """Whether a record is meant; the time was looked at before."""
        return (
            all(wanted in (None, record[member]) for member, wanted in self._plain())
            and (self.who is None or self.who.admits(record))
            and (self.what is None or any(_within(at, self.what) for at, _ in _places(record)))
            and (self.registry is None or self.registry in _registries(record))
        )

    def covers(self, time_ms: int) -> bool:
        """Whether a time, in milliseconds, is meant."""
        return (self.since is None or time_ms >= int(self.since * 1000)) and (
            self.until is None or time_ms < int(self.until * 1000)
        )

    def _plain(self) -> tuple[tuple[str, str | None], ...]:
        """The members that must be just so."""
        return (
            ("event", self.event),
            ("outcome", self.outcome),
            ("address", self.address),
            ("decision_id", self.decision),
        )

    def needles(self) -> tuple[Needles, ...]:
        """What the body of every record holds that is meant: something of each group."""
        groups: list[Needles] = [
            (_member(name, text),) for name, text in self._plain() if text is not None
        ]
        if self.who is not None:
            groups.append(self.who.needles())
        if self.what is not None:
            groups.append((path_needle(self.what),))
        if self.registry is not None:
            groups.append((_printed(self.registry),))
        return tuple(groups)


ANY = Filter()


@dataclass(frozen=True, slots=True)
class View:
    """What somebody sees of records: what `shown` makes of one, None for nothing.

    Filters ask what is shown, or they would tell of the rest. `needles` are texts of which every
    body holds one of which anything is shown; none: that is not known.
    """

    shown: Callable[[dict[str, Any]], dict[str, Any] | None]
    needles: Needles = ()


def _printed(text: str) -> bytes:
    """A text as it stands in a body (records.print_body)."""
    return json.dumps(text).encode("ascii")


def _member(name: str, text: str | None) -> bytes:
    return b'"%b":%b' % (name.encode("ascii"), _printed(text or ""))


def path_needle(path: str) -> bytes:
    """What a body holds in which a name lies at or below a path."""
    return _printed(path)[1:-1]


def _within(place: str, path: str) -> bool:
    return place == path or place.startswith(path + "/")


def _places(record: Mapping[str, Any]) -> Iterator[tuple[str, str | None]]:
    yield from asked_places(record)
    yield from changed_places(record["before"])
    yield from changed_places(record["after"])


def _registries(record: Mapping[str, Any]) -> Iterator[str | None]:
    """The registries that a record names: where it was asked, and those of what changed."""
    yield record["registry"]
    yield from (registry for _, registry in _places(record))
    for held in (record["before"], record["after"]):
        item = held.get("registry") if isinstance(held, Mapping) else None
        if isinstance(item, Mapping):
            yield item.get("name")

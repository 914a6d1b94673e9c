"""Records of limits that were reached, one for each key and window, and which are in effect."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from authsvc.clock import rfc3339
from authsvc.db.models import Change

from .log import Entry
from .reader import concerning
from .records import NOBODY, Event, Outcome, Record, print_body, time_ms

TOPIC = "limit:"  # how topics begin that clear limits
LIMITED = "limit"  # whom all these records concern, so that they are found among all others
NEWEST = 20_000  # of them that are looked at


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """A limit that was reached. `claimed` is as in all records, `until` wall clock seconds."""

    name: str
    text: str
    until: float
    claimed: str | None
    address: str | None


def entry(reached: Reached, now: float) -> Entry:
    """The record that a limit was reached."""
    record = Record(
        event=Event.LIMIT, outcome=Outcome.REFUSED, time=now, actor=NOBODY, reason=reached.name,
        claimed=reached.claimed, address=reached.address,
        after={"limit": {"setting": reached.text, "until": rfc3339(reached.until)}},
    )  # fmt: skip
    return Entry(time_ms(record), None, print_body(record), LIMITED)


def in_effect(
    session: Session, now: float, pseudonym: Callable[[str], str]
) -> Iterator[dict[str, Any]]:
    """Limits that are reached and were not cleared since, the newest first.

    Members: `limit` (its name), `setting`, `account` (or its pseudonym, where none of that name
    was known), `address`, `since`, `until`.
    """
    found = [each for each in concerning(session, LIMITED, limit=NEWEST) if _lasts(each[1], now)]
    clears = _clears(session, min((place[0] for place, _ in found), default=0), pseudonym)
    seen = set()
    for (time, _, _), record in found:
        whose = record["reason"], record["claimed"], record["address"]
        if whose not in seen and not any(clear.covers(record, time) for clear in clears):
            yield _item(record)
        seen.add(whose)


def _lasts(record: dict[str, Any], now: float) -> bool:
    return bool(record["after"]["limit"]["until"] > rfc3339(now))


def _item(record: dict[str, Any]) -> dict[str, Any]:
    limit = record["after"]["limit"]
    return {
        "limit": record["reason"],
        "setting": limit["setting"],
        "account": record["claimed"],
        "address": record["address"],
        "since": record["time"],
        "until": limit["until"],
    }


@dataclass(frozen=True, slots=True)
class _Clear:
    """That limits were cleared at `time`: of a name, at an address, of both, or all."""

    time: int
    names: frozenset[str]
    address: str

    def covers(self, record: dict[str, Any], time: int) -> bool:
        return (
            time <= self.time
            and (not self.names or record["claimed"] in self.names)
            and self.address in ("", record["address"])
        )


def _clears(session: Session, since: int, pseudonym: Callable[[str], str]) -> list[_Clear]:
    """What changes have cleared since."""
    rows = session.execute(select(Change.time, Change.topics).where(Change.time >= since))
    return [
        _clear(row.time, topic, pseudonym)
        for row in rows
        for topic in row.topics
        if topic.startswith(TOPIC)
    ]


def _clear(time: int, topic: str, pseudonym: Callable[[str], str]) -> _Clear:
    account, _, address = topic.removeprefix(TOPIC).partition(":")
    names = frozenset({account, pseudonym(account)}) if account else frozenset[str]()
    return _Clear(time, names, address)


def topic_of(account: str | None, address: str | None) -> str:
    """The topic of the change feed that clears an account, an address, both, or everything.

    Both are as limits take them, and no account holds a colon.
    """
    return f"{TOPIC}{account or ''}:{address or ''}"

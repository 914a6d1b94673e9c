"""What owners see of audit records: what concerns their namespaces, and nothing of the rest.

Deny by default: of a record they get the members that are named here, cut to what lies at or below
their paths. Where a request came from, what was shown with it, and the record's place in its chain
(its number tells how many others there are, its hash confirms guesses at what was cut) are left
out. What is left reads as if nothing else had been asked or changed.
"""

import hmac
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from authsvc.access.rights import Owned, Rights
from authsvc.audit.filters import View, path_needle
from authsvc.audit.places import cut, repository
from authsvc.audit.reader import ALL
from authsvc.audit.records import MEMBERS, Event, Outcome
from authsvc.changes import reads
from authsvc.db.models import Grant
from authsvc.principal import Kind

MOST_NEEDLES = 50  # paths that the database looks for; with more of them all rows are read
_NAMED: Final = (Kind.USER, Kind.ROBOT)


def view_of(rights: Rights, secret: bytes) -> View:
    """How somebody with these rights sees records; ids are hidden by a hash under `secret`."""
    if rights.reads_all:
        return ALL
    needles = tuple(path_needle(path) for path in {own.path for own in rights.owned})
    seen = _Seen(rights.owned, secret)
    return View(seen.shown, needles if len(needles) <= MOST_NEEDLES else ())


class _Seen:
    def __init__(self, owned: Sequence[Owned], secret: bytes) -> None:
        self._owned = owned
        self._secret = secret

    def shown(self, record: dict[str, Any]) -> dict[str, Any] | None:
        """What is left of a record, None when it does not concern them."""
        if record["event"] == Event.TOKEN:
            kept = self._token(record)
        elif record["event"] in (Event.ADMIN, Event.POLICY):
            kept = self._change(record)
        else:
            return None
        if kept is None:
            return None
        kept |= {
            "id": self._hidden(record["id"]),
            "time": record["time"],
            "event": record["event"],
            "actor": _actor(record["actor"]),
        }
        return {name: kept.get(name) for name in MEMBERS}

    def _hidden(self, record_id: str) -> str:
        return hmac.digest(self._secret, b"record " + record_id.encode(), "sha256").hex()[:24]

    def _token(self, record: Mapping[str, Any]) -> dict[str, Any] | None:
        """A request that was decided: why others got no token would tell which accounts exist."""
        registry = record["registry"]
        asked = [
            element
            for element in record["asked"] or ()
            if self._concerns(element.get("entry"), registry)
        ]
        granted = [scope for scope in record["granted"] or () if self._concerns(scope, registry)]
        if not asked or record["decision_id"] is None:
            return None
        outcome, reason = _ending(asked, granted)
        return {
            "outcome": outcome,
            "reason": reason,
            "registry": registry,
            "decision_id": record["decision_id"],
            "asked": asked,
            "granted": granted,
        }

    def _concerns(self, scope: object, registry: str | None) -> bool:
        """Whether an entry of scope names a repository that lies there, at a registry of theirs."""
        name = repository(scope)
        return (
            name is not None
            and registry is not None
            and any(own.reaches(name, registry) for own in self._owned)
        )

    def _change(self, record: Mapping[str, Any]) -> dict[str, Any] | None:
        """A change that was made: a refused one says what it was about in words alone."""
        before, after = cut(record["before"], self._sees), cut(record["after"], self._sees)
        if record["outcome"] != Outcome.GRANTED or (before is None and after is None):
            return None
        return {"outcome": Outcome.GRANTED.value, "before": before, "after": after}

    def _sees(self, pattern: str, registry: str | None) -> bool:
        return any(own.shows(pattern, registry) for own in self._owned)


def _ending(asked: Iterable[Mapping[str, Any]], granted: Sequence[str]) -> tuple[str, str | None]:
    """How the part that is shown ended, and the first reason of it."""
    reasons = [each["reason"] for element in asked for each in element["refused"]]
    if not reasons:
        return Outcome.GRANTED.value, None
    return (Outcome.REDUCED if granted else Outcome.REFUSED).value, reasons[0]


def _actor(actor: Mapping[str, Any]) -> dict[str, Any]:
    """Who it was: people and robots by name, administrators at a terminal as such."""
    named = actor["kind"] in _NAMED
    return {
        "kind": actor["kind"],
        "source": actor["source"] if named else None,
        "name": actor["name"] if named else None,
        "id": None,
    }


def without_grants_above(
    session: Session, rights: Rights, records: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """The same records; of grants that decided and are not seen the id is null."""
    if rights.reads_all:
        return records
    named = {no["grant"] for no in _refusals(records)} - {None}
    query = select(Grant.id).where(Grant.id.in_(named), reads.grants_seen(rights))
    seen = set(session.scalars(query)) if named else set()
    for no in _refusals(records):
        if no["grant"] not in seen:
            no["grant"] = None
    return records


def _refusals(records: Iterable[Mapping[str, Any]]) -> Iterable[dict[str, Any]]:
    for record in records:
        for element in record["asked"] or ():
            yield from element["refused"]

"""/audit: the records, the newest first."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final, TypeVar

from authsvc.admin.call import Call, Reply
from authsvc.admin.described import Described, Operations
from authsvc.admin.items import AuditRecord
from authsvc.audit import reader
from authsvc.audit.records import Event, Outcome
from authsvc.changes.when import parse_time
from authsvc.errors import Invalid

E = TypeVar("E", bound=StrEnum)
FILTERS = {
    "event": "Only records of this event: " + ", ".join(Event) + ".",
    "outcome": "Only records of this outcome: " + ", ".join(Outcome) + ".",
    "since": "Only records from this time on (RFC 3339).",
}
SHAPES: Final[Mapping[str, Mapping[str, Any]]] = {
    "event": {"enum": [*Event, ""]},  # an empty filter is none
    "outcome": {"enum": [*Outcome, ""]},
    "since": {"anyOf": [{"type": "string", "format": "date-time"}, {"enum": [""]}]},
}


async def list_(call: Call) -> Reply:
    """A page of records. How many there are in all is not counted: they may be millions."""
    page = call.api.cursors.page("audit", call.query, frozenset(FILTERS))
    wanted = reader.Filter(
        _word(Event, "event", page.filters.get("event")),
        _word(Outcome, "outcome", page.filters.get("outcome")),
        _since(page.filters.get("since")),
    )
    before = None if page.after is None else (page.after[0], page.after[1], page.after[2])
    found, last = await call.read(
        lambda session, _: reader.page(session, limit=page.limit, wanted=wanted, before=before)
    )
    return Reply(found, headers=call.linked("audit", page, last))


def _word(kind: type[E], name: str, text: str | None) -> E | None:
    if text is None:
        return None
    if text not in list(kind):
        raise Invalid(f"unknown {name} '{text[:40]}'", advice="known are " + ", ".join(kind))
    return kind(text)


def _since(text: str | None) -> float | None:
    try:
        return None if text is None else parse_time(text).timestamp()
    except ValueError as error:
        raise Invalid(f"since: {error}") from None


OPERATIONS: Operations = {
    ("GET", "/audit"): Described(
        list_,
        "List audit records",
        AuditRecord,
        listed=True,
        filters=FILTERS,
        shapes=SHAPES,
        paged=True,
    )
}

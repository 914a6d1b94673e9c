"""/audit: the records, the newest first; of owners those of their namespaces."""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, Final, TypeVar

from sqlalchemy.orm import Session

from authsvc.access.rights import Rights
from authsvc.admin.call import Call, Reply
from authsvc.admin.described import Described, Operations
from authsvc.admin.items import AuditRecord
from authsvc.admin.records_seen import view_of, without_grants_above
from authsvc.audit import filters, reader
from authsvc.audit.pseudonyms import pseudonyms
from authsvc.audit.records import Event, Outcome
from authsvc.changes.when import parse_time
from authsvc.errors import Invalid

E = TypeVar("E", bound=StrEnum)
T = TypeVar("T")
FILTERS = {
    "who": "Only what somebody did: NAME of any source, SOURCE:NAME, robot:NAME, anonymous, or a"
    " name as it was claimed.",
    "what": "Only records about this repository or path, and what is below it.",
    "event": "Only records of this event: " + ", ".join(Event) + ".",
    "registry": "Only records that name this registry.",
    "outcome": "Only records of this outcome: " + ", ".join(Outcome) + ".",
    "since": "Only records from this time on (RFC 3339).",
    "until": "Only records before this time (RFC 3339).",
    "decision": "Only the record of the token with this `jti`.",
    "address": "Only records of this client address.",
}
_TIME = {"anyOf": [{"type": "string", "format": "date-time"}, {"enum": [""]}]}
SHAPES: Final[Mapping[str, Mapping[str, Any]]] = {
    "event": {"enum": [*Event, ""]},  # an empty filter is none
    "outcome": {"enum": [*Outcome, ""]},
    "since": _TIME,
    "until": _TIME,
    "address": {
        "anyOf": [
            {"type": "string", "format": "ipv4"},
            {"type": "string", "format": "ipv6"},
            {"enum": [""]},
        ]
    },
}


async def list_(call: Call) -> Reply:
    """A page of records. How many there are in all is not counted: they may be millions."""
    page = call.api.cursors.page("audit", call.query, frozenset(FILTERS))
    wanted = _filter(page.filters, pseudonyms(call.api.secret))
    before = None if page.after is None else (page.after[0], page.after[1], page.after[2])

    def read(session: Session, rights: Rights) -> tuple[list[dict[str, Any]], Any]:
        view = view_of(rights, call.api.secret)
        found, last = reader.page(
            session, limit=page.limit, wanted=wanted, before=before, view=view
        )
        return without_grants_above(session, rights, found), last

    found, last = await call.read(read)
    return Reply(found, headers=call.linked("audit", page, last))


def _filter(given: Mapping[str, str], pseudonym: Callable[[str], str]) -> filters.Filter:
    """What the parameters mean; raises Invalid."""

    def parsed(name: str, parse: Callable[[str], T]) -> T | None:
        return parse(given[name]) if name in given else None

    return filters.Filter(
        event=parsed("event", lambda text: _word(Event, "event", text)),
        outcome=parsed("outcome", lambda text: _word(Outcome, "outcome", text)),
        since=parsed("since", lambda text: _time("since", text)),
        until=parsed("until", lambda text: _time("until", text)),
        who=parsed("who", lambda text: filters.who(text, pseudonym)),
        what=parsed("what", filters.what),
        registry=given.get("registry"),
        address=parsed("address", filters.address),
        decision=given.get("decision"),
    )


def _word(kind: type[E], name: str, text: str) -> E:
    if text not in list(kind):
        raise Invalid(f"unknown {name} '{text[:40]}'", advice="known are " + ", ".join(kind))
    return kind(text)


def _time(name: str, text: str) -> float:
    try:
        return parse_time(text).timestamp()
    except ValueError as error:
        raise Invalid(f"{name}: {error}") from None


OPERATIONS: Operations = {
    ("GET", "/audit"): Described(
        list_,
        "List audit records; owners get those of their namespaces, cut to what lies there",
        AuditRecord,
        listed=True,
        filters=FILTERS,
        shapes=SHAPES,
        paged=True,
    )
}

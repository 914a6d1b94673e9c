"""Decisions of the past, as their audit records hold them (contract sections 4 and 7).

Pure: a record becomes explanations; details of a grant are as the grant is now.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from authsvc.principal import Kind, Principal
from authsvc.protocol.access import Access
from authsvc.protocol.scope import parse_entry

from .explain import ANONYMOUS, Considered, Explanation
from .model import Reason, Rule
from .policy import wanted
from .shapes import shape


@dataclass(frozen=True, slots=True)
class Recorded:
    """What the record of a token says. `address` None: the true one was not known.

    `elements` are those of its member `asked`, `more` the number of those that were cut.
    """

    id: str
    time: str
    principal: Principal
    service: str
    address: str | None
    elements: tuple[Mapping[str, Any], ...]
    more: int

    @property
    def grants(self) -> frozenset[int]:
        """The numbers of the grants that decided."""
        refused = [no for element in self.elements for no in element["refused"]]
        return frozenset(no["grant"] for no in refused if no["grant"] is not None)


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision then, and the same entries today; None when whoever asked, or where, is gone."""

    recorded: Recorded
    entries: tuple[Explanation, ...]
    today: tuple[Explanation, ...] | None

    @property
    def first(self) -> Explanation:
        """The first entry of which something was refused, else the first one, else nothing."""
        refused = [entry for entry in self.entries if entry.reasons]
        return next(iter((*refused, *self.entries)), _explanation(self.recorded, "", (), {}))


def read(record: Mapping[str, Any]) -> Recorded:
    """What the audit record of a token says."""
    actor, asked = record["actor"], record["asked"] or []
    elements = tuple(element for element in asked if "entry" in element)
    reasons = {no["reason"] for element in elements for no in element["refused"]}
    return Recorded(
        id=record["decision_id"],
        time=record["time"],
        principal=Principal(
            Kind(actor["kind"]), actor["source"] or "", actor["name"] or "", actor["id"] or ""
        ),
        service=record["registry"] or "",
        # A record names the peer where the address is not known; the reasons alone tell.
        address=None if Reason.ADDRESS_UNKNOWN in reasons else record["address"],
        elements=elements,
        more=sum(element.get("more", 0) for element in asked),
    )


def then(recorded: Recorded, grants: Mapping[int, Rule]) -> tuple[Explanation, ...]:
    """What was decided about each entry; `grants` are those that decided, as they are now."""
    return tuple(_then(recorded, element, grants) for element in recorded.elements)


def again(
    recorded: Recorded, entries: Sequence[Explanation], today: Callable[[Access], Explanation]
) -> tuple[Explanation, ...]:
    """The same entries as of today; one that did not parse never will."""
    parsed = [parse_entry(element["entry"]) for element in recorded.elements]
    return tuple(
        before if entry is None else today(entry)
        for entry, before in zip(parsed, entries, strict=True)
    )


def changed(decided: Decided, change: Callable[[Explanation], Explanation]) -> Decided:
    """The same with each explanation as `change` makes it: cut, for who may not see all."""
    today = None if decided.today is None else tuple(map(change, decided.today))
    return replace(decided, entries=tuple(map(change, decided.entries)), today=today)


def decided_shape(decided: Decided) -> dict[str, Any]:
    """The shape of `GET /decisions/{id}`: that of the first entry refused, and all of them."""
    today = decided.today
    return {
        **shape(decided.first),
        "id": decided.recorded.id,
        "time": decided.recorded.time,
        "entries": [shape(entry) for entry in decided.entries],
        "more": decided.recorded.more,
        "as_of_today": None if today is None else [shape(entry) for entry in today],
    }


def _then(
    recorded: Recorded, element: Mapping[str, Any], grants: Mapping[int, Rule]
) -> Explanation:
    entry = parse_entry(element["entry"])
    reasons = {no["action"]: no["reason"] for no in element["refused"]}
    decisive = {no["grant"]: no["reason"] for no in element["refused"] if no["grant"] is not None}
    granted = () if entry is None else tuple(sorted(set(wanted(entry)) - reasons.keys()))
    considered = tuple(
        _considered(number, reason, grants.get(number))
        for number, reason in sorted(decisive.items())
    )
    told = _explanation(recorded, element["entry"], granted, dict(sorted(reasons.items())))
    return replace(told, grants=considered)


def _considered(number: int, reason: str, grant: Rule | None) -> Considered:
    """A grant that decided. A deny did; an allow would have given it, but for the reason."""
    denied = reason == Reason.DENIED
    return Considered(
        grant=number,
        subject=grant.subject if grant else None,
        role=grant.role if grant else None,
        on=grant.pattern if grant else None,
        registry=grant.registry if grant else None,
        allow=not denied,
        counted=denied,
        why_not=None if denied else reason,
    )


def _explanation(
    recorded: Recorded, scope: str, granted: tuple[str, ...], reasons: dict[str, str]
) -> Explanation:
    subject = recorded.principal.subject or ANONYMOUS
    return Explanation(subject, recorded.service, scope, granted, reasons)

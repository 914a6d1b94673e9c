"""A policy document applied: what is missing is added, and nothing else is touched."""

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from authsvc.audit.records import Event
from authsvc.changes import grants, groups, namespaces, registries, subjects
from authsvc.changes.faults import Faults
from authsvc.changes.unit_of_work import Outcome, Transaction, UnitOfWork
from authsvc.errors import Invalid
from authsvc.principal import Actor
from authsvc.protocol import names

from .document import Document, parse

MAX_RECORDED = 500  # items that a record names; beyond it, counts and a hash


def submit(
    unit_of_work: UnitOfWork, actor: Actor, files: Sequence[tuple[str, bytes]]
) -> dict[str, Any]:
    """Parse `files` (name, content) and apply them; a refusal leaves one refused record.

    Raises `Invalid` with the places of all faults, `Conflict`.
    """
    try:
        document = parse(files)
    except Invalid as error:
        unit_of_work.refused(actor, Event.POLICY, error.message)
        raise
    return unit_of_work.run(actor, lambda tx: apply(tx, document), event=Event.POLICY)


def apply(tx: Transaction, document: Document) -> Outcome[dict[str, Any]]:
    """Add all of `document` that is not there, as one change with one record.

    The value is {"added": {registries, namespaces, groups, grants}, "unchanged": n}. An entry
    that is there stays as it is, whatever the document says of it, but members that a group
    lacks are added. Raises `Invalid` with the places of all faults, `Conflict` for a loop of
    groups.
    """
    faults = Faults()
    added = {
        "registries": _registries(tx, document, faults),
        "namespaces": _namespaces(tx, document, faults),
        "groups": _groups(tx, document, faults),
        "grants": [grants.add_missing(tx, [(e.place, e.spec) for e in document.grants], faults)],
    }
    faults.refuse()
    items = {noun: _items(parts) for noun, parts in added.items()}
    value = {"added": items, "unchanged": _size(document) - sum(map(len, items.values()))}
    topics = frozenset[str]().union(*(part.topics for parts in added.values() for part in parts))
    return Outcome(value, Event.POLICY, after=_recorded(items), topics=topics)


def _registries(tx: Transaction, document: Document, faults: Faults) -> list[Outcome[Any]]:
    done: list[Outcome[Any]] = []
    for entry in document.registries:
        if registries.find(tx.session, entry.spec.name) is None:
            with faults.at(entry.place):
                done.append(registries.add(tx, entry.spec))
    return done


def _namespaces(tx: Transaction, document: Document, faults: Faults) -> list[Outcome[Any]]:
    done: list[Outcome[Any]] = []
    for entry in document.namespaces:
        with faults.at(entry.place):
            if namespaces.find(tx.session, entry.spec.name, entry.spec.registry) is None:
                done.append(namespaces.add(tx, entry.spec))
    return done


def _groups(tx: Transaction, document: Document, faults: Faults) -> list[Outcome[Any]]:
    """All groups first, so that one may be a member of another that stands further down."""
    done: dict[str, Outcome[Any]] = {}
    for entry in document.groups:
        if subjects.find(tx.session, "group", "", entry.spec.name) is None:
            bare = entry.spec.model_copy(update={"members": ()})
            done[entry.spec.name] = groups.add(tx, bare)
    topics = frozenset[str]().union(*(part.topics for part in done.values()))
    for entry in document.groups:
        refs = tuple(names.parse_subject(text) for text in entry.spec.members)
        with faults.at(entry.place):
            filled = groups.add_members(tx, entry.spec.name, refs)
            if filled.topics:
                done[entry.spec.name] = filled
                topics |= filled.topics
    return [Outcome(part.value, after=part.after, topics=topics) for part in done.values()]


def _items(parts: list[Outcome[Any]]) -> list[dict[str, Any]]:
    values = (part.value for part in parts)
    return [item for value in values for item in (value if isinstance(value, list) else [value])]


def _size(document: Document) -> int:
    return sum(
        map(len, (document.registries, document.namespaces, document.groups, document.grants))
    )


def _recorded(items: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """What a record holds of it: all items, or counts and the SHA-256 of their canonical JSON."""
    counts = {noun: len(held) for noun, held in items.items()}
    if sum(counts.values()) <= MAX_RECORDED:
        return {noun: held for noun, held in items.items() if held}
    text = json.dumps(items, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return {"counts": counts, "sha256": hashlib.sha256(text.encode()).hexdigest()}

"""A translated configuration made part of what is stored: users and grants in one transaction."""

from typing import Any

from sqlalchemy.orm import Session

from authsvc.audit.records import Event
from authsvc.changes import registries, users
from authsvc.changes.grants import GrantSpec
from authsvc.changes.policy.apply import apply
from authsvc.changes.policy.document import Document, Entry
from authsvc.changes.registries import RegistrySpec
from authsvc.changes.unit_of_work import Outcome, Transaction, UnitOfWork, nothing
from authsvc.principal import Actor

from .translation import Row, Translation


def submit(
    unit_of_work: UnitOfWork, actor: Actor, file: str, translation: Translation
) -> dict[str, Any]:
    """Make the users, the registries that grants are for, and the grants; or nothing of it.

    The value is `shape`. Raises `Conflict` with every name that is taken: what was granted to one
    person must not reach another of the same name.
    """
    return unit_of_work.run(actor, lambda tx: _edit(tx, file, translation), event=Event.POLICY)


def missing(session: Session, translation: Translation) -> list[str]:
    """The registries that grants are for and that are not there."""
    wanted = translation.services
    return [name for name in wanted if registries.find(session, name) is None]


def shape(file: str, translation: Translation, made: list[str]) -> dict[str, Any]:
    """What becomes of a configuration, as JSON; `made` are the registries that were not there."""
    lines = [_line(file, row) for row in translation.rows]
    return {
        "users": list(translation.people),
        "registries": made,
        "grants": [spec.model_dump(mode="json") for _, spec in translation.grants],
        "lines": lines,
        "listed": [line for line in lines if line["proposal"]],
    }


def _edit(tx: Transaction, file: str, translation: Translation) -> Outcome[dict[str, Any]]:
    people = users.add_all(tx, translation.people)
    made = missing(tx.session, translation)
    policy = apply(tx, _document(file, translation, made))
    value = shape(file, translation, made)
    topics = people.topics | policy.topics
    if not topics:
        return nothing(value)
    after = {"imported": people.after, "policy": policy.after}
    return Outcome(value, Event.POLICY, before=policy.before, after=after, topics=topics)


def _document(file: str, translation: Translation, made: list[str]) -> Document:
    """The policy to apply. A registry that is there stays out of it, and so stays as it is."""
    placed = [(_place(file, row), spec) for row, spec in translation.grants]
    first = {spec.registry: place for place, spec in reversed(placed)}
    return Document(
        registries=tuple(Entry(first[name], RegistrySpec(name=name)) for name in made),
        grants=tuple(Entry(place, spec) for place, spec in placed),
    )


def _place(file: str, row: Row) -> str:
    return f"{file}:{row.line}:{row.column}"


def _line(file: str, row: Row) -> dict[str, Any]:
    becomes = row.becomes
    named = [f"user {becomes.user}"] if becomes.user else []
    return {
        "place": f"{file}:{row.line}",
        "entry": row.text,
        "becomes": [*named, *map(_said, becomes.grants)],
        "because": becomes.reason or None,
        "proposal": becomes.proposal or None,
    }


def _said(spec: GrantSpec) -> str:
    where = f" at {spec.registry}" if spec.registry is not None else ""
    network = f" from {', '.join(spec.cidrs)}" if spec.cidrs else ""
    return f"{spec.role} for {spec.subject} on {spec.on}{where}{network}"

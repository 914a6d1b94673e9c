"""Namespaces: registered path prefixes and who may pull from them without a grant."""

from collections.abc import Callable
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator
from sqlalchemy import select
from sqlalchemy.orm import Session

from authsvc.access.overlap import is_within
from authsvc.access.rights import EVERYTHING, Rights
from authsvc.db.models import Grant, Namespace
from authsvc.errors import Conflict, NotFound
from authsvc.protocol import names

from . import grants, guard, reads, registries, robot_rows, subjects, texts
from .references import referred
from .spec import Spec
from .unit_of_work import Outcome, Transaction, nothing

R = TypeVar("R", "reads.GrantRow", "reads.NamespaceRow", "reads.RobotRow")
Visibility = Literal["private", "internal", "public"]


def _path(name: str) -> str:
    if not names.is_path(name):
        raise ValueError(
            "a namespace is a path: components of a-z, 0-9 and single '.', '_', '__' or dashes "
            "between them, joined by '/'"
        )
    return name


class NamespaceSpec(Spec):
    """A namespace; `name` is its path, `registry` a name or None for all."""

    name: Annotated[str, AfterValidator(_path), texts.PATH]
    registry: texts.RegistryName | None = None
    visibility: Visibility = "private"


def add(tx: Transaction, spec: NamespaceSpec) -> Outcome[dict[str, Any]]:
    """A new namespace; `Conflict` when it is registered, `Dangling` without its registry.

    Raises `Forbidden` where the actor may not, before it is said whether it is registered.
    """
    guard.setting(tx.rights, spec.name, spec.registry, guard.opened_by(spec.visibility))
    with referred("/registry"):
        registry_id = _registry_id(tx.session, spec.registry)
    if find(tx.session, spec.name, spec.registry):
        raise Conflict(f"{_named(spec.name, spec.registry)} is registered already")
    row = Namespace(
        path=spec.name,
        registry_id=registry_id,
        visibility=spec.visibility,
        changed_in=tx.version,
    )
    tx.session.add(row)
    tx.session.flush()
    item = reads.namespace(row, spec.registry)
    return Outcome(item, after={"namespace": item}, topics=frozenset({"base"}))


def change(
    tx: Transaction, name: str, registry: str | None, visibility: Visibility
) -> Outcome[dict[str, Any]]:
    """Set the visibility; raises `NotFound`, `Forbidden`."""
    row = found(tx.session, name, registry, tx.rights)
    guard.setting(tx.rights, name, registry, guard.opened_by(visibility))
    before = reads.namespace(row, registry)
    if row.visibility == visibility:
        return nothing(before)
    row.visibility, row.changed_in = visibility, tx.version
    after = reads.namespace(row, registry)
    return Outcome(
        after,
        before={"namespace": before},
        after={"namespace": after},
        topics=frozenset({"base"}),
    )


def remove(tx: Transaction, name: str, registry: str | None) -> Outcome[dict[str, Any]]:
    """Remove it with all that lies at or below its path in its registry (contract 5, rule 10).

    That is every grant, robot and namespace there, of all registries when it is for all. What
    lies there but is for all registries stays when it is for one; the value names it as `stays`.
    Raises `NotFound`, and `Forbidden` unless all that goes with it is the actor's to remove.
    """
    row = found(tx.session, name, registry, tx.rights)
    guard.setting(tx.rights, name, registry, guard.OPENED_BY_REMOVAL)
    item = reads.namespace(row, registry)
    own = None if registry is None else row.registry_id
    given, kept = _split(_grants_within(tx.session, name), own, lambda each: each[0].registry_id)
    spaces, left = _split(_spaces_within(tx.session, name), own, lambda each: each[0].registry_id)
    homes, others = _split(_robots_within(tx.session, name), own, lambda each: each[2].registry_id)
    grants.check_removal(tx, given)
    gone = {
        "namespaces": [reads.namespace(*each) for each in spaces],
        "grants": [reads.grant(each) for each in given],
    }
    stays = {
        "namespaces": [reads.namespace(*each) for each in left],
        "grants": [reads.grant(each) for each in kept],
        "robots": reads.robots(tx.session, others),
    }
    taken = robot_rows.take_away(tx, homes)
    for each in (*taken.not_of_them(given), *spaces):
        tx.session.delete(each[0])
    topics = subjects.topics(each.subject for each in given) | {"base"} | taken.topics
    value = {"removed": item, **gone, "robots": taken.robots, "stays": stays}
    return Outcome(value, before={**gone, **taken.recorded}, topics=topics)


def find(session: Session, name: str, registry: str | None) -> Namespace | None:
    """The row of that path for that registry, or for all; raises `NotFound` for the registry."""
    registry_id = _registry_id(session, registry)
    return session.scalar(
        select(Namespace).where(Namespace.path == name, Namespace.registry_id == registry_id)
        if registry_id is not None
        else select(Namespace).where(Namespace.path == name, Namespace.registry_id.is_(None))
    )


def found(
    session: Session, name: str, registry: str | None, rights: Rights = EVERYTHING
) -> Namespace:
    """The row of that path; raises `NotFound`, also for what these rights do not see."""
    row = find(session, name, registry) if rights.sees(name, registry) else None
    if row is None:
        advice = _elsewhere(session, name, rights)
        raise NotFound(f"{_named(name, registry)} is not registered", advice=advice)
    return row


def _elsewhere(session: Session, name: str, rights: Rights) -> str:
    """Where a path is registered, when not there where it was looked for."""
    rows = reads.namespace_rows(session, Namespace.path == name, reads.namespaces_seen(rights))
    places = ", ".join(row.registry or "all registries" for row in rows[:5])
    return f"it is for {places}" if places else "see `authsvc namespace list`"


def _registry_id(session: Session, registry: str | None) -> int | None:
    return None if registry is None else registries.found(session, registry).id


def _named(name: str, registry: str | None) -> str:
    return f"namespace '{name}' for " + (f"registry '{registry}'" if registry else "all registries")


def _grants_within(session: Session, name: str) -> list[reads.GrantRow]:
    rows = reads.grant_rows(session, Grant.pattern.startswith(name, autoescape=True))
    return [row for row in rows if is_within(row.grant.pattern, name)]


def _spaces_within(session: Session, name: str) -> list[reads.NamespaceRow]:
    rows = reads.namespace_rows(session, Namespace.path.startswith(name, autoescape=True))
    return [row for row in rows if is_within(row.namespace.path, name)]


def _robots_within(session: Session, name: str) -> list[reads.RobotRow]:
    rows = reads.robot_rows(session, Grant.pattern.startswith(name, autoescape=True))
    return [row for row in rows if is_within(row.grant.pattern, name)]


def _split(
    rows: list[R], own: int | None, registry_of: Callable[[R], int | None]
) -> tuple[list[R], list[R]]:
    """What goes with a namespace for the registry `own` (None: for all), and what stays.

    Only what is for all registries stays to be named; what other registries have is not touched.
    """
    if own is None:
        return rows, []
    goes = [row for row in rows if registry_of(row) == own]
    return goes, [row for row in rows if registry_of(row) is None]

"""A plan carried out: what differs is written, in one transaction, and nothing else is touched.

Looked up is only what the plan could not know, and there is no statement for each row, since edits
of everybody else wait meanwhile, and on SQLite the records of tokens too.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import FromClause, select

from authsvc.audit.records import Event
from authsvc.changes import registries, roles, subjects
from authsvc.changes.grants import GrantSpec
from authsvc.changes.namespaces import NamespaceSpec
from authsvc.changes.registries import RegistrySpec
from authsvc.changes.roles import RoleSpec
from authsvc.changes.unit_of_work import Outcome, Transaction
from authsvc.db.bulk import roomy
from authsvc.db.models import Registry, Role
from authsvc.principal import LOCAL
from authsvc.protocol.names import SubjectRef, parse_subject

from . import robots_written, rows
from .circles import GROUP
from .may import may
from .steps import Plan, Step
from .stored import Held, Item


@dataclass(frozen=True, slots=True)
class Ready:
    """A plan with all that can be worked out before others have to wait.

    `new` are the grants that come, and `columns` what they say; `unseen` are people and groups of
    directories that were never named before; `left` are the row ids of who goes out of groups.
    """

    plan: Plan
    new: tuple[GrantSpec, ...]
    columns: Mapping[str, list[Any]]
    unseen: tuple[SubjectRef, ...]
    left: Mapping[str, int]


def ready(tx: Transaction, plan: Plan) -> Ready:
    """What writing needs; `tx` may be one that only reads."""
    plan.recorded  # noqa: B018 - worked out now
    steps = [(step.spec, step.before) for step in plan.of("grants")]
    new = [spec for spec, before in steps if isinstance(spec, GrantSpec) and before is None]
    named = {spec.subject for spec in new}.union(
        *(_members(step.after) - _held(step) for step in plan.of("groups"))
    )
    refs = map(parse_subject, sorted(named - plan.known.subjects.keys()))
    gone = set[str]().union(*(_held(step) - _members(step.after) for step in plan.of("groups")))
    return Ready(
        plan,
        tuple(new),
        rows.columns_of(tx.session, new),
        tuple(ref for ref in refs if ref.source not in ("", LOCAL)),
        subjects.ids_of(tx.session, map(parse_subject, sorted(gone))),
    )


def write(tx: Transaction, ready: Ready) -> Outcome[dict[str, Any]]:
    """Make a plan true; it must be of the change before this one. The value is its shape.

    What goes, goes first: then a name may be given anew. Raises `Forbidden` for what is not the
    actor's to change, `Conflict` for what a rule refuses.
    """
    plan = ready.plan
    if not plan.steps:
        return Outcome(plan.shape, Event.POLICY)
    if not tx.rights.admin:
        for step in plan.steps:
            may(tx.rights, step, plan.known)
    with roomy(tx.session):
        forgotten, unseen = robots_written.remove(tx, plan)
        topics = forgotten | _less(tx, plan) | _own(tx, plan)
        named = rows.Ids(
            {},
            _names(tx, Role.__table__, plan.known.roles),
            _names(tx, Registry.__table__, plan.known.registries),
        )
        made, told = robots_written.write(tx, plan, named)
        ids = {**_subjects(tx, ready), **made}
        topics |= told | _groups(tx, plan, ids) | _more(tx, ready, replace(named, subjects=ids))
        topics |= _roles(tx, plan)
        tx.session.flush()
    recorded = {**plan.recorded, **({"grants_of_robots": unseen} if unseen else {})}
    return Outcome(plan.shape, Event.POLICY, after=recorded, topics=topics)


def _less(tx: Transaction, plan: Plan) -> frozenset[str]:
    """Remove grants, namespaces and groups, and then registries that they may have been for."""
    gone = {
        kind: [step.before for step in plan.of(kind) if step.before and step.after is None]
        for kind in ("grants", "namespaces", "groups", "registries")
    }
    rows.remove_grants(tx, _numbers(gone["grants"]))
    rows.remove_namespaces(tx, _numbers(gone["namespaces"]))
    rows.remove_groups(tx, _numbers(gone["groups"]))
    done = [registries.remove(tx, held.item["name"]) for held in gone["registries"]]
    base = {"base"} if gone["namespaces"] else set()
    told = {f"subject:{held.item['subject']}" for held in gone["grants"]}
    told |= {f"subject:{GROUP}{held.item['name']}" for held in gone["groups"]}
    return _topics(done) | base | told


def _numbers(held: Iterable[Held]) -> list[int]:
    return [each.id for each in held]


def _own(tx: Transaction, plan: Plan) -> frozenset[str]:
    """Write registries, roles that come, and namespaces."""
    done: list[Outcome[Any]] = []
    for step in plan.of("registries"):
        if isinstance(step.spec, RegistrySpec) and step.after:
            name, come = step.spec.name, step.before is None
            done.append(
                registries.add(tx, step.spec) if come else registries.change(tx, name, step.after)
            )
    new = [step.spec for step in plan.of("roles") if step.before is None]
    done += (roles.add(tx, spec) for spec in new if isinstance(spec, RoleSpec))
    return _topics(done) | _namespaces(tx, plan)


def _roles(tx: Transaction, plan: Plan) -> frozenset[str]:
    """Change and remove roles: last, since until then grants and robots may be of them."""
    done = []
    for step in plan.of("roles"):
        if step.after is None:
            done.append(roles.remove(tx, step.item["name"]))
        elif step.before is not None:
            done.append(roles.change(tx, step.item["name"], step.after["allow"]))
    return _topics(done)


def _namespaces(tx: Transaction, plan: Plan) -> frozenset[str]:
    steps = [
        (step.spec, step.before)
        for step in plan.of("namespaces")
        if isinstance(step.spec, NamespaceSpec)
    ]
    new = [spec for spec, before in steps if before is None]
    rows.add_namespaces(tx, new, _names(tx, Registry.__table__, plan.known.registries))
    shown = {before.id: spec.visibility for spec, before in steps if before is not None}
    rows.set_visibilities(tx, shown)
    return frozenset({"base"} if steps else ())


def _subjects(tx: Transaction, ready: Ready) -> dict[str, int]:
    """The row ids of all whom groups and grants name; of groups that come, new ones."""
    plan = ready.plan
    made = [
        SubjectRef("group", "", step.after["name"])
        for step in plan.of("groups")
        if step.before is None and step.after is not None
    ]
    known = {text: row for text, row in plan.known.subjects.items() if row is not None}
    return {**known, **ready.left, **subjects.make_all(tx, [*made, *ready.unseen])}


def _groups(tx: Transaction, plan: Plan, ids: Mapping[str, int]) -> frozenset[str]:
    """Move members; who is in a group that goes is told of it, too."""
    joined, left = list[tuple[str, str]](), list[tuple[str, str]]()
    told: set[str] = set()
    for step in plan.of("groups"):
        before, after = _held(step), _members(step.after)
        told |= before ^ after
        if step.after is not None:
            name = f"{GROUP}{step.after['name']}"
            told |= {name} if step.before is None else set()
            joined += ((name, each) for each in after - before)
            left += ((name, each) for each in before - after)
    rows.move_members(tx, _rows(joined, ids), _rows(left, ids))
    return frozenset({"base"} if told else ()) | _told(told)


def _rows(pairs: Iterable[tuple[str, str]], ids: Mapping[str, int]) -> list[tuple[int, int]]:
    return [(ids[group], ids[member]) for group, member in pairs]


def _more(tx: Transaction, ready: Ready, ids: rows.Ids) -> frozenset[str]:
    """Write grants: new ones all at once, and reasons that are others now."""
    reasons = {
        step.before.id: step.after["reason"]
        for step in ready.plan.of("grants")
        if step.before is not None and step.after is not None
    }
    rows.set_reasons(tx, reasons)
    rows.add_grants(tx, ready.new, ready.columns, ids)
    told = {step.after["subject"] for step in ready.plan.of("grants") if step.after}
    people = {subjects.topic_of_name(ref.name) for ref in ready.unseen if ref.kind == "user"}
    return frozenset(people.union(f"subject:{text}" for text in told))


def _names(tx: Transaction, table: FromClause, known: Mapping[str, int | None]) -> dict[str, int]:
    """The row ids by name, those that this plan has made among them."""
    ids = {name: row for name, row in known.items() if row is not None}
    if len(ids) < len(known):
        found = tx.session.execute(select(table.c.name, table.c.id))
        ids |= {row.name: row.id for row in found}
    return ids


def _held(step: Step) -> set[str]:
    return _members(step.before.item if step.before else None)


def _members(item: Item | None) -> set[str]:
    return set() if item is None else set(item["members"])


def _topics(done: Iterable[Outcome[Any]]) -> frozenset[str]:
    return frozenset[str]().union(*(part.topics for part in done))


def _told(moved: Iterable[str]) -> frozenset[str]:
    """The topics of who came into groups or went out.

    Passwords seen for names of a directory's people are forgotten: who has the name is bound to it
    by being looked up (`people.settle`).
    """
    refs = map(parse_subject, moved)
    names = {ref.name for ref in refs if ref.kind == "user" and ref.source != LOCAL}
    return frozenset(f"subject:{text}" for text in moved) | frozenset(
        map(subjects.topic_of_name, names)
    )

"""A plan carried out: what differs is written, in one transaction, and nothing else is touched.

Looked up is only what the plan could not know, since edits of everybody else wait meanwhile, and
on SQLite the records of tokens too.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import FromClause, delete, select

from authsvc.audit.records import Event
from authsvc.changes import grants, groups, namespaces, registries, roles, subjects
from authsvc.changes.grants import GrantSpec, Ids
from authsvc.changes.namespaces import NamespaceSpec
from authsvc.changes.unit_of_work import Outcome, Transaction
from authsvc.db.bulk import roomy
from authsvc.db.models import Namespace, Registry, Role
from authsvc.principal import LOCAL
from authsvc.protocol.names import SubjectRef, parse_subject

from .plan import Plan, Step, may
from .stored import Item


@dataclass(frozen=True, slots=True)
class Ready:
    """A plan with all that can be worked out before others have to wait.

    `new` are the grants that come, and `columns` what they say; `reasons` those that are others
    now, by row ids; `unseen` are people and groups of directories that were never named before.
    """

    plan: Plan
    new: tuple[GrantSpec, ...]
    columns: Mapping[str, list[Any]]
    reasons: Mapping[int, str]
    unseen: tuple[SubjectRef, ...]


def ready(tx: Transaction, plan: Plan) -> Ready:
    """What writing needs; `tx` may be one that only reads."""
    plan.recorded  # noqa: B018 - worked out now
    steps = [(step.spec, step.before) for step in plan.of("grants")]
    new = [spec for spec, before in steps if isinstance(spec, GrantSpec) and before is None]
    reasons = {
        before.id: spec.reason
        for spec, before in steps
        if isinstance(spec, GrantSpec) and before is not None
    }
    named = {spec.subject for spec in new}.union(*map(_joining, plan.of("groups")))
    refs = map(parse_subject, sorted(named - plan.known.subjects.keys()))
    unseen = tuple(ref for ref in refs if ref.source not in ("", LOCAL))
    return Ready(plan, tuple(new), grants.columns_of(tx.session, new), reasons, unseen)


def _joining(step: Step) -> set[str]:
    """Who comes into a group."""
    held = step.before.item["members"] if step.before else ()
    return set(step.after["members"] if step.after else ()).difference(held)


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
        topics = _less(tx, plan) | _own(tx, plan)
        made = subjects.make_all(tx, ready.unseen)
        topics |= _groups(tx, plan) | _more(tx, ready, made)
        tx.session.flush()
    return Outcome(plan.shape, Event.POLICY, after=plan.recorded, topics=topics)


def _less(tx: Transaction, plan: Plan) -> frozenset[str]:
    """Remove grants and namespaces, and then what they may have referred to."""
    gone = [step.before for step in plan.of("grants") if step.before and step.after is None]
    grants.remove_all(tx, [held.id for held in gone])
    spaces = [step.before.id for step in plan.of("namespaces") if step.before and not step.after]
    for start in range(0, len(spaces), subjects.AT_ONCE):
        some = spaces[start : start + subjects.AT_ONCE]
        tx.session.execute(delete(Namespace).where(Namespace.id.in_(some)))
    named = [
        *((groups.remove, step) for step in plan.of("groups")),
        *((registries.remove, step) for step in plan.of("registries")),
        *((roles.remove, step) for step in plan.of("roles")),
    ]
    done = [
        remove(tx, step.before.item["name"])
        for remove, step in named
        if step.before is not None and step.after is None
    ]
    base = {"base"} if spaces else set()
    return _topics(done) | base | {f"subject:{held.item['subject']}" for held in gone}


def _own(tx: Transaction, plan: Plan) -> frozenset[str]:
    """Write registries, roles and namespaces."""
    done: list[Outcome[Any]] = []
    for step in plan.of("registries"):
        done += _set(tx, step, registries.add, registries.change)
    for step in plan.of("roles"):
        done += _set(
            tx, step, roles.add, lambda tx, name, item: roles.change(tx, name, item["allow"])
        )
    for step in plan.of("namespaces"):
        if isinstance(step.spec, NamespaceSpec):
            own = step.spec
            done.append(
                namespaces.add(tx, own)
                if step.before is None
                else namespaces.change(tx, own.name, own.registry, own.visibility)
            )
    return _topics(done)


def _set(
    tx: Transaction,
    step: Step,
    add: Callable[[Transaction, Any], Outcome[Any]],
    change: Callable[[Transaction, str, Item], Outcome[Any]],
) -> Iterator[Outcome[Any]]:
    if step.after is not None:
        name = step.after["name"]
        yield add(tx, step.spec) if step.before is None else change(tx, name, step.after)


def _groups(tx: Transaction, plan: Plan) -> frozenset[str]:
    """Write groups: all that are new, then who goes, then who comes.

    So one may be a member of another that stands further down, and who was above may come below.
    """
    steps = [(step.before, step.after) for step in plan.of("groups") if step.after is not None]
    made = [
        groups.add(tx, groups.GroupSpec(name=after["name"]))
        for before, after in steps
        if before is None
    ]
    stays = [
        (after["name"], set(before.item["members"]).intersection(after["members"]))
        for before, after in steps
        if before is not None and not set(before.item["members"]) <= set(after["members"])
    ]
    left = [groups.set_members(tx, name, sorted(members)) for name, members in stays]
    filled = [groups.set_members(tx, after["name"], after["members"]) for _, after in steps]
    return _topics([*made, *left, *filled])


def _more(tx: Transaction, ready: Ready, made: dict[str, int]) -> frozenset[str]:
    """Write grants: new ones all at once, and reasons that are others now."""
    known = ready.plan.known
    grants.set_reasons(tx, ready.reasons)
    found = {text: row for text, row in known.subjects.items() if row is not None} | made
    groups_made = {spec.subject for spec in ready.new} - found.keys()
    found |= subjects.ids_of(tx.session, map(parse_subject, sorted(groups_made)))
    ids = Ids(
        found,
        _names(tx, Role.__table__, known.roles),
        _names(tx, Registry.__table__, known.registries),
    )
    grants.add_all(tx, ready.new, ready.columns, ids)
    told = {f"subject:{step.after['subject']}" for step in ready.plan.of("grants") if step.after}
    people = {subjects.topic_of_name(ref.name) for ref in ready.unseen if ref.kind == "user"}
    return frozenset(told | people)


def _names(tx: Transaction, table: FromClause, known: Mapping[str, int | None]) -> dict[str, int]:
    """The row ids by name, those that this plan has made among them."""
    rows = {name: row for name, row in known.items() if row is not None}
    if len(rows) < len(known):
        found = tx.session.execute(select(table.c.name, table.c.id))
        rows |= {row.name: row.id for row in found}
    return rows


def _topics(done: Iterable[Outcome[Any]]) -> frozenset[str]:
    return frozenset[str]().union(*(part.topics for part in done))

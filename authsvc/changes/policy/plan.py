"""What applying a document would do to what is stored: worked out, and nothing written.

Declarative: what an entry leaves out is at its default. Nothing is removed without `prune`, and
with it only kinds that the files speak of; members of groups come without it and go with it.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from authsvc.access.explain import ANONYMOUS
from authsvc.access.questions import service_of
from authsvc.access.roles import BUILT_IN, custom
from authsvc.changes import groups, guard
from authsvc.changes.faults import Faults
from authsvc.changes.grants import GrantSpec
from authsvc.changes.groups import GroupSpec
from authsvc.changes.namespaces import NamespaceSpec
from authsvc.changes.robots import RobotSpec
from authsvc.changes.roles import RoleSpec
from authsvc.changes.unit_of_work import Transaction
from authsvc.errors import Conflict, Invalid
from authsvc.protocol.names import SubjectRef, parse_subject

from . import circles, homes
from .document import KINDS, Document, Entry
from .known import Known, known
from .may import ADMINISTERED, may
from .pruned import pruned
from .steps import Plan, Step
from .stored import KEYS, Held, Holdings, Key, holdings, item_of


def plan(
    tx: Transaction, document: Document, *, prune: bool = False, lenient: bool = False
) -> Plan:
    """What would become different; `tx` may be one that only reads.

    A `lenient` plan, which is not for writing, takes references to what is not there.

    Raises `Invalid` with the places of all faults, `Conflict` for a loop of groups or a role that
    is in use, `Forbidden` and `NotFound` for what the actor may not speak of.
    """
    _check_kinds(tx, document)
    wanted = {kind: _wanted(kind, getattr(document, kind)) for kind in KINDS}
    count = sum(map(len, wanted.values()))
    made_with = homes.of_entries(wanted["robots"])
    # Of what is stored, all grants are looked at where any may go with what is pruned.
    prunes = prune and bool(document.kinds)
    known_by = {*map(str, wanted["grants"]), *made_with}
    held = holdings(tx.session, None if prunes else known_by)
    wanted["grants"] = homes.besides(wanted["grants"], made_with)
    gone = pruned(tx.rights, held, document.kinds, wanted) if prunes else {}
    others = homes.besides(held.robots, {*map(str, wanted["robots"])})
    there = homes.of_stored(others, wanted["grants"].values())
    wanted["grants"] = homes.besides(wanted["grants"], there)
    what = _known(tx, document, held, gone)
    steps = [
        step
        for kind in KINDS
        for key, entry in wanted[kind].items()
        if (step := _step(kind, entry, held.of(kind).get(key), prune=prune)) is not None
    ]
    steps += [Step(kind, "", each, None) for kind in KINDS for each in gone.get(kind, {}).values()]
    if not lenient:
        _refuse_faults(tx, document, steps, what)
        _refuse_circles(held, steps, gone.get("groups", {}))
        homes.refuse(tx, held, steps, gone)
    unchanged = count - sum(step.after is not None for step in steps)
    return Plan(tx.version, tuple(steps), unchanged, prune, what)


def _check_kinds(tx: Transaction, document: Document) -> None:
    """Raise for what only administrators manage, before it is said whether it is there."""
    rights = tx.rights
    for kind in KINDS:
        if kind in document.kinds and kind in ADMINISTERED:
            guard.administer(rights, ADMINISTERED[kind])
    if not (rights.admin or rights.owned):
        guard.administer(rights, "policy")
    for entry in document.namespaces:
        guard.place(rights, entry.spec.name, entry.spec.registry)
    for grant in document.grants:
        guard.place(rights, grant.spec.on, grant.spec.registry)
    for robot in document.robots:
        guard.place(rights, robot.spec.namespace, robot.spec.registry)
    only = service_of(tx.session, None) if document.tests else None
    for test in document.tests:  # or whoever owns something could ask about all that others have
        guard.place(rights, test.spec.name, test.spec.service or only)


def _wanted(kind: str, entries: Iterable[Entry[Any]]) -> dict[Key, Entry[Any]]:
    """The entries by what they are known by; of equal grants the first counts."""
    wanted: dict[Key, Entry[Any]] = {}
    for entry in entries:
        spec = entry.spec
        key = spec.fingerprint if kind == "grants" else KEYS[kind](item_of(spec))
        wanted.setdefault(key, entry)
    return wanted


def _step(kind: str, entry: Entry[Any], held: Held | None, *, prune: bool) -> Step | None:
    """What an entry makes different, None for nothing."""
    spec = entry.spec
    if isinstance(spec, GroupSpec) and held is not None and not prune:
        spec = spec.model_copy(update={"members": (*spec.members, *held.item["members"])})
    after = item_of(spec)
    if held is not None and held.item == after:
        return None
    return Step(kind, entry.place, held, after, spec)


def _known(
    tx: Transaction, document: Document, held: Holdings, gone: Mapping[str, Mapping[Key, Held]]
) -> Known:
    after: dict[str, dict[str, int | None]] = {}
    for kind in ("registries", "roles", "groups", "robots"):
        stays = {k: each for k, each in held.of(kind).items() if k not in gone.get(kind, {})}
        named = (entry.spec.name for entry in getattr(document, kind))
        after[kind] = dict.fromkeys(named) | {str(k): each.id for k, each in stays.items()}
    lost = gone.get("roles", {})
    roles = {k: each.item["allow"] for k, each in held.roles.items() if k not in lost}
    roles |= {entry.spec.name: entry.spec.allow for entry in document.roles}
    holding = {str(name): custom(str(name), allow) for name, allow in roles.items()}
    found = known(tx.session, tx.sources, after, holding, _refs(document))
    return found if tx.rights.reads_all else replace(found, hints=False)


def _refs(document: Document) -> Iterator[SubjectRef]:
    texts = {entry.spec.subject for entry in document.grants}
    texts |= {member for entry in document.groups for member in entry.spec.members}
    texts |= {entry.spec.subject for entry in document.tests} - {ANONYMOUS}
    return map(parse_subject, sorted(texts))


def _refuse_faults(tx: Transaction, document: Document, steps: Iterable[Step], what: Known) -> None:
    """Raise `Invalid` with the places of all that is not there, or not the actor's to write."""
    faults = Faults()
    for step in steps:
        if faults.are_many and not what.brief:
            what = replace(what, brief=True)
        _check_references(step, what, faults)
        with faults.at(step.place):
            _check(tx, step, what)
    for test in document.tests:
        if test.spec.subject != ANONYMOUS:
            with faults.at(test.place):
                what.check_subject(test.spec.subject)
        with faults.at(test.place):
            what.check_registry(test.spec.service)
    faults.refuse()


def _check_references(step: Step, what: Known, faults: Faults) -> None:
    """Whether all that a step refers to is there, but for the role of a grant."""
    spec = step.spec
    new: Iterable[str] = ()
    if isinstance(spec, GrantSpec):
        new = (spec.subject,)
    elif isinstance(spec, GroupSpec):
        held = step.before.item["members"] if step.before else ()
        new = sorted(set(spec.members).difference(held))
    for text in new:
        with faults.at(step.place):
            what.check_subject(text)
    if isinstance(spec, GrantSpec | NamespaceSpec | RobotSpec):
        with faults.at(step.place):
            what.check_registry(spec.registry)


def _check(tx: Transaction, step: Step, what: Known) -> None:
    """Whether a step can be made, and is the actor's to make."""
    spec = step.spec
    if isinstance(spec, GrantSpec):
        what.role(spec.role)
        if spec.expires_at is not None and spec.expires_at <= tx.now and step.before is None:
            raise Invalid("the end of this grant is in the past", advice="name a time to come")
    elif isinstance(spec, RobotSpec):
        homes.check(tx, step, spec)
    elif isinstance(spec, GroupSpec) and step.after:
        groups.check_size(len(step.after["members"]))
    elif isinstance(spec, RoleSpec) and spec.name in BUILT_IN:
        raise Conflict(f"role '{spec.name}' is built in", advice="make one of another name")
    may(tx.rights, step, what)


def _refuse_circles(held: Holdings, steps: Iterable[Step], gone: Collection[Key]) -> None:
    nested = {step.after["name"]: step for step in steps if step.kind == "groups" and step.after}
    after = {str(k): each.item["members"] for k, each in held.groups.items() if k not in gone}
    after |= {name: step.after["members"] for name, step in nested.items() if step.after}
    circles.refuse(after, {name: step.place for name, step in nested.items()})

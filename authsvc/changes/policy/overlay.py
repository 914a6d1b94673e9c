"""A plan as a policy that can be asked: what is stored, with the plan's differences over it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from authsvc.access.askers import Asker, meant
from authsvc.access.model import PolicyBase, Registry, Role, Rule, Visibility
from authsvc.access.roles import custom
from authsvc.access.rulebook import Planned, Rulebook
from authsvc.access.store import when_of
from authsvc.changes.grants import GrantSpec
from authsvc.changes.robots import RobotSpec, home

from .steps import Plan, Step
from .stored import Item


def over(stored: Rulebook, plan: Plan) -> Planned:
    """The policy as it would be; `stored` is as of the change that the plan is for.

    The number of a grant that comes is -1 for the first of the plan's, -2 for the second.
    """
    steps = list(plan.of("grants"))
    gone = [step.before.id for step in steps if step.before and step.after is None]
    gone += [step.before.home for step in plan.of("robots") if step.before]
    joined, left = _moves(plan.of("groups"))
    return Planned(
        before=stored,
        base=_base(stored.base, plan, joined, left),
        gone=frozenset(gone),
        added=_added([*_new(steps), *_homes(plan.of("robots"))]),
        joined=joined,
        left=left,
    )


def robots_of(plan: Plan) -> dict[str, Asker]:
    """The robots that a plan makes or changes, by their texts, as questions are about them."""
    return {
        f"robot:{step.after['name']}": Asker(
            meant(f"robot:{step.after['name']}"), disabled=not step.after["enabled"]
        )
        for step in plan.of("robots")
        if step.after is not None
    }


def _new(steps: Iterable[Step]) -> Iterator[GrantSpec]:
    for step in steps:
        if step.before is None and isinstance(step.spec, GrantSpec):
            yield step.spec


def _homes(steps: Iterable[Step]) -> Iterator[GrantSpec]:
    """What robots that come or change are granted by being what they are."""
    return (home(step.spec) for step in steps if isinstance(step.spec, RobotSpec))


def _added(new: Iterable[GrantSpec]) -> dict[str, tuple[Rule, ...]]:
    found: dict[str, list[Rule]] = {}
    for number, spec in enumerate(new, 1):
        rule = Rule(
            grant=-number,
            role=spec.role,
            allow=spec.effect == "allow",
            registry=spec.registry,
            pattern=spec.on,
            subject=spec.subject,
            when=when_of(spec.expires_at, spec.cidrs),
        )
        found.setdefault(spec.subject, []).append(rule)
    return {subject: tuple(rules) for subject, rules in found.items()}


def _moves(steps: Iterable[Step]) -> tuple[dict[str, frozenset[str]], dict[str, frozenset[str]]]:
    """The groups that members come into and go out of, by the member."""
    joined: dict[str, frozenset[str]] = {}
    left: dict[str, frozenset[str]] = {}
    for step in steps:
        group = frozenset({f"group:{step.item['name']}"})
        before, after = _members(step.before.item if step.before else None), _members(step.after)
        for moved, members in ((joined, after - before), (left, before - after)):
            moved.update({member: moved.get(member, frozenset()) | group for member in members})
    return joined, left


def _members(item: Item | None) -> frozenset[str]:
    return frozenset() if item is None else frozenset(item["members"])


def _base(
    base: PolicyBase,
    plan: Plan,
    joined: Mapping[str, frozenset[str]],
    left: Mapping[str, frozenset[str]],
) -> PolicyBase:
    return replace(
        base,
        registries=_registries(base, plan),
        roles=_roles(base, plan),
        visibility=_visibility(base, plan),
        parents=_parents(base, joined, left),
    )


def _registries(base: PolicyBase, plan: Plan) -> dict[str, Registry]:
    found = dict(base.registries)
    for step in plan.of("registries"):
        if step.after is None:
            found.pop(step.item["name"], None)
        else:
            found[step.after["name"]] = Registry(**step.after)
    return found


def _roles(base: PolicyBase, plan: Plan) -> dict[str, Role]:
    found = dict(base.roles)
    for step in plan.of("roles"):
        if step.after is None:
            found.pop(step.item["name"], None)
        else:
            found[step.after["name"]] = custom(step.after["name"], step.after["allow"])
    return found


def _visibility(base: PolicyBase, plan: Plan) -> dict[str, dict[str | None, Visibility]]:
    found = {path: dict(seen) for path, seen in base.visibility.items()}
    for step in plan.of("namespaces"):
        item = step.item
        seen = found.setdefault(item["name"], {})
        if step.after is None:
            seen.pop(item["registry"], None)
        else:
            seen[item["registry"]] = Visibility(item["visibility"])
    return {path: seen for path, seen in found.items() if seen}


def _parents(
    base: PolicyBase,
    joined: Mapping[str, frozenset[str]],
    left: Mapping[str, frozenset[str]],
) -> dict[str, tuple[str, ...]]:
    found = dict(base.parents)
    for member in joined.keys() | left.keys():
        if member.startswith("group:"):
            kept = set(found.get(member, ())) - left.get(member, frozenset())
            found[member] = tuple(sorted(kept | joined.get(member, frozenset())))
    return found

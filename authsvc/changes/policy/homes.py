"""What robots are granted by being what they are: no entries of `grants`, and as good as ones.

An entry of `grants` that says the same as a robot's role at its namespace counts as being there.
"""

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from sqlalchemy import select

from authsvc.access.roles import custom
from authsvc.changes.robots import RobotSpec, check_end, home
from authsvc.changes.spec import checked
from authsvc.changes.unit_of_work import Transaction
from authsvc.db.models import Grant, Robot, Role, Subject
from authsvc.errors import Conflict, Invalid

from .document import Entry
from .steps import Step
from .stored import Held, Holdings, Key

E = TypeVar("E")


def of_entries(robots: Mapping[Key, Entry[RobotSpec]]) -> set[str]:
    """The fingerprints of what the robots of a document are granted by being what they are."""
    return {home(entry.spec).fingerprint for entry in robots.values()}


def of_stored(robots: Mapping[Key, Held], grants: Iterable[Entry[Any]]) -> set[str]:
    """The same of those robots that are stored and that these grants name."""
    named = {entry.spec.subject.removeprefix("robot:") for entry in grants}
    return {
        home(checked(RobotSpec, each.item)).fingerprint
        for name, each in robots.items()
        if name in named
    }


def besides(grants: Mapping[Key, E], known: set[str]) -> dict[Key, E]:
    """The grants, by fingerprint, without those that are known."""
    return {key: each for key, each in grants.items() if key not in known}


def check(tx: Transaction, step: Step, spec: RobotSpec) -> None:
    """Raise `Invalid` for a robot that would be moved, or that has ended when it comes."""
    was = step.before.item if step.before else None
    if was is not None and (was["namespace"], was["registry"]) != (spec.namespace, spec.registry):
        _refuse_move(tx, was)
    if was is None or step.item["expires_at"] != was["expires_at"]:
        check_end(spec, tx.now)


def _refuse_move(tx: Transaction, was: Mapping[str, Any]) -> None:
    """Who holds a robot's secrets would be let in elsewhere; of what is unseen only that it is."""
    name = was["name"]
    if not tx.rights.sees(was["namespace"], was["registry"]):
        raise Invalid(f"there is a robot '{name}' already", advice="choose another name")
    where = f"registry '{was['registry']}'" if was["registry"] is not None else "all registries"
    raise Invalid(
        f"robot '{name}' is of '{was['namespace']}' in {where}, and its secrets would move with it",
        advice=f"choose another name, or take it away first: `authsvc robot remove {name}`",
    )


def refuse(
    tx: Transaction, held: Holdings, steps: Iterable[Step], gone: Mapping[str, Mapping[Key, Held]]
) -> None:
    """Raise `Conflict` for what a robot's role does not go together with.

    That is a grant that says the same already, and a role of robots that lists the catalog.
    """
    done = list(steps)
    grants = gone.get("grants", {})
    for step in done:
        if isinstance(step.spec, RobotSpec):
            known = home(step.spec).fingerprint
            if known in held.grants and known not in grants:
                text = f"grant {held.grants[known].id} says the same already as this robot's role"
                raise Conflict(f"{step.place}: {text}", advice="remove that grant first")
    _refuse_wide(tx, held, done, gone)


def _refuse_wide(
    tx: Transaction, held: Holdings, steps: Iterable[Step], gone: Mapping[str, Mapping[Key, Held]]
) -> None:
    wide = {
        step.item["name"]: step.place
        for step in steps
        if step.kind == "roles" and step.before and step.after
        and custom(step.item["name"], step.after["allow"]).catalog
    }  # fmt: skip
    if not wide:
        return
    after = {
        name: each.item for name, each in held.robots.items() if name not in gone.get("robots", {})
    }
    after |= {
        step.item["name"]: step.after for step in steps if step.kind == "robots" and step.after
    }
    used = {item["role"] for item in after.values()} | _granted(tx, wide, gone.get("grants", {}))
    for name in sorted(used & wide.keys()):
        raise Conflict(
            f"{wide[name]}: robots have role '{name}', and they hold repository actions only",
            advice="give the robots another role first",
        )


def _granted(tx: Transaction, roles: Iterable[str], gone: Mapping[Key, Held]) -> set[str]:
    """Which of these roles are granted to robots, and stay so, beside what they were made with."""
    rows = tx.session.execute(
        select(Role.name, Grant.fingerprint)
        .join(Role, Role.id == Grant.role_id)
        .join(Subject, Subject.id == Grant.subject_id)
        .outerjoin(Robot, Robot.grant_id == Grant.id)
        .where(Subject.kind == "robot", Role.name.in_(roles), Robot.subject_id.is_(None))
    )
    return {row.name for row in rows if row.fingerprint not in gone}

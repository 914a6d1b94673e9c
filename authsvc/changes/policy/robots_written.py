"""The robots of a plan, as rows: all at once, as all that a plan writes (see `rows`)."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice
from typing import Any

from sqlalchemy import select

from authsvc.changes import reads, robot_rows, subjects
from authsvc.changes.robots import RobotSpec, home
from authsvc.changes.subjects import AT_ONCE
from authsvc.changes.unit_of_work import Transaction
from authsvc.changes.when import print_time
from authsvc.db import bulk
from authsvc.db.models import Grant, Robot, Subject
from authsvc.protocol.names import SubjectRef

from . import rows
from .steps import Plan
from .stored import Held, Item


def remove(tx: Transaction, plan: Plan) -> tuple[frozenset[str], list[Item]]:
    """Remove robots with their secrets and grants: what is to be forgotten, and what went along.

    Those are grants that no step of the plan is about, since its maker does not see them.
    """
    gone = [step.before for step in plan.of("robots") if step.before and step.after is None]
    told = {each.home for each in gone}
    told |= {step.before.id for step in plan.of("grants") if step.before and step.after is None}
    topics: set[str] = set()
    unseen: list[Item] = []
    for some in _portions([each.id for each in gone]):
        taken = robot_rows.take_away(tx, reads.robot_rows(tx.session, Subject.id.in_(some)))
        topics |= taken.topics
        unseen += (each for each in taken.grants if each["id"] not in told)
    return frozenset(topics), unseen


def write(tx: Transaction, plan: Plan, ids: rows.Ids) -> tuple[dict[str, int], frozenset[str]]:
    """Write the robots that come, without a secret, and those that are others now.

    The row ids of the new ones, by their canonical texts, and what is to be forgotten.
    """
    new, changed = list[RobotSpec](), list[tuple[Held, RobotSpec]]()
    for step in plan.of("robots"):
        if isinstance(step.spec, RobotSpec):
            if step.before is None:
                new.append(step.spec)
            else:
                changed.append((step.before, step.spec))
    made = _add(tx, new, ids) if new else {}
    if changed:
        _change(tx, changed, ids)
    topics: set[str] = set()
    for some in _portions([*made.values(), *(held.id for held, _ in changed)]):
        topics |= robot_rows.topics(tx, reads.robot_rows(tx.session, Subject.id.in_(some)))
    return made, frozenset(topics)


def _add(tx: Transaction, new: list[RobotSpec], ids: rows.Ids) -> dict[str, int]:
    made = subjects.make_all(tx, [SubjectRef("robot", "", spec.name) for spec in new])
    homes = [home(spec) for spec in new]
    rows.add_grants(tx, homes, rows.columns_of(tx.session, homes), replace(ids, subjects=made))
    granted = _homes(tx, made.values())
    numbers = [made[f"robot:{spec.name}"] for spec in new]
    columns: dict[str, list[Any]] = {
        "subject_id": numbers,
        "grant_id": [granted[number] for number in numbers],
        "expires_at": [spec.expires_at for spec in new],
        "cidrs": [list(spec.cidrs) for spec in new],
        "warned": [None] * len(new),
    }
    bulk.insert_all(tx.session, Robot, bulk.bound(tx.session, Robot, columns))
    _enable(tx, numbers, new)
    return made


def _homes(tx: Transaction, robots: Iterable[int]) -> dict[int, int]:
    """The one grant that each of these new robots has."""
    found: dict[int, int] = {}
    for some in _portions(robots):
        query = select(Grant.subject_id, Grant.id).where(Grant.subject_id.in_(some))
        found |= {row.subject_id: row.id for row in tx.session.execute(query)}
    return found


def _change(tx: Transaction, changed: list[tuple[Held, RobotSpec]], ids: rows.Ids) -> None:
    specs = [spec for _, spec in changed]
    _enable(tx, [held.id for held, _ in changed], specs)
    columns: dict[str, list[Any]] = {
        "subject_id": [held.id for held, _ in changed],
        "expires_at": [spec.expires_at for spec in specs],
        "cidrs": [list(spec.cidrs) for spec in specs],
    }
    bulk.update_all(tx.session, Robot, bulk.bound(tx.session, Robot, columns))
    ends = [
        held.id for held, spec in changed if held.item["expires_at"] != print_time(spec.expires_at)
    ]
    unwarned: dict[str, list[Any]] = {
        "subject_id": ends,
        "warned": [None] * len(ends),
    }  # a new end is warned of anew
    bulk.update_all(tx.session, Robot, unwarned)
    moved = [(held.home, spec) for held, spec in changed if held.item["role"] != spec.role]
    granted: dict[str, list[Any]] = {
        "id": [number for number, _ in moved],
        "role_id": [ids.roles[spec.role] for _, spec in moved],
        "fingerprint": [home(spec).fingerprint for _, spec in moved],
        "changed_in": [tx.version] * len(moved),
    }
    bulk.update_all(tx.session, Grant, granted)


def _enable(tx: Transaction, numbers: list[int], specs: list[RobotSpec]) -> None:
    columns: dict[str, list[Any]] = {
        "id": numbers,
        "enabled": [spec.enabled for spec in specs],
        "changed_in": [tx.version] * len(specs),
    }
    bulk.update_all(tx.session, Subject, bulk.bound(tx.session, Subject, columns))


def _portions(numbers: Iterable[int]) -> Iterator[list[int]]:
    """As many row ids as one query looks for, until there are no more."""
    waiting = iter(numbers)
    while some := list(islice(waiting, AT_ONCE)):
        yield some

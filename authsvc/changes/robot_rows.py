"""The rows of robots: what must be told when they change, and taking them away with all they have.

Apart from `robots`, since removing a registry or a namespace takes robots away as well.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from authsvc.db.models import Grant, Secret
from authsvc.protocol.names import ROBOT_PREFIX

from . import reads, secrets, subjects
from .unit_of_work import Transaction


@dataclass(frozen=True, slots=True)
class Taken:
    """Robots that went: their items, all grants that they had, and what is to be forgotten."""

    robots: list[dict[str, Any]]
    grants: list[dict[str, Any]]
    ids: frozenset[int]
    topics: frozenset[str]

    @property
    def recorded(self) -> dict[str, Any]:
        """What the record of a larger removal says beside its own: nothing where none went."""
        return {"robots": self.robots, "grants_of_robots": self.grants} if self.robots else {}

    def not_of_them(self, rows: Iterable[reads.GrantRow]) -> list[reads.GrantRow]:
        """Those of these grants that did not go with the robots."""
        return [row for row in rows if row.subject.id not in self.ids]


def take_away(tx: Transaction, rows: list[reads.RobotRow]) -> Taken:
    """Remove robots with their secrets and grants, by foreign key.

    Flushed, since a home grant must not go before its robot.
    """
    ids = frozenset(row.subject.id for row in rows)
    taken = Taken(
        reads.robots(tx.session, rows),
        reads.grants(tx.session, Grant.subject_id.in_(ids)),
        ids,
        topics(tx, rows),
    )
    for row in rows:
        tx.session.delete(row.subject)
    tx.session.flush()
    return taken


def topics(tx: Transaction, rows: Iterable[reads.RobotRow]) -> frozenset[str]:
    """What every worker forgets about these robots: rules, remembered secrets, and each secret."""
    held = [row.subject for row in rows]
    held_secrets = tx.session.scalars(
        select(Secret.id).where(Secret.subject_id.in_([row.id for row in held]))
    )
    return frozenset(
        {
            *map(subjects.topic, held),
            *(subjects.topic_of_name(ROBOT_PREFIX + row.name) for row in held),
            *map(secrets.topic, held_secrets),
        }
    )

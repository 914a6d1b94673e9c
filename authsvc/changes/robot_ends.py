"""Robots that end soon: one warning 14 days before, one 3 days before, and how many there are."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from authsvc import logs
from authsvc.db.engine import Database
from authsvc.db.models import Robot, Subject
from authsvc.principal import SYSTEM

from . import reads, subjects
from .unit_of_work import Outcome, Transaction, UnitOfWork, nothing

THRESHOLDS: Final = (14, 3)  # days before the end, the first warning first

_log = logs.get("robots")


def warn_of_ends(database: Database, unit_of_work: UnitOfWork, now: datetime) -> Mapping[int, int]:
    """Warn of robots that end soon: a record and a log line each, once for each threshold.

    Whoever runs this, and how often: what was warned of is stored with the warning. How many
    robots end within each number of days comes back. A robot that is disabled is not warned of.
    """
    with database.read() as session:
        due = [(days, name) for days in THRESHOLDS for name in _due(session, now, days)]
        counts = {days: _count(session, now, days) for days in THRESHOLDS}
    for days, name in due:
        item = unit_of_work.run(SYSTEM, partial(_warned, name=name, days=days))
        if item is not None:
            _log.warning(
                "a robot ends soon",
                robot=name,
                namespace=item["namespace"],
                ends=item["expires_at"],
                within=f"{days}d",
            )
    return counts


def _warned(tx: Transaction, name: str, days: int) -> Outcome[dict[str, Any] | None]:
    """Note that a robot was warned of; None when somebody was quicker, or its end is another."""
    rows = reads.robot_rows(tx.session, Subject.name == name, _is_due(tx.now, days))
    if not rows:
        return nothing(None)
    rows[0].robot.warned = days
    item = reads.robots(tx.session, rows)[0]
    after = {"robot": item, "ends_within": f"{days}d"}
    return Outcome(item, after=after, topics=frozenset({subjects.topic(rows[0].subject)}))


def _due(session: Session, now: datetime, days: int) -> list[str]:
    return [row.subject.name for row in reads.robot_rows(session, _is_due(now, days))]


def _is_due(now: datetime, days: int) -> ColumnElement[bool]:
    """Whether a robot is to be warned of at that threshold and at no later one."""
    later = max((each for each in THRESHOLDS if each < days), default=0)
    return (
        Subject.enabled
        & (Robot.expires_at > now + timedelta(days=later))
        & (Robot.expires_at <= now + timedelta(days=days))
        & or_(Robot.warned.is_(None), Robot.warned > days)
    )


def _count(session: Session, now: datetime, days: int) -> int:
    query = (
        select(func.count())
        .select_from(Robot)
        .join(Subject, Subject.id == Robot.subject_id)
        .where(
            Subject.enabled,
            Robot.expires_at > now,
            Robot.expires_at <= now + timedelta(days=days),
        )
    )
    return session.scalar(query) or 0

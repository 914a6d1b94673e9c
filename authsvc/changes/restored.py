"""After a backup was put back: what is ended, and what an administrator has to look at.

What was revoked after the backup was made is good again, and nothing in the database can tell.
Refresh tokens are given again when somebody signs in, so all of them end. Personal tokens and the
secrets of robots stand in machines, so those stay and are listed.
"""

from typing import Any

from sqlalchemy import delete, func, or_, select

from authsvc.clock import rfc3339
from authsvc.db.feed import EVERYTHING
from authsvc.db.models import Change, Grant, Robot, Secret, Subject, TokenRecord
from authsvc.keys import rows as keys
from authsvc.keys.rotation import State

from . import pats, reads
from .secrets import REFRESH
from .unit_of_work import Outcome, Transaction


def restored(tx: Transaction) -> Outcome[dict[str, Any]]:
    """End all refresh tokens and all that any worker remembers.

    The value says where the backup ends (`change`, `last_record`), how many refresh tokens were
    ended, how many people are enabled and grants there are, and lists what is good again: robots
    and personal tokens that have not ended, signing keys that are not revoked. The record holds
    all of it but the lists.
    """
    ended = tx.session.scalars(
        delete(Secret).where(Secret.kind == REFRESH).returning(Secret.id)
    ).all()
    told = _backup(tx) | {"refresh_tokens_ended": len(ended)} | _counts(tx)
    return Outcome(told | _good_again(tx), after={"restored": told}, topics=frozenset({EVERYTHING}))


def _backup(tx: Transaction) -> dict[str, Any]:
    """Where the backup ends: its last change and its last record of the token log."""
    change = tx.session.execute(
        select(Change.seq, Change.time, Change.hash).order_by(Change.seq.desc()).limit(1)
    ).one_or_none()
    record = tx.session.scalar(select(func.max(TokenRecord.time)))
    told = None
    if change is not None:
        told = {"seq": change.seq, "time": _time(change.time), "hash": change.hash.hex()}
    return {"change": told, "last_record": None if record is None else _time(record)}


def _time(milliseconds: int) -> str:
    return rfc3339(milliseconds / 1000)


def _counts(tx: Transaction) -> dict[str, int]:
    people = select(func.count()).where(Subject.kind == "user", Subject.enabled.is_(True))
    return {
        "people": tx.session.scalar(people) or 0,
        "grants": tx.session.scalar(select(func.count()).select_from(Grant)) or 0,
    }


def _good_again(tx: Transaction) -> dict[str, list[dict[str, Any]]]:
    live = or_(Secret.expires_at.is_(None), Secret.expires_at > tx.now)
    robots = reads.robot_rows(
        tx.session,
        Subject.enabled.is_(True),
        or_(Robot.expires_at.is_(None), Robot.expires_at > tx.now),
        Subject.id.in_(select(Secret.subject_id).where(Secret.kind == "rob", live)),
    )
    held = keys.read(tx.session)
    return {
        "robots": reads.robots(tx.session, robots),
        "pats": [pats.item(*row) for row in pats.rows(tx.session, live)],
        "keys": [keys.item(row) for row in held if row.life.state is not State.REVOKED],
    }

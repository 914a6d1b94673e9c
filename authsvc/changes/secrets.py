"""Minted secrets of any kind: what ends them for good."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import and_, delete, func, or_, select
from sqlalchemy.orm import Session

from authsvc.db.engine import Database
from authsvc.db.models import Registry, Secret, Subject

from . import subjects
from .unit_of_work import Outcome, Transaction, nothing

KEPT: Final = {"rob": timedelta(days=1), "pat": timedelta(days=30)}
"""How long secrets are shown after their end; a clock that was wrong for a while takes none."""
REFRESH = "ref"  # the kind
AT_ONCE = 500  # rows that one transaction removes: tokens wait for it on SQLite


def end(tx: Transaction, ids: Collection[int], reason: str) -> Outcome[list[int]]:
    """Remove these secrets; the ids of those that were still there."""
    rows = tx.session.execute(
        select(Secret, Subject)
        .join(Subject, Subject.id == Secret.subject_id)
        .where(Secret.id.in_(ids))
        .order_by(Secret.id)
    ).all()
    if not rows:
        return nothing([])
    found = [secret.id for secret, _ in rows]
    before = {"secrets": [_told(secret, owner) for secret, owner in rows]}
    tx.session.execute(delete(Secret).where(Secret.id.in_(found)))
    topics = frozenset(map(topic, found))
    return Outcome(found, before=before, after={"reason": reason}, topics=topics)


def held(session: Session, owner_id: int, kind: str | None = None) -> list[int]:
    """The ids of the secrets of somebody, of one kind or all."""
    theirs = select(Secret.id).where(Secret.subject_id == owner_id)
    if kind is not None:
        theirs = theirs.where(Secret.kind == kind)
    return list(session.scalars(theirs.order_by(Secret.id)))


def end_refresh_tokens(
    tx: Transaction, *, owner: int | None = None, registry: int | None = None
) -> tuple[int, frozenset[str]]:
    """End all refresh tokens of a person, or at a registry, by its row.

    How many those were, and what is to be forgotten.
    """
    where = Secret.subject_id == owner if owner is not None else Secret.registry_id == registry
    ended = delete(Secret).where(Secret.kind == REFRESH, where).returning(Secret.id)
    found = tx.session.scalars(ended).all()
    return len(found), frozenset(map(topic, found))


def refresh_tokens_at(session: Session, registry: str) -> int:
    """How many refresh tokens there are for the registry of that name."""
    query = select(func.count()).select_from(Secret).join(Registry)
    return session.scalar(query.where(Secret.kind == REFRESH, Registry.name == registry)) or 0


def forget_ended(database: Database, now: datetime) -> None:
    """Remove secrets of robots and personal ones that have ended long ago.

    Bookkeeping that alters no decision; a job that one process of all runs. Raises Unavailable.
    """
    ended = or_(*(and_(Secret.kind == k, Secret.expires_at < now - KEPT[k]) for k in KEPT))
    some = select(Secret.id).where(ended).order_by(Secret.id).limit(AT_ONCE)
    while True:
        with database.write() as session:
            gone = session.scalars(
                delete(Secret).where(Secret.id.in_(some)).returning(Secret.id)
            ).all()
        if len(gone) < AT_ONCE:
            return


def topic(secret: int) -> str:
    """The topic that makes every worker forget that a secret was right."""
    return f"secret:{secret}"


def _told(secret: Secret, owner: Subject) -> dict[str, Any]:
    """A secret as records name it."""
    return {"id": secret.id, "kind": secret.kind, "of": subjects.text_of(owner)}

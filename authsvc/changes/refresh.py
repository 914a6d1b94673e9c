"""Refresh tokens: given for a password that was shown, bound to a person and a registry.

They do not rotate (contract section 4), so each is given once and ends in one of many ways; one
that has ended is gone for good.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import and_, delete, func, or_, select
from sqlalchemy.orm import Session

from authsvc.audit.records import Event
from authsvc.db.engine import Database
from authsvc.db.models import Password, Registry, Secret, Subject
from authsvc.identity.stored import principal_of
from authsvc.principal import LOCAL, Kind, Principal

from . import people, subjects
from .secrets import REFRESH as KIND
from .secrets import topic
from .unit_of_work import Outcome, Transaction, joined, nothing
from .when import print_time

KEPT = timedelta(days=1)  # beyond its end: a clock that was wrong for a while takes none away


@dataclass(frozen=True, slots=True)
class Asked:
    """A refresh token that somebody asked for.

    `password` stands for the password that they showed, `digest` for the token.
    """

    who: Principal
    registry: str
    password: str = field(repr=False)
    digest: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Seen:
    """A refresh token as its owner and administrators may see it."""

    registry: str
    made: datetime
    used: datetime


class _Held(NamedTuple):
    secret: Secret
    owner: Subject
    registry: Registry


def issue(tx: Transaction, asked: Asked, *, most: int) -> Outcome[int | None]:
    """The row of a new refresh token, None when it may not be given any more.

    That the registry gives them, and that the person and their password are as they were, is
    looked at within the transaction, since disabling, a new password and switching off end all
    there are. Of more than `most` for one person and registry the oldest go. One that makes none
    go and no person known is bookkeeping, without a record: the record of its request names it.
    """
    giving = and_(Registry.name == asked.registry, Registry.enabled, Registry.refresh_tokens)
    registry = tx.session.scalar(select(Registry).where(giving))
    if registry is None:
        return nothing(None)
    known = _local(tx, asked) if asked.who.source == LOCAL else people.bound(tx, asked.who)
    if known.value is None:
        return nothing(None)
    made = Secret(
        kind=KIND, digest=asked.digest, subject_id=known.value.id, registry_id=registry.id,
        created_at=tx.now, password=asked.password,
    )  # fmt: skip
    gone = _oldest_go(tx, known.value, registry, most)
    tx.session.add(made)
    tx.session.flush()
    return joined(made.id, Event.ADMIN, (known, gone))


def revoke(tx: Transaction, digest: bytes) -> Outcome[bool]:
    """End a refresh token for good; False when there is none, or none that the actor may end.

    Its owner may, and an administrator.
    """
    held = _held(tx.session, digest)
    if held is None or not _is_theirs(tx, held.owner):
        return nothing(False)
    before = {"refresh_token": _item(*held)}
    topics = frozenset({topic(held.secret.id)})
    tx.session.delete(held.secret)
    return Outcome(True, before=before, topics=topics)


def seen(tx: Transaction, digest: bytes) -> Seen | None:
    """A refresh token of the actor's own, for an administrator anybody's; else None.

    None too while its registry is disabled, since it is good for nothing then.
    """
    held = _held(tx.session, digest)
    if held is None or not held.registry.enabled or not _is_theirs(tx, held.owner):
        return None
    secret = held.secret
    used = secret.last_used_at or secret.created_at
    return Seen(held.registry.name, secret.created_at, used)


def forget_ended(database: Database, now: datetime, *, max_age: float, idle: float) -> None:
    """Remove those that ended by age or idleness, both in seconds, more than KEPT ago."""
    made, used = (now - KEPT - timedelta(seconds=life) for life in (max_age, idle))
    last = func.coalesce(Secret.last_used_at, Secret.created_at)
    with database.write() as session:
        session.execute(
            delete(Secret).where(Secret.kind == KIND, or_(Secret.created_at < made, last < used))
        )


def _local(tx: Transaction, asked: Asked) -> Outcome[Subject | None]:
    """The row of a person of the database, when nothing has changed about them since."""
    row = subjects.find(tx.session, Kind.USER, LOCAL, asked.who.name)
    stored = None if row is None else tx.session.get(Password, row.id)
    if row is None or stored is None or str(row.id) != asked.who.id or not row.enabled:
        return nothing(None)
    return nothing(row if stored.changed_at.isoformat() == asked.password else None)


def _oldest_go(tx: Transaction, owner: Subject, registry: Registry, most: int) -> Outcome[None]:
    """Make room for one more."""
    theirs = and_(
        Secret.kind == KIND, Secret.subject_id == owner.id, Secret.registry_id == registry.id
    )
    newest_first = select(Secret).where(theirs).order_by(Secret.created_at.desc(), Secret.id.desc())
    gone = tx.session.scalars(newest_first.offset(most - 1)).all()
    before = [_item(each, owner, registry) for each in gone]
    topics = frozenset(topic(each.id) for each in gone)
    for each in gone:
        tx.session.delete(each)
    return Outcome(None, before={"refresh_tokens": before}, topics=topics)


def _held(session: Session, digest: bytes) -> _Held | None:
    query = (
        select(Secret, Subject, Registry)
        .join(Subject, Subject.id == Secret.subject_id)
        .join(Registry, Registry.id == Secret.registry_id)
        .where(Secret.kind == KIND, Secret.digest == digest)
    )
    row = session.execute(query).one_or_none()
    return None if row is None else _Held(*row)


def _is_theirs(tx: Transaction, owner: Subject) -> bool:
    """Whether the actor is the owner, or an administrator as of now."""
    who = tx.actor.principal
    return tx.rights.admin or (who is not None and who.identity == principal_of(owner).identity)


def _item(secret: Secret, owner: Subject, registry: Registry) -> dict[str, Any]:
    return {
        "id": secret.id,
        "user": subjects.text_of(owner),
        "registry": registry.name,
        "created_at": print_time(secret.created_at),
        "last_used_at": print_time(secret.last_used_at),
    }

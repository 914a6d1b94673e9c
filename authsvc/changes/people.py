"""Who an entry of a directory is here: by its stable identity, whatever it is called now.

A grant may name somebody who was not seen yet; whoever first signs in under that name is bound to
it. From then on the identity counts (design.md section 6): who is called something else now keeps
what was granted, and who is called as another was starts with nothing.
"""

from itertools import count
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from authsvc.db.models import Grant, Membership, Subject
from authsvc.principal import Principal

from . import grants, reads, subjects
from .unit_of_work import Outcome, Transaction, nothing

ROOM = 200  # characters of the name in a retired one


def is_settled(session: Session, who: Principal) -> bool:
    """Whether the rows of people are in line with this entry already, as they nearly always are."""
    own, named = _rows(session, who)
    return named is None if own is None else own is named


def settle(tx: Transaction, who: Principal) -> Outcome[None]:
    """Bring the rows of people in line with an entry that has just signed in.

    A row that has its name goes: one that nobody had yet becomes the entry's, one of another
    entry keeps what it has under a retired name.
    """
    own, named = _rows(tx.session, who)
    rows = [row for row in {own, named} if row is not None]
    before, topics = [item(row) for row in rows], _topics(rows)
    if is_settled(tx.session, who):
        return nothing(None)  # another worker was quicker
    if named is not None and named is not own:
        own = _give_way(tx, named, own)
    if own is not None:
        _call(tx, own, who.name)
        own.external_id, own.retired = who.id, False
    tx.session.flush()
    left = [row for row in rows if row in tx.session]
    after = {"users": [item(row) for row in left]}
    return Outcome(None, before={"users": before}, after=after, topics=topics | _topics(left))


def bound(tx: Transaction, who: Principal) -> Outcome[Subject]:
    """The row of a person of another source, bound to who they are there; made when need be."""
    settled = settle(tx, who)
    row, _ = _rows(tx.session, who)
    if row is not None:
        return Outcome(row, before=settled.before, after=settled.after, topics=settled.topics)
    row = subjects.made(tx, "user", who.source, who.name)
    row.external_id = who.id
    return Outcome(row, after={"users": [item(row)]}, topics=_topics([row]))


def _rows(session: Session, who: Principal) -> tuple[Subject | None, Subject | None]:
    """The row of the identity, and the row of the name: the same one, others, or none."""
    rows = session.scalars(
        select(Subject).where(
            Subject.kind == "user",
            Subject.source == who.source,
            or_(Subject.name == who.name, Subject.external_id == who.id),
        )
    ).all()
    own = next((row for row in rows if row.external_id == who.id), None)
    return own, next((row for row in rows if row.name == who.name), None)


def _give_way(tx: Transaction, named: Subject, own: Subject | None) -> Subject | None:
    """Free the name; the row that the entry has after that."""
    if named.external_id is not None:
        named.retired = True
        _call(tx, named, _retired_name(tx.session, named))
        return own
    if own is None:
        return named
    _move(tx.session, named, own)
    return own


def _retired_name(session: Session, row: Subject) -> str:
    """A name that nobody has, which says whose it was."""
    names = (f"{row.name[:ROOM]} (retired {number})" for number in count(row.id))
    return next(
        name for name in names if subjects.find(session, row.kind, row.source, name) is None
    )


def _move(session: Session, named: Subject, own: Subject) -> None:
    """Give the entry what was granted to its new name before it had that name."""
    for grant in session.scalars(select(Grant).where(Grant.subject_id == named.id)):
        grant.subject_id = own.id
    for held in session.scalars(select(Membership).where(Membership.member_id == named.id)):
        if session.get(Membership, (held.group_id, own.id)) is None:
            session.add(Membership(group_id=held.group_id, member_id=own.id))
    session.flush()
    session.delete(named)
    session.flush()


def _call(tx: Transaction, row: Subject, name: str) -> None:
    """Give a row its name; grants are known by all they say, the name of their subject included."""
    row.name, row.changed_in = name, tx.version
    tx.session.flush()
    grants.told_anew(tx.session, row)


def item(row: Subject) -> dict[str, Any]:
    """A person of a directory as records hold them: with who they are there."""
    return {**reads.user(row), "external_id": row.external_id, "retired": row.retired}


def _topics(rows: list[Subject]) -> frozenset[str]:
    names = frozenset(subjects.topic_of_name(row.name) for row in rows)
    return names | subjects.topics(rows)

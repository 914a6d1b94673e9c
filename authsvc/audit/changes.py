"""Records of edits: one chain for the whole installation, and the change feed at once.

The record is written in the edit's own transaction. Who locks the head first edits alone, so the
numbers have no holes and rise in the order of the commits.
"""

from collections.abc import Iterable

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from authsvc.db.models import Change, ChangeHead

from .chain import link
from .records import Record, print_body, time_ms

WRITER = "changes"


def lock_head(session: Session) -> int:
    """Lock the head until the end of the transaction; the number that the next change will have.

    On SQLite a writing transaction is alone from its beginning, so there is nothing to lock.
    """
    return session.scalars(select(ChangeHead.seq).with_for_update()).one() + 1


def head(session: Session) -> int:
    """The number of the last change."""
    return session.scalars(select(ChangeHead.seq)).one()


def was_changed(session: Session, since: int) -> bool:
    """Whether there was a change of that number or later; records of refused ones are none."""
    topics = session.scalars(select(Change.topics).where(Change.seq >= since))
    return any(topics)


def append(session: Session, version: int, record: Record, topics: Iterable[str]) -> None:
    """Write the record of change `version` with the topics that every process must forget.

    `version` is what `lock_head` gave in this transaction.
    """
    head = session.scalars(select(ChangeHead)).one()
    if head.seq != version - 1:
        raise RuntimeError(f"change {version} does not follow change {head.seq}")
    body = print_body(record)
    linked = link(head.hash, WRITER, version, body)
    session.add(
        Change(
            seq=version,
            writer=WRITER,
            id=record_id(WRITER, version),
            time=time_ms(record),
            topics=sorted(set(topics)),
            body=body,
            prev=head.hash,
            hash=linked,
        )
    )
    session.flush()
    session.execute(update(ChangeHead).values(seq=version, hash=linked))


def record_id(writer: str, seq: int) -> str:
    """The member `id` of a record: its place, in one word."""
    return f"{writer}-{seq}"

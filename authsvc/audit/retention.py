"""How long records are kept: whole checkpointed ranges go, the oldest first, and leave the proof.

A checkpoint says first, signed, up to which number ranges may be removed. Then their records go in
small transactions, each writer's oldest first, so that what is left of a chain is its end; then
those checkpoints that prove nothing any more. Killed in between, the next round goes on.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    String,
    bindparam,
    delete,
    func,
    select,
    text,
)
from sqlalchemy.orm import InstrumentedAttribute, Session

from authsvc.clock import Clock
from authsvc.db.engine import Database
from authsvc.db.models import ChainProof, Change, Checkpoint, TokenRecord

from .changes import head as last_change
from .proofs import Head, Statement, parse_body
from .rows import table_of

AT_ONCE = 500  # records that one transaction removes: a few milliseconds
CHECKPOINTS = 200  # checkpoints that are looked at, and removed, at once
# Edits are news too: plans, lists of limits and the leave of a registry look back at them. They
# are few, so they stay for a day whatever room there is.
EDITS_STAY = 86_400.0  # seconds

_REMOVED = text(
    "INSERT INTO chain_proofs (writer, seq, number, removed_by)"
    " VALUES (:writer, :seq, :number, :number)"
    " ON CONFLICT (writer) DO UPDATE SET removed_by = excluded.removed_by"
    " WHERE chain_proofs.removed_by < excluded.removed_by"
).bindparams(
    bindparam("writer", type_=String()),
    bindparam("seq", type_=BigInteger()),
    bindparam("number", type_=BigInteger()),
)


@dataclass(frozen=True, slots=True)
class Keep:
    """What is kept: `seconds` of records, and of these at most `size` bytes; None = any."""

    seconds: float
    size: int | None = None


def statement_of(row: Checkpoint) -> Statement:
    """What a checkpoint says; raises ValueError for a body that is none."""
    return parse_body(bytes(row.body))


def due(session: Session, removed: int, now_ms: int, keep: Keep) -> int:
    """Up to which checkpoint ranges may go now; `removed` is where that is so far.

    The first checkpoint that must stay ends it, so that one made by a clock that was behind takes
    nothing along; one whose time is yet to come stays, since the clock may be behind now.
    """
    upto = max(removed, _too_old(session, removed, now_ms, keep.seconds))
    if keep.size is not None:
        upto = max(upto, _too_much(session, removed, keep.size))
    return upto if _records(session, upto) > _records(session, removed) else removed


def _too_old(session: Session, removed: int, now_ms: int, seconds: float) -> int:
    """The last checkpoint before the first one that must stay."""
    begin = now_ms - int(seconds * 1000)
    first = _first(session, removed, Checkpoint.time >= begin)
    return _last(session) if first is None else first - 1


def _too_much(session: Session, removed: int, most: int) -> int:
    """The first checkpoint after whose range no more than `most` bytes are left."""
    everything = session.scalar(_at(Checkpoint.size, _last(session))) or 0
    first = _first(session, removed, Checkpoint.size >= everything - most)
    begun = session.scalar(_at(Checkpoint.size, removed)) or 0
    return removed if first is None or everything - begun <= most else first


def _first(session: Session, after: int, where: ColumnElement[bool]) -> int | None:
    query = select(Checkpoint.number).where(Checkpoint.number > after, where)
    return session.scalar(query.order_by(Checkpoint.number).limit(1))


def _last(session: Session) -> int:
    return session.scalar(select(func.max(Checkpoint.number))) or 0


def _records(session: Session, number: int) -> int:
    return session.scalar(_at(Checkpoint.records, number)) or 0


def _at(column: InstrumentedAttribute[int], number: int) -> Select[int]:
    return select(column).where(Checkpoint.number == number)


def kept(session: Session) -> int:
    """How many bytes the covered records that were not removed take."""
    last = session.scalars(select(Checkpoint).order_by(Checkpoint.number.desc()).limit(1)).first()
    if last is None:
        return 0
    return last.size - (session.scalar(_at(Checkpoint.size, statement_of(last).removed)) or 0)


def remove(database: Database, clock: Clock, upto: int) -> int:
    """Remove the ranges of all checkpoints up to this number; how many records went.

    To be called when a checkpoint that says so is durable. Raises Unavailable; what was done
    until then is done.
    """
    gone = 0
    while statements := _left(database, upto):
        for statement in statements:
            gone += sum(_remove_range(database, clock, head) for head in statement.heads)
        _settle(database, statements)
    return gone


def _left(database: Database, upto: int) -> list[Statement]:
    """The next checkpoints whose ranges are not removed yet; those without heads have none."""
    with database.read() as session:
        after = session.scalar(select(func.max(ChainProof.removed_by))) or 0
        while found := _page(session, after, upto):
            if any(each.heads for each in found):
                return found
            after = found[-1].number
    return []


def _page(session: Session, after: int, upto: int) -> list[Statement]:
    query = select(Checkpoint).where(Checkpoint.number > after, Checkpoint.number <= upto)
    rows = session.scalars(query.order_by(Checkpoint.number).limit(CHECKPOINTS))
    return [statement_of(row) for row in rows]


def _remove_range(database: Database, clock: Clock, head: Head) -> int:
    """Remove what a chain has up to a head, in small transactions from its beginning on."""
    table = table_of(head.writer)
    mine = table.writer == head.writer
    with database.read() as session:
        first = session.scalar(select(func.min(table.seq)).where(mine))
        end = head.seq if table is TokenRecord else _edits_end(session, clock, head.seq)
    if first is None:
        return 0
    gone = 0
    for begin in range(first, end + 1, AT_ONCE):
        upto = min(begin + AT_ONCE - 1, end)
        with database.write() as session:
            gone += (
                session.connection().execute(delete(table).where(mine, table.seq <= upto)).rowcount
            )
    return gone


def _edits_end(session: Session, clock: Clock, seq: int) -> int:
    """The last edit that may go: none after one of the last day, and never the newest of all.

    The newest one is what a worker that heard everything goes on from (db/feed).
    """
    young = Change.time >= int((clock.now() - EDITS_STAY) * 1000)
    stays = session.scalar(select(func.min(Change.seq)).where(young)) or last_change(session)
    return min(seq, stays - 1, last_change(session) - 1)


def _settle(database: Database, done: Sequence[Statement]) -> None:
    """Note what was removed, and remove the checkpoints that no chain's beginning needs."""
    marks = {
        head.writer: {"writer": head.writer, "seq": head.seq, "number": each.number}
        for each in done
        for head in each.heads
    }
    with database.write() as session:
        session.execute(_REMOVED, list(marks.values()))
        needed = select(ChainProof.removed_by).distinct()
        useless = (Checkpoint.number < done[-1].number) & Checkpoint.number.not_in(needed)
        session.connection().execute(delete(Checkpoint).where(useless))

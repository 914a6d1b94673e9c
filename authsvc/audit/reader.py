"""Reading records back: token records and edits as one list, in the order (time, writer, seq)."""

import heapq
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from sqlalchemy import Row, Select, and_, func, or_, select
from sqlalchemy.orm import Session

from authsvc.db.models import Change, TokenRecord

from .changes import record_id
from .records import MEMBERS, Event, Outcome

PAGE = 500  # rows read at once
EXPORT_PAGE = 2_000
EXAMINED = 20_000  # rows that are looked at for one page, at about 10 µs each

_Table = type[Change] | type[TokenRecord]
Place = tuple[int, str, int]  # time in milliseconds, writer, seq
_Row = Row[int, str, int, bytes, bytes, bytes]


@dataclass(frozen=True, slots=True)
class Filter:
    """Which records are meant; None = any. `since` is wall clock seconds."""

    event: Event | None = None
    outcome: Outcome | None = None
    since: float | None = None

    def admits(self, record: dict[str, Any]) -> bool:
        """Whether a record is of the event and outcome; the time was looked at before."""
        return (self.event is None or record["event"] == self.event) and (
            self.outcome is None or record["outcome"] == self.outcome
        )


ANY = Filter()


def records(session: Session, *, limit: int, wanted: Filter = ANY) -> list[dict[str, Any]]:
    """The newest records, at most `limit`, the newest last, with all members of the contract."""
    rows = map(_record, _newest(session, wanted, None))
    return list(islice(filter(wanted.admits, rows), limit))[::-1]


def page(
    session: Session, *, limit: int, wanted: Filter = ANY, before: Place | None = None
) -> tuple[list[dict[str, Any]], Place | None]:
    """Records before a place, at most `limit`, the newest first; and the place to go on before.

    After EXAMINED rows a page ends, however few of them were wanted. No place: there are no more.
    """
    found: list[dict[str, Any]] = []
    for number, row in enumerate(_newest(session, wanted, before), start=1):
        record = _record(row)
        if wanted.admits(record):
            found.append(record)
        if len(found) == limit or number == EXAMINED:
            return found, _place(row)
    return found, None


def _newest(session: Session, wanted: Filter, before: Place | None) -> Iterator[_Row]:
    tables = (_backwards(session, table, wanted, before) for table in _tables(wanted))
    return heapq.merge(*tables, key=_place, reverse=True)


def concerning(
    session: Session, identity: str, *, limit: int, before: Place | None = None
) -> list[tuple[Place, dict[str, Any]]]:
    """Records of tokens that gave somebody less than they asked for, the newest first."""
    query = _columns(TokenRecord, ANY).where(TokenRecord.subject == identity)
    if before is not None:
        query = query.where(_before(TokenRecord, before))
    newest = (TokenRecord.time.desc(), TokenRecord.writer.desc(), TokenRecord.seq.desc())
    rows = session.execute(query.order_by(*newest).limit(limit))
    return [(_place(row), _record(row)) for row in rows]


def count_concerning(session: Session, identity: str) -> int:
    """How many records `concerning` has in all."""
    mine = select(func.count()).select_from(TokenRecord).where(TokenRecord.subject == identity)
    return session.scalar(mine) or 0


def export(session: Session, *, wanted: Filter = ANY) -> Iterator[dict[str, Any]]:
    """All records as of the transaction of `session`, the oldest first.

    One transaction sees one state, so writing may go on: nothing is left out or given twice, and
    of each writer there are the numbers up to some last one.
    """
    rows = heapq.merge(
        *(_forwards(session, table, wanted) for table in _tables(wanted)), key=_place
    )
    return filter(wanted.admits, map(_record, rows))


def decision(session: Session, jti: str) -> dict[str, Any] | None:
    """The record of the token with that `jti`, None when there is none (any more)."""
    query = _columns(TokenRecord, ANY).where(TokenRecord.decision_id == jti)
    row = session.execute(query).first()
    return None if row is None else _record(row)


def _tables(wanted: Filter) -> tuple[_Table, ...]:
    """Where records of an event can be: edits are few, and need not be looked for among tokens."""
    if wanted.event in (Event.POLICY, Event.KEY):
        return (Change,)
    if wanted.event in (Event.TOKEN, Event.LOGIN):
        return (TokenRecord,)
    return (Change, TokenRecord)


def _place(row: _Row) -> Place:
    return row[0], row[1], row[2]


def _record(row: _Row) -> dict[str, Any]:
    _, writer, seq, body, prev, linked = row
    members = json.loads(body)
    members |= {
        "id": record_id(writer, seq),
        "writer": writer,
        "seq": seq,
        "prev": prev.hex(),
        "hash": linked.hex(),
    }
    return {name: members.get(name) for name in MEMBERS}


def _columns(table: _Table, wanted: Filter) -> Select[int, str, int, bytes, bytes, bytes]:
    query = select(table.time, table.writer, table.seq, table.body, table.prev, table.hash)
    return query if wanted.since is None else query.where(table.time >= int(wanted.since * 1000))


def _backwards(
    session: Session, table: _Table, wanted: Filter, before: Place | None
) -> Iterator[_Row]:
    query = _columns(table, wanted).order_by(
        table.time.desc(), table.writer.desc(), table.seq.desc()
    )
    if before is not None:
        query = query.where(_before(table, before))
    return _pages(session, query.limit(PAGE), lambda last: _before(table, last))


def _forwards(session: Session, table: _Table, wanted: Filter) -> Iterator[_Row]:
    query = _columns(table, wanted).order_by(table.time, table.writer, table.seq)
    return _pages(session, query.limit(EXPORT_PAGE), lambda last: _after(table, last))


def _pages(
    session: Session,
    query: Select[int, str, int, bytes, bytes, bytes],
    beyond: Callable[[Place], Any],
) -> Iterator[_Row]:
    """Rows page by page, each found by the place of the last row, never by counting."""
    page: Iterable[_Row] = session.execute(query).all()
    while page:
        last = None
        for last in page:
            yield last
        page = () if last is None else session.execute(query.where(beyond(_place(last)))).all()


# The bound on `time` alone comes first, since that is what the index is on.


def _after(table: _Table, place: Place) -> Any:
    time, writer, seq = place
    later = or_(table.writer > writer, and_(table.writer == writer, table.seq > seq))
    return and_(table.time >= time, or_(table.time > time, later))


def _before(table: _Table, place: Place) -> Any:
    time, writer, seq = place
    earlier = or_(table.writer < writer, and_(table.writer == writer, table.seq < seq))
    return and_(table.time <= time, or_(table.time < time, earlier))

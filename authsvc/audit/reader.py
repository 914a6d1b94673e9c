"""Reading records back: token records and edits as one list, in the order (time, writer, seq)."""

import heapq
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from sqlalchemy import Row, Select, and_, or_, select
from sqlalchemy.orm import Session

from authsvc.db.models import Change, TokenRecord

from .changes import record_id
from .records import MEMBERS, Event, Outcome

PAGE = 500  # rows read at once
EXPORT_PAGE = 2_000

_Table = type[Change] | type[TokenRecord]
_Place = tuple[int, str, int]  # time, writer, seq
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
    rows = heapq.merge(
        _backwards(session, Change, wanted),
        _backwards(session, TokenRecord, wanted),
        key=_place,
        reverse=True,
    )
    return list(islice(filter(wanted.admits, map(_record, rows)), limit))[::-1]


def export(session: Session, *, wanted: Filter = ANY) -> Iterator[dict[str, Any]]:
    """All records as of the transaction of `session`, the oldest first.

    One transaction sees one state, so writing may go on: nothing is left out or given twice, and
    of each writer there are the numbers up to some last one.
    """
    rows = heapq.merge(
        _forwards(session, Change, wanted), _forwards(session, TokenRecord, wanted), key=_place
    )
    return filter(wanted.admits, map(_record, rows))


def _place(row: _Row) -> _Place:
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


def _backwards(session: Session, table: _Table, wanted: Filter) -> Iterator[_Row]:
    query = _columns(table, wanted).order_by(
        table.time.desc(), table.writer.desc(), table.seq.desc()
    )
    return _pages(session, query.limit(PAGE), lambda last: _before(table, last))


def _forwards(session: Session, table: _Table, wanted: Filter) -> Iterator[_Row]:
    query = _columns(table, wanted).order_by(table.time, table.writer, table.seq)
    return _pages(session, query.limit(EXPORT_PAGE), lambda last: _after(table, last))


def _pages(
    session: Session,
    query: Select[int, str, int, bytes, bytes, bytes],
    beyond: Callable[[_Place], Any],
) -> Iterator[_Row]:
    """Rows page by page, each found by the place of the last row, never by counting."""
    page: Iterable[_Row] = session.execute(query).all()
    while page:
        last = None
        for last in page:
            yield last
        page = () if last is None else session.execute(query.where(beyond(_place(last)))).all()


# The bound on `time` alone comes first, since that is what the index is on.


def _after(table: _Table, place: _Place) -> Any:
    time, writer, seq = place
    later = or_(table.writer > writer, and_(table.writer == writer, table.seq > seq))
    return and_(table.time >= time, or_(table.time > time, later))


def _before(table: _Table, place: _Place) -> Any:
    time, writer, seq = place
    earlier = or_(table.writer < writer, and_(table.writer == writer, table.seq < seq))
    return and_(table.time <= time, or_(table.time < time, earlier))

"""Stored records as rows of either table, and their order: (time, writer, seq)."""

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from sqlalchemy import Row, Select, and_, or_, select
from sqlalchemy.orm import Session

from authsvc.db.models import Change, TokenRecord

from .changes import WRITER, record_id
from .records import MEMBERS

PAGE = 500  # rows read at once

Table = type[Change] | type[TokenRecord]
Place = tuple[int, str, int]
"""Time in milliseconds, writer, seq."""
Stored = Row[int, str, int, bytes, bytes, bytes]
"""A place, and then body, prev and hash."""
Query = Select[int, str, int, bytes, bytes, bytes]


def table_of(writer: str) -> Table:
    """Where the records of a writer are."""
    return Change if writer == WRITER else TokenRecord


def columns(table: Table) -> Query:
    """Select `Stored` rows."""
    return select(table.time, table.writer, table.seq, table.body, table.prev, table.hash)


def place(row: Stored | Place) -> Place:
    """Where a row stands in the order of all."""
    return row[0], row[1], row[2]


def record(row: Stored) -> dict[str, Any]:
    """A row as a record, with all members of contract section 7 in their order."""
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


def backwards(table: Table, query: Query) -> Query:
    """The newest rows first."""
    return query.order_by(table.time.desc(), table.writer.desc(), table.seq.desc())


def forwards(table: Table, query: Query) -> Query:
    """The oldest rows first."""
    return query.order_by(table.time, table.writer, table.seq)


def paged(session: Session, query: Query, beyond: Callable[[Place], Any]) -> Iterator[Stored]:
    """Rows page by page, each found by the place of the last row, never by counting."""
    page: Iterable[Stored] = session.execute(query).all()
    while page:
        last = None
        for last in page:
            yield last
        page = () if last is None else session.execute(query.where(beyond(place(last)))).all()


# The bound on `time` alone comes first, since that is what the index is on.


def later(table: Table, there: Place) -> Any:
    """The condition that a row comes later than a place."""
    time, writer, seq = there
    next_ = or_(table.writer > writer, and_(table.writer == writer, table.seq > seq))
    return and_(table.time >= time, or_(table.time > time, next_))


def earlier(table: Table, there: Place) -> Any:
    """The condition that a row comes earlier than a place."""
    time, writer, seq = there
    previous = or_(table.writer < writer, and_(table.writer == writer, table.seq < seq))
    return and_(table.time <= time, or_(table.time < time, previous))

"""Reading records back: token records and edits as one list, the newest first or last."""

import heapq
import time
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, TypeGuard

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from authsvc.db.models import Change, TokenRecord

from .filters import ANY, Filter, Needles, View
from .needles import holds
from .records import Event
from .rows import (
    PAGE,
    Place,
    Query,
    Stored,
    Table,
    backwards,
    columns,
    earlier,
    paged,
    place,
    record,
)

SLICE = 20_000  # rows that the database looks through at once, at about 1 µs each
PATIENCE = 0.3  # seconds of looking for one page

Monotonic = Callable[[], float]
_Shown = dict[str, Any]


def records(session: Session, *, limit: int, wanted: Filter = ANY) -> list[_Shown]:
    """The newest records, at most `limit`, the newest last, with all members of the contract."""
    rows = (record(row) for row in _newest(session, wanted, None, ALL) if _is_row(row))
    return list(islice(filter(wanted.admits, rows), limit))[::-1]


ALL = View(lambda found: found)


def page(
    session: Session,
    *,
    limit: int,
    wanted: Filter = ANY,
    before: Place | None = None,
    view: View = ALL,
    clock: Monotonic = time.monotonic,
) -> tuple[list[_Shown], Place | None]:
    """Records before a place, at most `limit`, the newest first; and the place to go on before.

    A page that was looked for during PATIENCE ends, however few were found: its end tells no more
    of what was skipped than the time that it took. No place: there are no more.
    """
    found: list[_Shown] = []
    ends = clock() + PATIENCE
    for row in _newest(session, wanted, before, view):
        shown = view.shown(record(row)) if _is_row(row) else None
        if shown is not None and wanted.admits(shown):
            found.append(shown)
        if len(found) == limit or clock() > ends:
            return found, place(row)
    return found, None


def concerning(
    session: Session, identity: str, *, limit: int, before: Place | None = None
) -> list[tuple[Place, _Shown]]:
    """Records of tokens that gave somebody less than they asked for, the newest first."""
    query = columns(TokenRecord).where(TokenRecord.subject == identity)
    if before is not None:
        query = query.where(earlier(TokenRecord, before))
    rows = session.execute(backwards(TokenRecord, query).limit(limit))
    return [(place(row), record(row)) for row in rows]


def count_concerning(session: Session, identity: str) -> int:
    """How many records `concerning` has in all."""
    mine = select(func.count()).select_from(TokenRecord).where(TokenRecord.subject == identity)
    return session.scalar(mine) or 0


def decision(session: Session, jti: str) -> _Shown | None:
    """The record of the token with that `jti`, None when there is none (any more)."""
    row = session.execute(columns(TokenRecord).where(TokenRecord.decision_id == jti)).first()
    return None if row is None else record(row)


def _newest(
    session: Session, wanted: Filter, there: Place | None, view: View
) -> Iterator[Stored | Place]:
    """Rows that may be wanted, the newest first, and between them places where looking has come to.

    Every place comes after all rows that are not older than it.
    """
    found = (
        _looked_through(session, table, wanted, there, _groups(wanted, view))
        for table in tables(wanted)
    )
    return heapq.merge(*found, key=place, reverse=True)


def _is_row(found: Stored | Place) -> TypeGuard[Stored]:
    return len(found) > len(("time", "writer", "seq"))


def tables(wanted: Filter) -> tuple[Table, ...]:
    """Where records of an event can be: edits are few, and need not be looked for among tokens."""
    if wanted.event in (Event.POLICY, Event.KEY):
        return (Change,)
    if wanted.event in (Event.TOKEN, Event.LOGIN) or wanted.decision is not None:
        return (TokenRecord,)
    return (Change, TokenRecord)


def _groups(wanted: Filter, view: View) -> tuple[Needles, ...]:
    """What rows must hold. What a view leaves of a record may be what the record does not say."""
    if view is ALL:
        return wanted.needles()
    return (view.needles,) if view.needles else ()


def _looked_through(
    session: Session, table: Table, wanted: Filter, there: Place | None,
    groups: tuple[Needles, ...],
) -> Iterator[Stored | Place]:  # fmt: skip
    """Slice by slice, each as long as SLICE rows take in time, so that no statement takes long."""
    query = backwards(table, in_time(table, columns(table), wanted)).limit(PAGE)
    if there is not None:
        query = query.where(earlier(table, there))
    if table is TokenRecord and wanted.decision is not None:
        query = query.where(TokenRecord.decision_id == wanted.decision)
    elif groups:
        for group in groups:
            query = query.where(or_(*(holds(table.body, text) for text in group)))
        yield from _sliced(session, table, query, in_time(table, select(table.time), wanted), there)
        return
    yield from paged(session, query, lambda last: earlier(table, last))


def _sliced(
    session: Session, table: Table, query: Query, times: Any, there: Place | None
) -> Iterator[Stored | Place]:
    top = None if there is None else there[0] - (not there[1])  # that time is done with, after it
    times = times.order_by(table.time.desc()).offset(SLICE).limit(1)
    while True:
        floor = session.scalar(times if top is None else times.where(table.time <= top))
        part = query if top is None else query.where(table.time <= top)
        part = part if floor is None else part.where(table.time >= floor)
        yield from paged(session, part, lambda last: earlier(table, last))
        if floor is None:
            return
        yield floor, "", 0  # no writer is called so: it comes after all rows of that time
        top = floor - 1


def in_time(table: Table, query: Any, wanted: Filter) -> Any:
    """The same query, but for the time that is meant."""
    if wanted.since is not None:
        query = query.where(table.time >= int(wanted.since * 1000))
    if wanted.until is not None:
        query = query.where(table.time < int(wanted.until * 1000))
    return query

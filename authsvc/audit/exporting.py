"""All records of a time, the oldest first, each held against the chain before it is given."""

import heapq
from collections.abc import Iterator
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from authsvc.db.models import AuditKey, Change, Checkpoint, TokenRecord
from authsvc.errors import Conflict

from .chain import ZERO, link
from .changes import record_id
from .filters import ANY, Filter
from .reader import in_time
from .rows import Stored, Table, columns, forwards, later, paged, place, record, table_of

AT_ONCE = 2_000  # rows read at once
REMEMBERED = 4_096  # hashes of the last records, of all writers


class Broken(Conflict):
    """A record that is not what was written, or has lost the one before it."""

    def __init__(self, writer: str, seq: int, reason: str) -> None:
        super().__init__(
            f"record {record_id(writer, seq)} {reason}: the records before it were written out",
            advice="see `authsvc audit verify`",
        )


def export(session: Session, *, wanted: Filter = ANY) -> Iterator[dict[str, Any]]:
    """All records as of the transaction of `session`, the oldest first.

    One transaction sees one state, so writing may go on: nothing is left out or given twice, and
    of each writer there are the numbers up to some last one. All records of the time that is meant
    are held against the chain, those that are not wanted too. Raises Broken at the first that is
    not as it was written, or whose predecessor is not the one that it names or is missing. Where
    the oldest records of a writer are gone, the rest begins: that this was retention, and that
    nothing is missing at the end, is for checkpoints to say.
    """
    both: tuple[Table, ...] = (Change, TokenRecord)
    streams = (_stream(session, table, wanted) for table in both)
    chains = _Chains(session)
    for row in heapq.merge(*streams, key=place):
        chains.check(row)
        found = record(row)
        if wanted.admits(found):
            yield found


def _stream(session: Session, table: Table, wanted: Filter) -> Iterator[Stored]:
    query = forwards(table, in_time(table, columns(table), wanted)).limit(AT_ONCE)
    return paged(session, query, lambda last: later(table, last))


class _Chains:
    """What is known of the chains of all writers."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._hashes: dict[tuple[str, int], bytes] = {}

    def check(self, row: Stored) -> None:
        """Raise Broken unless the row is what was written, and follows the one before it."""
        _, writer, seq, body, prev, linked = row
        # In SQLite a column of bytes may hold a text all the same.
        if not isinstance(body, bytes) or link(bytes(prev), writer, seq, body) != linked:
            raise Broken(writer, seq, "was changed")
        before = self._before(writer, seq)
        if before is None and self._has_earlier(writer, seq):
            raise Broken(writer, seq, "has lost the record before it")
        if before is not None and before != prev:
            raise Broken(writer, seq, "does not follow the record before it")
        self._hashes[writer, seq] = bytes(linked)
        if len(self._hashes) > REMEMBERED:
            del self._hashes[next(iter(self._hashes))]

    def _before(self, writer: str, seq: int) -> bytes | None:
        """The hash of the record before. It may have an earlier time, and not be in the export."""
        if seq == 1:
            return ZERO
        known = self._hashes.get((writer, seq - 1))
        if known is not None:
            return known
        table = table_of(writer)
        query = select(table.hash).where(table.writer == writer, table.seq == seq - 1)
        found: bytes | None = self._session.scalar(query)
        return None if found is None else bytes(found)

    def _has_earlier(self, writer: str, seq: int) -> bool:
        table = table_of(writer)
        query = select(table.seq).where(table.writer == writer, table.seq < seq)
        return self._session.scalar(query.limit(1)) is not None


def proof(session: Session) -> dict[str, Any]:
    """What another verifier needs beside the records: the last checkpoint, and the public keys.

    Bytes in hex; `body` is the text that was signed.
    """
    last = session.scalar(select(Checkpoint).order_by(Checkpoint.number.desc()).limit(1))
    keys = session.scalars(select(AuditKey).order_by(AuditKey.made_at, AuditKey.key_id))
    return {
        "checkpoint": None if last is None else _checkpoint(last),
        "keys": [
            {
                "key_id": key.key_id,
                "public": key.public,
                "vouched_by": key.vouched_by,
                "signature": None if key.signature is None else key.signature.hex(),
            }
            for key in keys
        ],
    }


def _checkpoint(row: Checkpoint) -> dict[str, Any]:
    return {
        "number": row.number,
        "body": row.body.decode("ascii"),
        "prev": row.prev.hex(),
        "hash": row.hash.hex(),
        "key_id": row.key_id,
        "signature": row.signature.hex(),
    }

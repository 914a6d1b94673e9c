"""The token log: records of token requests and sign-ins, durable before the answer leaves.

The writer is this process from its start to its stop. Numbers and hashes are given in the one
writer thread, in the order in which records are written, and the head of the chain stays there.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, NamedTuple

from authsvc import logs
from authsvc.db.batch import Batch, Settled
from authsvc.db.engine import Database
from authsvc.db.raw import RawWriter
from authsvc.errors import Unavailable

from .chain import ZERO, link

LIMIT = 10_000  # records that wait to be written; beyond it tokens are refused
ROWS = 500  # of one INSERT: with eight values each far below what either engine takes

_log = logs.get("audit")
_COLUMNS = ("writer", "seq", "time", "decision_id", "body", "prev", "hash")
# Nearly no record has a subject, and to bind as many nulls takes a tenth of the whole INSERT.
_WITH_SUBJECT = (*_COLUMNS, "subject")


class Entry(NamedTuple):
    """A record that is printed already (records.print_body), and what it is looked up by.

    `time_ms` is in milliseconds since the epoch; `decision_id` is the `jti` of its token;
    `subject` is who got less than was asked for.
    """

    time_ms: int
    decision_id: str | None
    body: bytes
    subject: str | None = None


@dataclass(frozen=True, slots=True)
class _Head:
    seq: int
    hash: bytes


class TokenLog:
    """Writes entries by group commit, linked in the chain of `writer_id`, which is used once.

    `on_failure` says what happens to an entry that cannot be written: with "refuse", `record`
    raises Unavailable; with "allow" it comes back, and the entry is written later if the database
    comes back in time, else it is lost and counted. `on_commit` is told the seconds that each
    commit took, in the writer thread.
    """

    def __init__(
        self,
        database: Database,
        writer_id: str,
        on_failure: Literal["refuse", "allow"],
        *,
        on_commit: Callable[[float], None] | None = None,
        limit: int = LIMIT,
    ) -> None:
        self._chain = _Chain(database.raw_writer(), writer_id)
        self._allow = on_failure == "allow"
        self._on_commit = on_commit
        self._failing = False
        self._batch: Batch[Entry] = Batch(self._write, limit=limit, name="audit")
        self.lost = 0

    @property
    def pending(self) -> int:
        """Entries that are not durable yet."""
        return self._batch.pending

    @property
    def degraded(self) -> bool:
        """Whether the last write failed, or hangs; over when a write works again."""
        return self._failing or self._batch.overdue

    def start(self) -> None:
        """Begin; to be called on the event loop that records come from."""
        self._batch.start()

    async def stop(self) -> None:
        """Write what is pending, and end the writer thread."""
        await self._batch.stop()
        self._chain.close()

    async def record(self, entry: Entry) -> None:
        """Come back when the entry is durable; raises Unavailable when it is not and must be.

        Whoever waits may be cancelled; the entry is written nevertheless.
        """
        if not self._allow:
            await self._batch.put(entry)
        elif self.degraded:
            self.record_soon(entry)  # nobody waits for a database that is known to be away
        else:
            try:
                await self._batch.put(entry)
            except Unavailable:
                self.lost += 1

    def record_then(self, entry: Entry, settled: Settled) -> None:
        """As `record`, but `settled` is called on the loop; raises Unavailable if too many wait."""
        if not self._allow:
            self._batch.put_then(entry, settled)
        elif self.degraded:
            self.record_soon(entry)
            settled(None)
        else:
            self._batch.put_then(entry, partial(self._allowed, settled))

    def _allowed(self, settled: Settled, fault: Unavailable | None) -> None:
        self.lost += fault is not None
        settled(None)

    def record_soon(self, entry: Entry) -> None:
        """Take the entry to be written soon; raises Unavailable when too many wait already."""
        try:
            self._batch.put_soon(entry)
        except Unavailable:
            if not self._allow:
                raise
            self.lost += 1

    def _write(self, entries: list[Entry]) -> None:
        """In the writer thread."""
        begun = time.perf_counter()
        try:
            self._chain.append(entries)
        except BaseException as error:
            if not self._failing:
                _log.error("records cannot be written", waiting=len(entries), reason=str(error))
            self._failing = True
            raise
        if self._failing:
            _log.warning("records are written again")
        self._failing = False
        if self._on_commit is not None:
            self._on_commit(time.perf_counter() - begun)


class _Chain:
    """The rows of one writer. `_head` is None while nobody knows whether a batch is in."""

    def __init__(self, rows: RawWriter, writer: str) -> None:
        self._rows = rows
        self._writer = writer
        self._head: _Head | None = _Head(0, ZERO)
        self._inserts: dict[tuple[int, tuple[str, ...]], str] = {}

    def append(self, entries: Sequence[Entry]) -> None:
        """Make `entries` durable in one transaction; raises Unavailable.

        A connection that was cut is made anew once. When it was cut while committing, the last
        row tells whether the batch is in: records are never written twice, nor taken for written
        when they are not.
        """
        head = self._head or self._read_head()
        subjects = any(entry.subject is not None for entry in entries)
        columns = _WITH_SUBJECT if subjects else _COLUMNS
        for again in (True, False):
            values, end = self._linked(entries, head, subjects=subjects)
            self._head = None
            try:
                self._rows.execute(self._statements(values, columns))
            except Unavailable:
                if not again:
                    raise
                head = self._read_head()
                if head == end:
                    break
            else:
                break
        self._head = end

    def _linked(
        self, entries: Sequence[Entry], head: _Head, *, subjects: bool
    ) -> tuple[list[Any], _Head]:
        """The values of all rows in one list, and the head that they make."""
        values: list[Any] = []
        writer, seq, prev = self._writer, head.seq, head.hash
        for entry in entries:
            seq += 1
            linked = link(prev, writer, seq, entry.body)
            values += (writer, seq, entry.time_ms, entry.decision_id, entry.body, prev, linked)
            if subjects:
                values.append(entry.subject)
            prev = linked
        return values, _Head(seq, prev)

    def _statements(
        self, values: list[Any], columns: tuple[str, ...]
    ) -> list[tuple[str, list[Any]]]:
        width = ROWS * len(columns)
        parts = [values[start : start + width] for start in range(0, len(values), width)]
        return [(self._insert(len(part) // len(columns), columns), part) for part in parts]

    def _insert(self, rows: int, columns: tuple[str, ...]) -> str:
        """The INSERT of so many rows; its text is kept, so that it is parsed once."""
        statement = self._inserts.get((rows, columns))
        if statement is None:
            row = f"({', '.join([self._rows.placeholder] * len(columns))})"
            statement = (
                f"INSERT INTO token_records ({', '.join(columns)})"  # noqa: S608 - all ours
                f" VALUES {', '.join([row] * rows)}"
            )
            self._inserts[rows, columns] = statement
        return statement

    def _read_head(self) -> _Head:
        mark = self._rows.placeholder
        row = self._rows.row(
            f"SELECT seq, hash FROM token_records WHERE writer = {mark}"  # noqa: S608 - all ours
            " ORDER BY seq DESC LIMIT 1",
            (self._writer,),
        )
        return _Head(0, ZERO) if row is None else _Head(row[0], bytes(row[1]))

    def close(self) -> None:
        self._rows.close()

"""What was written after some number, writer by writer: for all that follows the log.

Within one writer records become visible in the order of their numbers, so that nobody who remembers
the last number of each misses any.
"""

from collections.abc import Iterable, Iterator, Mapping

from sqlalchemy import BigInteger, String, text
from sqlalchemy.orm import Session

from .rows import Stored, columns, table_of

# From writer to writer by the primary key: a GROUP BY would read all records each time.
_LAST = text("""
    WITH RECURSIVE writers (writer) AS (
        SELECT min(writer) FROM token_records
        UNION ALL
        SELECT (SELECT min(r.writer) FROM token_records r WHERE r.writer > writers.writer)
        FROM writers WHERE writers.writer IS NOT NULL
    )
    SELECT writer, (SELECT max(r.seq) FROM token_records r WHERE r.writer = writers.writer) AS seq
    FROM writers WHERE writer IS NOT NULL
    UNION ALL
    SELECT writer, seq FROM (SELECT writer, seq FROM changes ORDER BY seq DESC LIMIT 1) c
""").columns(writer=String(), seq=BigInteger())


def last(session: Session) -> dict[str, int]:
    """The last number of every writer, dead ones too."""
    return {row.writer: row.seq for row in session.execute(_LAST)}


def moved(session: Session, known: Mapping[str, int]) -> Iterator[tuple[str, int]]:
    """The writers that have records after those that are `known`, and the number known of each."""
    for writer, seq in last(session).items():
        if seq > known.get(writer, 0):
            yield writer, known.get(writer, 0)


def oldest(session: Session, moved: Iterable[tuple[str, int]]) -> int | None:
    """The time of the oldest record, in milliseconds, that comes next for one of these writers."""
    found = (following(session, writer, seq, limit=1) for writer, seq in moved)
    return min((rows[0].time for rows in found if rows), default=None)


def following(session: Session, writer: str, seq: int, *, limit: int) -> list[Stored]:
    """The records of a writer after a number, by number, at most `limit`."""
    table = table_of(writer)
    query = columns(table).where(table.writer == writer, table.seq > seq)
    return list(session.execute(query.order_by(table.seq).limit(limit)))

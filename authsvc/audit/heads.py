"""The last records of all chains, found by skipping from writer to writer: never a full scan."""

from dataclasses import dataclass

from sqlalchemy import BigInteger, LargeBinary, String, text
from sqlalchemy.orm import Session

from .proofs import Head

# The primary key leads from one writer to the next and to the last number of each, some 20 µs a
# writer; a GROUP BY would read millions of rows.
_MOVED = text("""
    WITH RECURSIVE writers (writer) AS (
        SELECT min(writer) FROM token_records
        UNION ALL
        SELECT (SELECT min(r.writer) FROM token_records r WHERE r.writer > writers.writer)
        FROM writers WHERE writers.writer IS NOT NULL
    ), heads (writer, seq) AS (
        SELECT writer, (SELECT max(r.seq) FROM token_records r WHERE r.writer = writers.writer)
        FROM writers WHERE writer IS NOT NULL
    )
    SELECT r.writer, r.seq, r.hash, coalesce(p.seq, 0) AS signed
    FROM heads h
    JOIN token_records r ON r.writer = h.writer AND r.seq = h.seq
    LEFT JOIN chain_proofs p ON p.writer = h.writer
    WHERE h.seq > coalesce(p.seq, 0)
    UNION ALL
    SELECT c.writer, c.seq, c.hash, coalesce(p.seq, 0)
    FROM (SELECT writer, seq, hash FROM changes ORDER BY seq DESC LIMIT 1) c
    LEFT JOIN chain_proofs p ON p.writer = c.writer
    WHERE c.seq > coalesce(p.seq, 0)
    ORDER BY 1
""").columns(writer=String(), seq=BigInteger(), hash=LargeBinary(), signed=BigInteger())


@dataclass(frozen=True, slots=True)
class Moved:
    """A chain that has records after the last one that is signed, which has number `signed`."""

    head: Head
    signed: int


def moved(session: Session) -> list[Moved]:
    """The chains that moved since the last checkpoint, dead writers' too, by writer."""
    return [
        Moved(Head(row.writer, row.seq, bytes(row.hash)), row.signed)
        for row in session.execute(_MOVED)
    ]

"""What must hold of stored records, checked without the code that wrote them."""

from hashlib import sha256
from itertools import groupby

from sqlalchemy import text


def token_records(database):
    """All rows of the token log, by writer and number; fails when a chain has a fault."""
    with database.read() as session:
        rows = session.execute(
            text("SELECT writer, seq, body, prev, hash, time FROM token_records ORDER BY 1, 2")
        ).all()
    for writer, chain in groupby(rows, key=lambda row: row.writer):
        prev = bytes(32)
        for expected, row in enumerate(chain, start=1):
            assert row.seq == expected
            assert row.prev == prev
            prev = sha256(prev + f"{writer}\n{row.seq}\n".encode() + row.body).digest()
            assert row.hash == prev
    return rows

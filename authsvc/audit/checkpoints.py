"""Making checkpoints: every minute when anything is new, a signed statement over all heads.

Every process that holds the key looks every few seconds; whoever finds the newest checkpoint old
makes the next. Two at once never fork the chain: the number is the primary key, and the one that
comes second gives up. Reading holds no lock, and writing is one row.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import BigInteger, String, bindparam, func, insert, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from authsvc.clock import Clock
from authsvc.db.engine import Database
from authsvc.db.models import Checkpoint

from . import proof_keys, retention
from .chain import ZERO
from .heads import Moved, moved
from .proofs import Statement, checkpoint_hash, is_signed, key_id, print_body, sign
from .retention import Keep
from .rows import table_of

EVERY = 60.0  # seconds between two checkpoints
MEASURED = 10_000  # records whose bodies are measured by one query
ROW = 350  # bytes that a record takes on the disk beside its body, indexes included

_SIGNED = text(
    "INSERT INTO chain_proofs (writer, seq, number, removed_by)"
    " VALUES (:writer, :seq, :number, 0)"
    " ON CONFLICT (writer) DO UPDATE SET seq = excluded.seq, number = excluded.number"
).bindparams(
    bindparam("writer", type_=String()),
    bindparam("seq", type_=BigInteger()),
    bindparam("number", type_=BigInteger()),
)


class Untrusted(Exception):
    """The newest checkpoint is none that may be gone on from; the text says why."""


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest checkpoint; `number` is 0 before the first."""

    number: int = 0
    time: int = 0
    removed: int = 0
    records: int = 0
    size: int = 0
    hash: bytes = ZERO


def newest(session: Session) -> Newest:
    """The newest checkpoint, as it says itself."""
    row = newest_row(session)
    if row is None:
        return Newest()
    said = retention.statement_of(row)
    return Newest(row.number, row.time, said.removed, row.records, row.size, bytes(row.hash))


def newest_row(session: Session) -> Checkpoint | None:
    """The row of the newest checkpoint."""
    return session.scalars(select(Checkpoint).order_by(Checkpoint.number.desc()).limit(1)).first()


def make(
    database: Database, clock: Clock, keys: tuple[Ed25519PrivateKey, ...], keep: Keep
) -> Statement | None:
    """Sign all heads that moved, with the first of `keys`, and say what may be removed from now on.

    None when nothing is new, or another process was quicker. Raises Untrusted when the newest
    checkpoint is not one to go on from, and Unavailable.
    """
    now_ms = int(clock.now() * 1000)
    with database.read() as session:
        _check(session, keys)
        last, found = newest(session), moved(session)
        removed = retention.due(session, last.removed, now_ms, keep)
    if not found and removed == last.removed:
        return None
    records, size = _measured(database, found)
    statement = Statement(
        last.number + 1, now_ms, key_id(keys[0].public_key()), removed,
        last.records + records, last.size + size, tuple(each.head for each in found),
    )  # fmt: skip
    return statement if _write(database, keys[0], statement, last.hash) else None


def _check(session: Session, keys: tuple[Ed25519PrivateKey, ...]) -> None:
    """See that the key is known, and that the newest checkpoint is one that a known key signed.

    A key that is not trusted here may have signed before ours did for the first time: an older
    one, whose private half is gone. What such a key signed after ours was not made by us.
    """
    rows = proof_keys.read(session)
    known = {row.id: row.public for row in rows}
    own = key_id(keys[0].public_key())
    if own not in known:
        raise Untrusted("audit.key is not known to the database: run: authsvc init")
    last = newest_row(session)
    if last is None:
        return
    public = known.get(last.key_id)
    if public is None or not is_signed(public, last.signature, last.prev, last.body):
        raise Untrusted(f"checkpoint {last.number} is not signed by a key that is known")
    trusted = proof_keys.trusted(rows, [key.public_key() for key in keys])
    if last.key_id not in trusted and _has_signed(session, trusted):
        raise Untrusted(f"checkpoint {last.number} is signed by a key that certs_dir does not hold")


def _has_signed(session: Session, keys: Iterable[str]) -> bool:
    theirs = select(Checkpoint.number).where(Checkpoint.key_id.in_(list(keys)))
    return session.scalars(theirs.limit(1)).first() is not None


def _measured(database: Database, found: list[Moved]) -> tuple[int, int]:
    """How many records the new heads cover, and how many bytes these take."""
    records = size = 0
    for each in found:
        for after in range(each.signed, each.head.seq, MEASURED):
            upto = min(after + MEASURED, each.head.seq)
            with database.read() as session:
                count, length = _length(session, each.head.writer, after, upto)
            records += count
            size += length + count * ROW
    return records, size


def _length(session: Session, writer: str, after: int, upto: int) -> tuple[int, int]:
    table = table_of(writer)
    query = select(func.count(), func.coalesce(func.sum(func.length(table.body)), 0)).where(
        table.writer == writer, table.seq > after, table.seq <= upto
    )
    count, length = session.execute(query).one()
    return int(count), int(length)


def _write(database: Database, key: Ed25519PrivateKey, statement: Statement, prev: bytes) -> bool:
    """False when another process wrote a checkpoint of that number first."""
    body = print_body(statement)
    signature = sign(key, prev, body)
    row = {
        "number": statement.number, "time": statement.time, "records": statement.records,
        "size": statement.size, "body": body, "prev": prev,
        "hash": checkpoint_hash(prev, body, signature), "key_id": statement.key,
        "signature": signature,
    }  # fmt: skip
    signed = [
        {"writer": head.writer, "seq": head.seq, "number": statement.number}
        for head in statement.heads
    ]
    try:
        with database.write() as session:
            session.execute(insert(Checkpoint).values(row))
            if signed:
                session.execute(_SIGNED, signed)
    except IntegrityError:
        return False
    return True

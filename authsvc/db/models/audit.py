"""What was written down: edits (which are also the change feed) and the token log."""

from sqlalchemy import CheckConstraint, Index, LargeBinary, String, text
from sqlalchemy.orm import Mapped, mapped_column

from .base import Base, RowId

# Records are ordered by writer; the order must not depend on the server's language.
Writer = String().with_variant(String(collation="C"), "postgresql")


class ChangeHead(Base):
    """The one row that every edit locks: the number of the last change and its hash.

    A counter in a locked row, not a sequence: sequences commit out of order and a poller that
    remembers the highest number would miss changes for good.
    """

    __tablename__ = "change_head"
    __table_args__ = (CheckConstraint("id = 1", name="single"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(RowId)
    hash: Mapped[bytes] = mapped_column(LargeBinary)


class Change(Base):
    """An edit: its audit record, and in `topics` what every worker must forget."""

    __tablename__ = "changes"

    seq: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=False)
    writer: Mapped[str] = mapped_column(Writer)
    id: Mapped[str] = mapped_column(unique=True)
    time: Mapped[int] = mapped_column(RowId, index=True)  # milliseconds since the epoch
    topics: Mapped[list[str]]
    body: Mapped[bytes] = mapped_column(LargeBinary)
    prev: Mapped[bytes] = mapped_column(LargeBinary)
    hash: Mapped[bytes] = mapped_column(LargeBinary)


class TokenRecord(Base):
    """A record of the token log: one token request, sign-in, or event of a process.

    `body` is the record as canonical JSON; the columns beside it are those that are looked
    for. `decision_id` is the `jti`; its index is cheap as long as identifiers rise with time:
    then a batch touches one page of it, where random ones touch a page each and double the
    processor time of the whole record (SQLite: 28 instead of 14 µs). `subject` is who got less
    than was asked for (`Principal.identity`), or `limit` for a limit that was reached; null for
    all others, so that its index is small.
    """

    __tablename__ = "token_records"
    __table_args__ = (
        Index("ix_token_records_decision_id", "decision_id"),
        Index("ix_token_records_time", "time"),
        Index(
            "ix_token_records_subject",
            "subject",
            "time",
            sqlite_where=text("subject IS NOT NULL"),
            postgresql_where=text("subject IS NOT NULL"),
        ),
    )

    writer: Mapped[str] = mapped_column(Writer, primary_key=True)
    seq: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=False)
    time: Mapped[int] = mapped_column(RowId)  # milliseconds since the epoch
    decision_id: Mapped[str | None]
    body: Mapped[bytes] = mapped_column(LargeBinary)
    prev: Mapped[bytes] = mapped_column(LargeBinary)
    hash: Mapped[bytes] = mapped_column(LargeBinary)
    subject: Mapped[str | None]


class Checkpoint(Base):
    """A signed statement over the heads of chains at one moment, and over the one before it.

    `body` is canonical JSON (audit/proofs). `signature` is by the key `key_id` of `audit_keys`;
    `hash` is the SHA-256 of `prev`, `body` and `signature`. Numbers rise by one. `records` and
    `size` (bytes) are those of the body: what was covered since the beginning, removed or not.
    """

    __tablename__ = "checkpoints"

    number: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=False)
    time: Mapped[int] = mapped_column(RowId)  # milliseconds since the epoch
    records: Mapped[int] = mapped_column(RowId)
    size: Mapped[int] = mapped_column(RowId)
    body: Mapped[bytes] = mapped_column(LargeBinary)
    prev: Mapped[bytes] = mapped_column(LargeBinary)
    hash: Mapped[bytes] = mapped_column(LargeBinary)
    key_id: Mapped[str]
    signature: Mapped[bytes] = mapped_column(LargeBinary)


class ChainProof(Base):
    """How far the chain of a writer is signed, and how far it was removed.

    Up to `seq` it is covered by checkpoint `number`. Everything up to the head that checkpoint
    `removed_by` signed is removed: that checkpoint stays, since it proves where the rest begins;
    0 for nothing. A help for who makes checkpoints; `audit verify` believes none of it.
    """

    __tablename__ = "chain_proofs"

    writer: Mapped[str] = mapped_column(Writer, primary_key=True)
    seq: Mapped[int] = mapped_column(RowId)
    number: Mapped[int] = mapped_column(RowId)
    removed_by: Mapped[int] = mapped_column(RowId, index=True)


class AuditKey(Base):
    """The public half of a key that signs checkpoints; the private one is in certs_dir.

    A later key is vouched for by the one before it: `signature` is by `vouched_by`.
    """

    __tablename__ = "audit_keys"

    key_id: Mapped[str] = mapped_column(primary_key=True)
    public: Mapped[str]  # PEM
    made_at: Mapped[int] = mapped_column(RowId)  # milliseconds since the epoch
    vouched_by: Mapped[str | None]
    signature: Mapped[bytes | None] = mapped_column(LargeBinary)


class Cursor(Base):
    """How far a sink has what one writer wrote: everything up to `seq` was taken by it."""

    __tablename__ = "cursors"

    sink: Mapped[str] = mapped_column(primary_key=True)
    writer: Mapped[str] = mapped_column(Writer, primary_key=True)
    seq: Mapped[int] = mapped_column(RowId)

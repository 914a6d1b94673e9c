"""Proofs over the audit log, and how far each sink has it."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

OLDEST = 1  # the releases before read and write all their tables as they did

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
# Records are ordered by writer; the order must not depend on the server's language.
WRITER = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "checkpoints",
        sa.Column("number", ROW_ID, autoincrement=False, nullable=False),
        sa.Column("time", ROW_ID, nullable=False),
        sa.Column("records", ROW_ID, nullable=False),
        sa.Column("size", ROW_ID, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("prev", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("key_id", sa.String(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_checkpoints"),
    )
    op.create_table(
        "chain_proofs",
        sa.Column("writer", WRITER, nullable=False),
        sa.Column("seq", ROW_ID, nullable=False),
        sa.Column("number", ROW_ID, nullable=False),
        sa.Column("removed_by", ROW_ID, nullable=False),
        sa.PrimaryKeyConstraint("writer", name="pk_chain_proofs"),
    )
    op.create_index("ix_chain_proofs_removed_by", "chain_proofs", ["removed_by"])
    op.create_table(
        "audit_keys",
        sa.Column("key_id", sa.String(), nullable=False),
        sa.Column("public", sa.String(), nullable=False),
        sa.Column("made_at", ROW_ID, nullable=False),
        sa.Column("vouched_by", sa.String()),
        sa.Column("signature", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("key_id", name="pk_audit_keys"),
    )
    op.create_table(
        "cursors",
        sa.Column("sink", sa.String(), nullable=False),
        sa.Column("writer", WRITER, nullable=False),
        sa.Column("seq", ROW_ID, nullable=False),
        sa.PrimaryKeyConstraint("sink", "writer", name="pk_cursors"),
    )
    versions = sa.table("schema_versions", *map(sa.column, ("number", "oldest", "applied_at")))
    row = {"number": int(revision), "oldest": OLDEST, "applied_at": sa.func.current_timestamp()}
    op.execute(versions.insert().values(**row))

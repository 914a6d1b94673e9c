"""What the admin API needs: answers to repeated requests, and decisions by whom they concern."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

OLDEST = 1  # the release before reads and writes all its tables as it did

JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
TIME = sa.DateTime(timezone=True)
CONCERNS = "subject IS NOT NULL"


def upgrade() -> None:
    op.create_table(
        "answers",
        sa.Column("caller", sa.String(), nullable=False),
        sa.Column("route", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("request", sa.LargeBinary(), nullable=False),
        sa.Column("value", JSON, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("caller", "route", "key", name="pk_answers"),
    )
    op.create_index("ix_answers_created_at", "answers", ["created_at"])
    op.add_column("token_records", sa.Column("subject", sa.String()))
    op.create_index(
        "ix_token_records_subject",
        "token_records",
        ["subject", "time"],
        sqlite_where=sa.text(CONCERNS),
        postgresql_where=sa.text(CONCERNS),
    )
    versions = sa.table("schema_versions", *map(sa.column, ("number", "oldest", "applied_at")))
    row = {"number": int(revision), "oldest": OLDEST, "applied_at": sa.func.current_timestamp()}
    op.execute(versions.insert().values(**row))

"""Robots, and the secrets that the service mints."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

OLDEST = 1  # the releases before read and write all their tables as they did

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
TIME = sa.DateTime(timezone=True)
PERSONAL = sa.text("kind = 'pat'")


def upgrade() -> None:
    op.create_table(
        "robots",
        sa.Column("subject_id", ROW_ID, nullable=False),
        sa.Column("grant_id", ROW_ID, nullable=False),
        sa.Column("expires_at", TIME),
        sa.Column("cidrs", JSON, nullable=False),
        sa.Column("warned", sa.Integer()),
        sa.PrimaryKeyConstraint("subject_id", name="pk_robots"),
        sa.UniqueConstraint("grant_id", name="uq_robots_grant_id"),
        to("robots", "subject_id", "subjects", ondelete="CASCADE"),
        to("robots", "grant_id", "grants"),
    )
    make_secrets()
    versions = sa.table("schema_versions", *map(sa.column, ("number", "oldest", "applied_at")))
    row = {"number": int(revision), "oldest": OLDEST, "applied_at": sa.func.current_timestamp()}
    op.execute(versions.insert().values(**row))


def make_secrets() -> None:
    op.create_table(
        "secrets",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("subject_id", ROW_ID, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("expires_at", TIME),
        sa.Column("last_used_at", TIME),
        sa.Column("registry_id", ROW_ID),
        sa.Column("scopes", JSON),
        sa.Column("manages", sa.Boolean(), nullable=False),
        sa.Column("password", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_secrets"),
        sa.UniqueConstraint("digest", name="uq_secrets_digest"),
        sa.CheckConstraint("kind IN ('rob', 'pat', 'ref')", name=op.f("ck_secrets_kind")),
        to("secrets", "subject_id", "subjects", ondelete="CASCADE"),
        to("secrets", "registry_id", "registries", ondelete="CASCADE"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "uq_secrets_subject_name", "secrets", ["subject_id", "name"],
        unique=True, sqlite_where=PERSONAL, postgresql_where=PERSONAL,
    )  # fmt: skip
    op.create_index("ix_secrets_subject_registry", "secrets", ["subject_id", "kind", "registry_id"])
    op.create_index("ix_secrets_registry_id", "secrets", ["registry_id"])


def to(table: str, column: str, other: str, **how: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column], [f"{other}.id"], name=f"fk_{table}_{column}_{other}", **how
    )

"""Addresses from which accounts signed in, so that a restart does not forget them."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

OLDEST = 1  # the releases before read and write all their tables as they did


def upgrade() -> None:
    op.create_table(
        "known_addresses",
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("account", "address", name="pk_known_addresses"),
    )
    op.create_index("ix_known_addresses_address", "known_addresses", ["address"])
    versions = sa.table("schema_versions", *map(sa.column, ("number", "oldest", "applied_at")))
    row = {"number": int(revision), "oldest": OLDEST, "applied_at": sa.func.current_timestamp()}
    op.execute(versions.insert().values(**row))

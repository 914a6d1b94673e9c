"""${message}"""

import sqlalchemy as sa
from alembic import op

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None

# The oldest release's schema number (db/schema.SCHEMA) that can still run on this schema.
OLDEST = 1


def upgrade() -> None:
    ${upgrades if upgrades else "pass"}
    op.execute(
        sa.text(
            "INSERT INTO schema_versions (number, oldest, applied_at)"
            " VALUES (:number, :oldest, CURRENT_TIMESTAMP)"
        ).bindparams(number=int(revision), oldest=OLDEST)
    )

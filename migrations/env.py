"""How Alembic meets the database: always on a connection that authsvc.db.schema opened.

The transaction is the caller's: all migrations of one upgrade are committed together, on SQLite
too, whose DDL is transactional once the driver leaves BEGIN alone.
"""

from alembic import context

from authsvc.db.models import Base

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    render_as_batch=connection.dialect.name == "sqlite",
    transactional_ddl=True,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()

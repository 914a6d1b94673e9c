"""Which schema a database has, whether this release can run on it, and how it gets the newest."""

import importlib.resources
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, select, text
from sqlalchemy.orm import Session

from authsvc.errors import InvalidSettings

from .engine import Database
from .models import SchemaVersion

if TYPE_CHECKING:
    from alembic.config import Config

SCHEMA = 5  # the number that this release was made for: that of its newest migration
_ADVISORY = 0x61757468  # "auth": the lock of concurrent upgrades on PostgreSQL
_alembic = threading.Lock()  # Alembic's context is one for the whole process


def current(database: Database) -> int | None:
    """The number of the newest migration applied; None when there are no tables at all."""
    newest = _newest(database)
    return None if newest is None else newest.number


def _newest(database: Database) -> SchemaVersion | None:
    if not database.exists:
        return None
    with database.read() as session:
        if not inspect(session.connection()).has_table(SchemaVersion.__tablename__):
            return None
        return _read_newest(session)


def _read_newest(session: Session) -> SchemaVersion | None:
    newest = select(SchemaVersion).order_by(SchemaVersion.number.desc()).limit(1)
    return session.scalars(newest).first()


def check(database: Database) -> None:
    """Raise InvalidSettings unless this release can run on the schema as it is.

    Raises Unavailable when the database does not answer: then nothing is known about it.
    """
    newest = _newest(database)
    if newest is None:
        raise InvalidSettings("the database has no tables yet", advice="run `authsvc init`")
    if newest.number < SCHEMA:
        raise InvalidSettings(
            f"the database's schema is older ({newest.number}) than this release's ({SCHEMA})",
            advice="run `authsvc db upgrade`",
        )
    _refuse_too_new(newest)


def _refuse_too_new(newest: SchemaVersion) -> None:
    if newest.oldest > SCHEMA:
        raise InvalidSettings(
            f"the database's schema ({newest.number}) is of a newer release, and this one"
            f" ({SCHEMA}) cannot run on it",
            advice="run the newer release",
        )


def upgrade(database: Database) -> None:
    """Bring the schema to SCHEMA, making an embedded database that is missing.

    Several at once, in threads, processes or on several hosts: one works, the others wait and
    find nothing left to do. A newer schema that this release can run on is left alone.
    """
    database.create()
    with database.migrate() as connection:
        newest = _locked_newest(connection)
        if newest is not None and newest.number >= SCHEMA:
            _refuse_too_new(newest)
            return
        migrate(connection)


def migrate(connection: Connection) -> None:
    """Run the migrations that are missing, within the transaction of that connection."""
    from alembic import command  # noqa: PLC0415 - only an upgrade needs it, every command comes here

    with _alembic:
        command.upgrade(alembic_config(connection), "head")


def _locked_newest(connection: Connection) -> SchemaVersion | None:
    """Wait for the turn on PostgreSQL (SQLite's has come already), then see what is there."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY})
        connection.execute(text("SET LOCAL lock_timeout = '5s'"))
    if not inspect(connection).has_table(SchemaVersion.__tablename__):
        return None
    return _read_newest(Session(connection))


def alembic_config(connection: Connection) -> "Config":
    """Alembic's settings: our migrations, on a connection whose transaction is ours."""
    from alembic.config import Config  # noqa: PLC0415 - as above

    config = Config()
    config.set_main_option("script_location", str(_folder()).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _folder() -> Path:
    """The migrations: inside the package when it was installed, beside it in a checkout."""
    package = Path(str(importlib.resources.files("authsvc")))
    installed = package / "_migrations"
    return installed if installed.is_dir() else package.parent / "migrations"

"""The two engines: how a connection is made, and how each kind of transaction begins.

The text of BEGIN travels as an execution option, so that limits hold for one transaction and
nothing is left behind on a connection: a pooler may hand the next transaction to somebody else.
"""

import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import QueuePool

from authsvc.errors import InvalidSettings

BEGIN = "authsvc_begin"  # the execution option
POOL_WAIT = 3  # seconds for a free connection
BUSY_MS = 5_000

SQLITE_BEGIN = {
    "read": "BEGIN",
    "copy": "BEGIN",
    "write": "BEGIN IMMEDIATE",
    "migrate": "BEGIN IMMEDIATE",
}

# Reads see one state of all tables, as SQLite gives it. A token waits for nothing longer than 2 s.
# Who copies a whole database reads one state of it for as long as that takes.
# A migration waits long for another migration, but must not make everybody queue behind its wait
# for a busy table (db/schema lowers the limit once it has its turn).
# In a server's own zone the last day of 9999 may be one of the year 10000, which nobody can read.
POSTGRESQL_BEGIN = {
    "read": "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY; SET LOCAL statement_timeout = '2s';"
    " SET LOCAL timezone = 'UTC'",
    "copy": "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY; SET LOCAL statement_timeout = 0;"
    " SET LOCAL timezone = 'UTC'",
    "write": "BEGIN ISOLATION LEVEL READ COMMITTED, READ WRITE; SET LOCAL timezone = 'UTC';"
    " SET LOCAL lock_timeout = '5s'; SET LOCAL statement_timeout = '30s'",
    "migrate": "BEGIN ISOLATION LEVEL READ COMMITTED, READ WRITE;"
    " SET LOCAL lock_timeout = '5min'; SET LOCAL statement_timeout = 0",
}
RECORD_BEGIN = {  # token records: bounded like the path they stand in
    "sqlite": "BEGIN IMMEDIATE",
    "postgresql": "BEGIN ISOLATION LEVEL READ COMMITTED, READ WRITE;"
    " SET LOCAL lock_timeout = '2s'; SET LOCAL statement_timeout = '4s'",
}

_POSTGRESQL_ARGUMENTS: dict[str, Any] = {
    "autocommit": True,  # BEGIN is ours, and brings its limits in the same round trip
    "prepare_threshold": None,  # no prepared statements: they break behind transaction pooling
    "connect_timeout": 3,
    "application_name": "authsvc",
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,  # milliseconds
}


def parse(text: str) -> URL:
    """The address of a database that we can work with; raises InvalidSettings."""
    try:
        url = make_url(text)
    except ArgumentError:
        raise _refused("does not parse") from None
    if url.drivername in {"sqlite", "sqlite+pysqlite"}:
        if not url.database or url.database == ":memory:" or url.query:
            raise _refused("names no file, or has options")
        return url
    if url.drivername != "postgresql+psycopg":
        raise _refused(f"names a driver that is not supported ({url.drivername})")
    return url


def _refused(fault: str) -> InvalidSettings:
    return InvalidSettings(
        f"database_url {fault}",
        advice="write sqlite:///PATH or postgresql+psycopg://USER@HOST/NAME",
        faults=[("database_url", fault)],
    )


def sqlite_path(url: URL) -> Path:
    """The file of a SQLite address, absolute, since the working directory may change."""
    return Path(url.database or "").absolute()


def sqlite_engine(path: Path) -> Engine:
    """An engine on an existing file; it never makes one."""
    engine = create_engine(
        "sqlite://",
        creator=lambda: connect_sqlite(path),
        poolclass=QueuePool,
        pool_size=5,
        max_overflow=20,
        pool_timeout=POOL_WAIT,
        hide_parameters=True,  # bound values may be hashes of secrets
    )
    event.listen(engine, "begin", _begin)
    return engine


def connect_sqlite(path: Path) -> sqlite3.Connection:
    """One connection: durable commits, foreign keys, no checkpoint in the middle of a commit."""
    connection = sqlite3.connect(
        f"{path.as_uri()}?mode=rw",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        timeout=BUSY_MS / 1000,
    )
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA synchronous = FULL")  # NORMAL loses commits at a power cut
    connection.execute("PRAGMA wal_autocheckpoint = 0")
    return connection


def postgresql_engine(url: URL) -> Engine:
    """An engine whose connections are asked whether they live before they are used."""
    engine = create_engine(
        url,
        connect_args=_POSTGRESQL_ARGUMENTS,
        pool_pre_ping=True,
        pool_size=5,
        max_overflow=5,
        pool_timeout=POOL_WAIT,
        hide_parameters=True,
    )
    event.listen(engine, "begin", _begin)
    return engine


def postgresql_arguments(url: URL) -> dict[str, Any]:
    """What psycopg is to be called with for a connection outside the pool."""
    _, arguments = url.get_dialect()().create_connect_args(url)
    return {**arguments, **_POSTGRESQL_ARGUMENTS}


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get(BEGIN, "BEGIN"))

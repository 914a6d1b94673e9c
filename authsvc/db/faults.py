"""Tells a database that could not answer from one that said no.

A lost connection, a lock not had in time, a full disk, a file that cannot be read: `Unavailable`.
An `IntegrityError` passes through as SQLAlchemy raises it: whoever writes knows which rule of the
schema it met (a name taken, a row still in use) and says so. The rest are faults of ours.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import exc

from authsvc.errors import Unavailable

READ_ONLY_STATE = "25006"  # PostgreSQL: read_only_sql_transaction, a standby or a full disk's guard
_SQLITE_FAULTS = {
    sqlite3.SQLITE_BUSY: "another process holds the database's lock",
    sqlite3.SQLITE_LOCKED: "another process holds the database's lock",
    sqlite3.SQLITE_CANTOPEN: "the database file cannot be opened",
    sqlite3.SQLITE_CORRUPT: "the database file is damaged",
    sqlite3.SQLITE_FULL: "the database's disk is full",
    sqlite3.SQLITE_INTERRUPT: "the database did not answer in time",
    sqlite3.SQLITE_IOERR: "the database file cannot be read or written",
    sqlite3.SQLITE_NOMEM: "the database is out of memory",
    sqlite3.SQLITE_NOTADB: "the database file is damaged",
    sqlite3.SQLITE_PERM: "the database file cannot be opened",
    sqlite3.SQLITE_PROTOCOL: "another process holds the database's lock",
    sqlite3.SQLITE_READONLY: "the database cannot be written",
}


def unavailable(message: str = "the database did not answer") -> Unavailable:
    """The error that every caller of the database is prepared for."""
    return Unavailable(message, what="database", retry_after=1)


def _fault(error: exc.DBAPIError) -> str | None:
    """Why the database could not answer; None when it did answer, with an error."""
    if isinstance(error.orig, sqlite3.Error):
        code = getattr(error.orig, "sqlite_errorcode", None)
        return None if code is None else _SQLITE_FAULTS.get(code & 0xFF)
    if getattr(error.orig, "sqlstate", None) == READ_ONLY_STATE:
        return "the database cannot be written"
    if isinstance(error, (exc.OperationalError, exc.InterfaceError)):
        return "the database did not answer"
    return None


@contextmanager
def answered() -> Iterator[None]:
    """Turn what the drivers and the pool raise into `Unavailable`, where that is what it means."""
    try:
        yield
    except exc.TimeoutError as error:
        raise unavailable("all connections to the database are in use") from error
    except exc.DBAPIError as error:
        fault = _fault(error)
        if fault is None:
            raise
        raise unavailable(fault) from error
    except sqlite3.Error as error:  # from below SQLAlchemy: a checkpoint, the making of a file
        raise unavailable() from error

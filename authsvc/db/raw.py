"""A connection below SQLAlchemy, for the one statement that every token waits for."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy import URL

from . import dialects
from .faults import unavailable
from .sidelock import SideLock

if TYPE_CHECKING:
    import psycopg

Row = tuple[Any, ...]


class RawWriter(Protocol):
    """A connection that one thread owns.

    After any error it is given up and the next call makes a new one. Every error of the driver
    is raised as Unavailable: nothing was written, or nobody knows whether it was.
    """

    placeholder: str

    def execute(self, statements: Sequence[tuple[str, Sequence[Any]]]) -> None:
        """Run statements in one transaction, and come back when it is durable."""
        ...

    def row(self, statement: str, values: Sequence[Any]) -> Row | None:
        """The first row of a query."""
        ...

    def close(self) -> None:
        """Give the connection up."""
        ...


class SqliteWriter:
    """Takes the side lock for each transaction, like every other writer."""

    placeholder = "?"

    def __init__(self, path: Path, lock: SideLock) -> None:
        self._path = path
        self._lock = lock
        self._connection: sqlite3.Connection | None = None

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        try:
            if self._connection is None:
                self._connection = dialects.connect_sqlite(self._path)
            yield self._connection
        except sqlite3.Error as error:
            self.close()
            raise unavailable("the database file cannot be written") from error
        except BaseException:
            self.close()  # or the next transaction would begin inside this one
            raise

    def execute(self, statements: Sequence[tuple[str, Sequence[Any]]]) -> None:
        with self._connected() as connection, self._lock.held():
            if len(statements) == 1:
                # A statement alone is its own transaction. Each call gives up the interpreter's
                # lock and must get it back from the event loop, so fewer calls are quicker.
                connection.execute(*statements[0])
                return
            connection.execute(dialects.RECORD_BEGIN["sqlite"])
            for statement, values in statements:
                connection.execute(statement, values)
            connection.execute("COMMIT")

    def row(self, statement: str, values: Sequence[Any]) -> Row | None:
        with self._connected() as connection:
            found: Row | None = connection.execute(statement, values).fetchone()
            return found

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class PostgresqlWriter:
    """Limits come with BEGIN and end with the transaction, so that a pooler can stand between."""

    placeholder = "%s"

    def __init__(self, url: URL) -> None:
        # Imported only where PostgreSQL is used: it would make every command slower to start.
        import psycopg  # noqa: PLC0415

        self._psycopg = psycopg
        self._arguments = dialects.postgresql_arguments(url)
        self._connection: psycopg.Connection[Row] | None = None

    @contextmanager
    def _connected(self) -> "Iterator[psycopg.Connection[Row]]":
        try:
            if self._connection is None:
                self._connection = self._psycopg.connect(**self._arguments)
            yield self._connection
        except self._psycopg.Error as error:
            self.close()
            raise unavailable() from error
        except BaseException:
            self.close()
            raise

    def execute(self, statements: Sequence[tuple[str, Sequence[Any]]]) -> None:
        with self._connected() as connection, connection.cursor() as cursor:
            cursor.execute(dialects.RECORD_BEGIN["postgresql"])
            for statement, values in statements:
                cursor.execute(statement, values)
            cursor.execute("COMMIT")

    def row(self, statement: str, values: Sequence[Any]) -> Row | None:
        with self._connected() as connection:
            found: Row | None = connection.execute(statement, values).fetchone()
            return found

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

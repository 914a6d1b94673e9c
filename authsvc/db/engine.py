"""One door to the database, whichever it is: reading, writing, and how to write token records."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from pathlib import Path

from sqlalchemy import Connection, Engine
from sqlalchemy.orm import Session

from . import dialects, files
from .faults import answered
from .raw import PostgresqlWriter, RawWriter, SqliteWriter
from .sidelock import PATIENCE, SideLock

MIGRATION_PATIENCE = 300.0  # seconds an upgrade waits for another one
WAL_BOUND = 4 << 20  # bytes; a longer log is emptied, for which writers wait


class Database:
    """The engine behind one address: `sqlite:///PATH` or `postgresql+psycopg://…`.

    Making one connects to nothing and makes no file. Raises InvalidSettings for an address that
    is none of the two. Everything else raises Unavailable when the database does not answer;
    IntegrityError passes through (see db/faults).
    """

    def __init__(self, url: str) -> None:
        parsed = dialects.parse(url)
        self.is_sqlite = parsed.get_backend_name() == "sqlite"
        self.path: Path | None = None
        self._lock: SideLock | None = None
        if self.is_sqlite:
            self.path = dialects.sqlite_path(parsed)
            self._lock = SideLock(self.path.with_name(self.path.name + ".lock"))
            self.engine = dialects.sqlite_engine(self.path)
        else:
            self.engine = dialects.postgresql_engine(parsed)
        self._parsed = parsed
        begin = dialects.SQLITE_BEGIN if self.is_sqlite else dialects.POSTGRESQL_BEGIN
        self._reading = self._engine_for(begin["read"])
        self._copying = self._engine_for(begin["copy"])
        self._writing = self._engine_for(begin["write"])
        self._migrating = self._engine_for(begin["migrate"])

    def _engine_for(self, begin: str) -> Engine:
        return self.engine.execution_options(**{dialects.BEGIN: begin})

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Read one consistent state; whatever was written is rolled back at the end."""
        with answered(), Session(self._reading, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """As `read`, for as long as it takes and below objects: what a copy is made of."""
        with answered(), self._copying.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def write(self) -> Iterator[Session]:
        """Write in one transaction, committed at the end, rolled back by any exception.

        When the connection is lost while committing, `Unavailable` leaves open whether it was.
        """
        with (
            answered(),
            self._turn(PATIENCE),
            Session(self._writing, expire_on_commit=False) as session,
        ):
            yield session
            session.commit()

    def raw_writer(self) -> RawWriter:
        """A connection of its own for one writer thread of token records."""
        if self._lock is not None and self.path is not None:
            return SqliteWriter(self.path, self._lock)
        return PostgresqlWriter(self._parsed)

    @contextmanager
    def migrate(self) -> Iterator[Connection]:
        """A transaction in which tables are made and changed; one at a time, others wait.

        SQLite changes a table by making it anew, so foreign keys rest meanwhile (dropping the
        old one would empty all that refers to it) and are checked as a whole before the commit.
        """
        with answered(), self._turn(MIGRATION_PATIENCE), self._migrating.connect() as connection:
            if self.is_sqlite:
                _prepare_sqlite(connection)
            try:
                with connection.begin():
                    yield connection
                    if self.is_sqlite:
                        _check_references(connection)
            finally:
                connection.invalidate()  # PRAGMAs and limits of a migration end with it

    def create(self) -> None:
        """Make the file and folder of the embedded default when missing; else do nothing."""
        if self.path is not None:
            files.make(self.path)

    @property
    def exists(self) -> bool:
        """False only for an embedded database whose file is not there."""
        return self.path is None or self.path.exists()

    def _turn(self, patience: float) -> AbstractContextManager[None]:
        return nullcontext() if self._lock is None else self._lock.held(patience)

    def checkpoint(self) -> None:
        """Move SQLite's write-ahead log into the file; does nothing on PostgreSQL.

        Connections never do it themselves, since a commit would wait for it. While there is
        always a writer the log is never quite empty and would grow, so a long one is emptied
        with writers kept out for the moment that its short rest takes.
        """
        if self.path is None or self._lock is None:
            return
        with answered(), closing(dialects.connect_sqlite(self.path)) as connection:
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
            if self._wal_size() > WAL_BOUND:
                connection.execute("PRAGMA busy_timeout = 50")
                with self._lock.held():
                    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def _wal_size(self) -> int:
        if self.path is None:
            return 0
        log = self.path.with_name(self.path.name + "-wal")
        return log.stat().st_size if log.exists() else 0

    def dispose(self) -> None:
        """Close all connections; those in use close when they are given back."""
        self.engine.dispose()
        if self._lock is not None:
            self._lock.close()


def _prepare_sqlite(connection: Connection) -> None:
    """Outside any transaction, where alone these PRAGMAs have an effect."""
    raw = connection.connection.driver_connection
    if raw is not None:
        raw.execute("PRAGMA journal_mode = WAL").close()
        raw.execute("PRAGMA foreign_keys = OFF").close()


def _check_references(connection: Connection) -> None:
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    if broken:
        tables = sorted({str(row[0]) for row in broken})
        raise RuntimeError(f"a migration left rows that refer to nothing in {', '.join(tables)}")

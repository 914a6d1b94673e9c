"""Real databases for tests: SQLite files, and a PostgreSQL 15 of this run's own.

A test that takes `database` runs on both engines, on a fresh database that was copied from one
made by the migrations.
"""

import ctypes
import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest

from authsvc.db import schema
from authsvc.db.engine import Database

BINARIES = Path("/usr/lib/postgresql/15/bin")
PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


def die_with_parent() -> None:
    """In a child, before exec: end it when the test run ends, however that ends.

    The parent is a thread: what is started in a thread of a pool ends with that pool.
    """
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGINT)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@dataclass
class Postgres:
    """A PostgreSQL server on loopback; `stop` and `start` keep its port and its data.

    `durable`: as it comes, and not without waiting for the disk, which no test needs.
    """

    folder: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen | None = None
    numbers: Iterator[int] = field(default_factory=itertools.count)
    durable: bool = False

    def url(self, name: str) -> str:
        return f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/{name}"

    def initialise(self) -> None:
        self.folder.chmod(0o755)
        home = self.folder / "home"
        home.mkdir()
        if os.geteuid() == 0:
            shutil.chown(home, "postgres", "postgres")
        made = self._run(
            "initdb", "-D", home / "data", "-U", "postgres", "-A", "trust",
            "--no-sync", "-E", "UTF8", "--locale=C",
        )  # fmt: skip
        assert made.wait(60) == 0, (self.folder / "log").read_text()

    def start(self) -> None:
        options = {
            "port": self.port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": self.folder / "home",
            "max_connections": 200,
        }
        if not self.durable:
            options |= dict.fromkeys(("fsync", "full_page_writes", "synchronous_commit"), "off")
        arguments = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        self.process = self._run("postgres", "-D", self.folder / "home" / "data", *arguments)
        deadline = time.monotonic() + 30
        while not self._answers():
            assert self.process.poll() is None, (self.folder / "log").read_text()
            assert time.monotonic() < deadline, "PostgreSQL does not answer"
            time.sleep(0.02)

    def _run(self, binary: str, *arguments: object) -> subprocess.Popen:
        user = "postgres" if os.geteuid() == 0 else None  # it refuses to run as root
        account = pwd.getpwnam("postgres") if user else None
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(
                [str(BINARIES / binary), *map(str, arguments)],
                cwd=self.folder,
                stdout=log,
                stderr=log,
                user=user,
                group=account.pw_gid if account else None,
                extra_groups=[] if user else None,
                preexec_fn=die_with_parent,  # noqa: PLW1509 - one system call, no locks
                env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C"},
            )

    def _answers(self) -> bool:
        try:
            self.administer("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    def administer(self, statement: str) -> None:
        with psycopg.connect(
            host="127.0.0.1", port=self.port, user="postgres", dbname="postgres",
            autocommit=True, connect_timeout=5,
        ) as connection:  # fmt: skip
            connection.execute(statement)

    def make_template(self, name: str) -> None:
        self.administer(f"CREATE DATABASE {name}")
        database = Database(self.url(name))
        schema.upgrade(database)
        database.dispose()

    def make(self, template: str) -> str:
        """The name of a fresh database."""
        name = f"test{next(self.numbers)}"
        self.administer(f"CREATE DATABASE {name} TEMPLATE {template}")
        return name

    def drop(self, name: str) -> None:
        self.administer(f"DROP DATABASE {name} WITH (FORCE)")

    def cut(self, name: str) -> None:
        """End every connection to a database, as a failover does."""
        self.administer(
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
        )

    def stop(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(30)
            self.process = None


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """The server of this worker, with `migrated` as a template. Leave it running."""
    folder = Path(tempfile.mkdtemp(prefix="asv-pg-", dir="/tmp"))
    server = Postgres(folder)
    try:
        server.initialise()
        server.start()
        server.make_template("migrated")
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)


@pytest.fixture
def postgres_of_its_own(tmp_path_factory) -> Iterator[Postgres]:
    """A server for one test that stops it, with one migrated database named `test`."""
    folder = Path(tempfile.mkdtemp(prefix="asv-pg-", dir="/tmp"))
    server = Postgres(folder)
    try:
        server.initialise()
        server.start()
        server.make_template("test")
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory) -> Path:
    """A migrated SQLite file to copy."""
    path = tmp_path_factory.mktemp("template") / "migrated.db"
    database = Database(f"sqlite:///{path}")
    schema.upgrade(database)
    database.dispose()
    return path


@pytest.fixture
def sqlite_url(sqlite_template, tmp_path) -> str:
    """The address of a fresh migrated SQLite file."""
    shutil.copyfile(sqlite_template, tmp_path / "test.db")
    return f"sqlite:///{tmp_path / 'test.db'}"


@pytest.fixture
def postgres_url(postgres) -> Iterator[str]:
    """The address of a fresh migrated PostgreSQL database."""
    name = postgres.make("migrated")
    yield postgres.url(name)
    postgres.drop(name)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request) -> str:
    """The address of a fresh migrated database, once for each engine."""
    return request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url")


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request, tmp_path) -> Iterator[str]:
    """The address of a database without any table, once for each engine."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
        return
    postgres = request.getfixturevalue("postgres")
    name = postgres.make("template0")
    yield postgres.url(name)
    postgres.drop(name)


@pytest.fixture
def database(database_url) -> Iterator[Database]:
    """A fresh migrated database, once for each engine."""
    opened = Database(database_url)
    yield opened
    opened.dispose()


@pytest.fixture
def empty_database(empty_url) -> Iterator[Database]:
    """A database without any table, once for each engine."""
    opened = Database(empty_url)
    yield opened
    opened.dispose()

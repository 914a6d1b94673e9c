"""A large policy applied beside a service that is asked for tokens all the while."""

import json
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cases import PASSWORD, SERVICE, Case, policy, progress, settings
from processes import authsvc, free_port, running

sys.path.append(str(Path(__file__).parents[1] / "tests"))  # the tests have what starts and asks

from db_fixtures import BINARIES, Postgres
from real.load import Load
from real.service import Account

GRANTS = 100_000
LEAST = 10  # tokens that are given before and after


def measured_policy(folder: Path, *, seconds: int, rounds: int) -> list[dict[str, Any]]:
    """All rows of the table; progress goes to standard error. Each engine is measured once."""
    del seconds, rounds
    found = []
    for name, url in engines():
        progress(f"{GRANTS:,} grants on {name}")
        with url() as database:
            found += applied(folder / name, name, database)
    return found


def engines() -> Iterator[tuple[str, Any]]:
    yield "SQLite", no_server
    if BINARIES.exists():
        yield "PostgreSQL", postgresql
    else:
        progress("PostgreSQL is not installed, so it is left out")


@contextmanager
def no_server() -> Iterator[str]:
    yield ""


@contextmanager
def postgresql() -> Iterator[str]:
    """The address of an empty database; its commits are not flushed to the disk."""
    with tempfile.TemporaryDirectory(prefix="bench-pg-", dir="/tmp") as folder:
        server = Postgres(Path(folder))
        try:
            server.initialise()
            server.start()
            yield server.url(server.make("template0"))
        finally:
            server.stop()


def applied(folder: Path, name: str, database: str) -> list[dict[str, Any]]:
    """What applying takes, and what callers notice of it; the second time nothing differs."""
    folder.mkdir()
    port = free_port()
    env = settings(folder, port, Case(name, ""))
    env |= {"AUTHSVC_DATABASE_URL": database} if database else {}
    authsvc("init", "--service", SERVICE, env=env)
    small, large = folder / "small.json", folder / "large.json"
    small.write_text(json.dumps(policy(10)))
    large.write_text(json.dumps(policy(GRANTS)))
    authsvc("policy", "apply", str(small), env=env)
    argv = [sys.executable, "-m", "authsvc.cli", "serve"]
    with running(argv, f"http://127.0.0.1:{port}/readyz", env=env, log=folder / "log"):
        rows = asked_meanwhile(name, port, lambda: authsvc("policy", "apply", str(large), env=env))
        again = took(lambda: authsvc("policy", "apply", str(large), env=env))
    return [*rows, row(f"{name}: applied again, no difference", again, "s")]


def asked_meanwhile(name: str, port: int, work: Any) -> list[dict[str, Any]]:
    accounts = [None, Account("alice", PASSWORD)]
    with Load(port, SERVICE, accounts) as callers:
        until(lambda: len(callers.waits) >= LEAST)
        callers.waits.clear()
        seconds = took(work)
        before = len(callers.waits)
        until(lambda: len(callers.waits) >= before + LEAST)
    return [
        row(f"{name}: {GRANTS:,} grants applied", seconds, "s"),
        row(f"{name}: tokens meanwhile", len(callers.waits), ""),
        row(f"{name}: refused", len(callers.refused), ""),
        row(f"{name}: longest wait for a token", max(callers.waits) * 1000, "ms"),
    ]


def row(case: str, value: float, unit: str) -> dict[str, Any]:
    return {"case": case, "value": value, "unit": unit, "ratio": None}


def took(work: Any) -> float:
    """Seconds."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def until(condition: Any) -> None:
    while not condition():
        time.sleep(0.01)

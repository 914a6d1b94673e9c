"""One and several workers on both engines: what another worker costs, and how long the tail is.

PostgreSQL has `fsync` on here, on the same disk as SQLite.
"""

import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from cases import BASIC, ONE, SERVICE, Case, check_answer, policy, progress, settings
from load import Measured, measure
from processes import authsvc, free_port, running

sys.path.append(str(Path(__file__).parents[1] / "tests"))  # the tests have its starter

from db_fixtures import Postgres

EACH = 32  # connections for one worker
WORKERS = (1, 2)
SQLITE, POSTGRESQL = "SQLite", "PostgreSQL"
Url = Callable[[], str]


def measured_engines(folder: Path, *, seconds: int, rounds: int) -> list[dict[str, Any]]:
    """All rows; services of one engine and number of workers run one after the other."""
    rows = []
    with postgres() as server:
        urls: dict[str, Url] = {SQLITE: str, POSTGRESQL: lambda: server.url(made(server))}
        for engine, url in urls.items():
            found = {}
            for workers in WORKERS:
                progress(f"{engine}, {workers} worker(s)")
                place = folder / f"{engine}-{workers}"
                with serving(place, url(), workers) as (pid, address):
                    found[workers] = best(pid, address, workers, seconds=seconds, rounds=rounds)
            rows += _rows(engine, found)
    return rows


def best(pid: int, url: str, workers: int, *, seconds: int, rounds: int) -> Measured:
    check_answer(url, Case("engines", ONE, BASIC))
    load = {"headers": (BASIC,), "connections": EACH * workers, "seconds": seconds}
    return min((measure(pid, url, **load) for _ in range(rounds)), key=lambda one: one.cost)


def _rows(engine: str, found: dict[int, Measured]) -> Iterator[dict[str, Any]]:
    """The ratio of a tail is to its median, that of a cost to the cost with one worker."""
    for workers, one in found.items():
        case = f"{engine}, {workers} worker" + "s" * (workers > 1)
        yield _row(f"{case}: tokens", one.rate, "/s", one.rate / found[1].rate)
        cost = one.cost / found[1].cost
        yield _row(f"{case}: processor time per token", one.cost, "us", cost)
        yield _row(f"{case}: p50", one.p50, "ms", 1.0)
        yield _row(f"{case}: p99 (to its p50)", one.p99, "ms", one.p99 / one.p50)


def _row(case: str, value: float, unit: str, ratio: float) -> dict[str, Any]:
    return {"case": case, "value": value, "unit": unit, "ratio": ratio}


@contextmanager
def serving(folder: Path, url: str, workers: int) -> Iterator[tuple[int, str]]:
    """A service on that database, or on a SQLite file of its own when there is none."""
    folder.mkdir(parents=True)
    port = free_port()
    env = settings(folder, port, Case("engines", ONE))
    if url:
        env["AUTHSVC_DATABASE_URL"] = url
    authsvc("init", "--service", SERVICE, env=env)
    (folder / "policy.yaml").write_text(json.dumps(policy(10)))
    authsvc("policy", "apply", str(folder / "policy.yaml"), env=env)
    argv = [sys.executable, "-m", "authsvc.cli", "serve", "--workers", str(workers)]
    ready = f"http://127.0.0.1:{port}/readyz"
    with running(argv, ready, env=env, log=folder / "log") as pid:
        yield pid, f"http://127.0.0.1:{port}/token?service={SERVICE}&{ONE}"


@contextmanager
def postgres() -> Iterator[Postgres]:
    """A server of this run's own that keeps what it acknowledged through a power cut."""
    folder = Path(tempfile.mkdtemp(prefix="bench-pg-"))
    server = Postgres(folder, durable=True)
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder)
        stack.callback(server.stop)
        server.initialise()
        server.start()
        yield server


def made(server: Postgres) -> str:
    """The name of a new, empty database."""
    name = f"bench{next(server.numbers)}"
    server.administer(f"CREATE DATABASE {name}")
    return name

"""The process as a whole: how soon it is there, and how much memory it takes."""

import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cases import SERVICE, basic, progress
from crowd import EACH, person
from flood import flooding
from processes import authsvc, free_port, memory, running
from served import SEEN, Serving, query, serving, settings

TOKENS = 100_000  # for SEEN callers, twice: memory is to be flat the second time
GUESSED = 10.0  # seconds of wrong passwords for a person of the database (argon2)


def measured_whole(folder: Path, *, seconds: int, rounds: int) -> list[dict[str, Any]]:  # noqa: ARG001 - nothing here is a rate
    """All rows of the table; progress goes to standard error."""
    help_ = [sys.executable, "-m", "authsvc.cli", "--help"]
    rows = [
        row("authsvc --help", least(rounds, lambda: took(help_)), "s"),
        row("start to ready", started(folder / "start", rounds), "s"),
    ]
    with serving(folder / "memory", SEEN * EACH) as service:
        rows.append(row("memory of one worker at rest", memory(service.pid), "MB"))
        for time_ in ("first", "second"):
            progress(f"{TOKENS:,} tokens for {SEEN:,} callers, the {time_} time")
            many(service)
            name = f"memory after {TOKENS:,} tokens for {SEEN:,} callers, the {time_} time"
            rows.append(row(name, memory(service.pid), "MB"))
        progress("wrong passwords")
        rows.append(row("memory while passwords are hashed (argon2)", hashing(service), "MB"))
    return rows


def row(case: str, value: float, unit: str) -> dict[str, Any]:
    return {"case": case, "value": value, "unit": unit, "ratio": None}


def least(rounds: int, once: Callable[[], float]) -> float:
    return min(once() for _ in range(rounds))


def took(argv: list[str]) -> float:
    """Seconds that a command runs."""
    began = time.perf_counter()
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def started(folder: Path, rounds: int) -> float:
    """Seconds from the start of `serve` until /readyz says 200."""
    progress("start to ready")
    folder.mkdir()
    port = free_port()
    env = settings(folder, port)
    authsvc("init", "--service", SERVICE, env=env)
    argv = [sys.executable, "-m", "authsvc.cli", "serve"]

    def once() -> float:
        began = time.perf_counter()
        with running(argv, f"http://127.0.0.1:{port}/readyz", env=env, log=folder / "log"):
            return time.perf_counter() - began

    return least(rounds, once)


def many(service: Serving) -> None:
    """TOKENS tokens, each caller in turn."""
    requests = [_request(service, number) for number in range(SEEN)]
    with socket.create_connection(("127.0.0.1", service.port)) as connection:
        for _ in range(TOKENS // SEEN):
            for request in requests:
                connection.sendall(request)
                _take(connection)


def _request(service: Serving, number: int) -> bytes:
    what = query(f"team{number * EACH % 977}/p{number * EACH}")
    head = f"GET {what} HTTP/1.1\r\nHost: 127.0.0.1:{service.port}\r\n"
    return f"{head}Authorization: {basic(person(number))}\r\n\r\n".encode()


def _take(connection: socket.socket) -> None:
    """One whole answer, which is a token."""
    text = connection.recv(65_536)
    head, _, body = text.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 "), text
    length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
    while len(body) < length:
        body += connection.recv(65_536)


def hashing(service: Serving) -> float:
    """The most megabytes while somebody guesses at the administrator's password."""
    most = 0.0
    with flooding(service.port, query("open/app"), "admin"):
        until = time.monotonic() + GUESSED
        while time.monotonic() < until:
            most = max(most, memory(service.pid))
            time.sleep(0.05)
    return most

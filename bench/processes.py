"""Servers to measure, each a process of its own on a free loopback port, stopped by its id."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
READY = 30.0  # seconds


def free_port() -> int:
    """A port that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def tree(root: int) -> list[int]:
    """The process and all its descendants."""
    found = [root]
    for pid in found:
        with contextlib.suppress(OSError):
            for task in Path(f"/proc/{pid}/task").iterdir():
                found += [int(child) for child in (task / "children").read_text().split()]
    return found


def processor_time(root: int) -> float:
    """Seconds of processor time, user and system, of a process tree so far.

    Threads count with their process; resolution is one clock tick, 10 ms.
    """
    total = 0
    for pid in tree(root):
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            total += int(fields[11]) + int(fields[12])
    return total / TICKS


def memory(root: int) -> float:
    """Resident megabytes of a process tree."""
    total = 0
    for pid in tree(root):
        with contextlib.suppress(OSError):
            total += int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return total * os.sysconf("SC_PAGE_SIZE") / 1e6


@contextlib.contextmanager
def running(
    argv: list[str], ready: str, *, env: Mapping[str, str] | None = None, log: Path
) -> Iterator[int]:
    """Run a server until the block ends; yields its process id once `ready` answers 200."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            argv, stdout=output, stderr=output, env={**os.environ, **(env or {})},
            start_new_session=True,
        )  # fmt: skip
    try:
        wait_for(ready, process, log)
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def wait_for(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    """Wait until a URL answers 200; RuntimeError with the log when it does not."""
    deadline = time.monotonic() + READY
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=2) as answer:
            if answer.status == 200:
                return
        time.sleep(0.05)
    raise RuntimeError(
        f"{process.args} did not come up:\n{log.read_text(errors='replace')[-4000:]}"
    )


def authsvc(*args: str, env: Mapping[str, str]) -> str:
    """Run a command of the service and return what it printed."""
    argv = [sys.executable, "-m", "authsvc.cli", *args]
    done = subprocess.run(
        argv, check=False, env={**os.environ, **env}, capture_output=True, text=True
    )
    if done.returncode:
        raise RuntimeError(f"{args} ended with {done.returncode}: {done.stderr}")
    return done.stdout

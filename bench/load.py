"""Load by `wrk`, and what it cost the server: rate, waiting times, processor time a request."""

import json
import re
import subprocess
import tempfile
from dataclasses import dataclass

from processes import processor_time

UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}


@dataclass(frozen=True)
class Measured:
    """Requests per second, milliseconds, and microseconds of processor time per request."""

    rate: float
    p50: float
    p99: float
    cost: float


def measure(
    pid: int, url: str, *, headers: tuple[str, ...] = (), form: str | None = None,
    connections: int = 32, seconds: int = 5,
) -> Measured:  # fmt: skip
    """Load one URL for some seconds, with GET or a POST of `form`.

    RuntimeError when any answer was not 2xx.
    """
    argv = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency"]
    for header in headers:
        argv += ["-H", header]
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        if form is not None:
            script.write(f'wrk.method = "POST"\nwrk.body = {json.dumps(form)}\n')
            script.flush()
            argv += ["-s", script.name]
        before = processor_time(pid)
        text = subprocess.run([*argv, url], capture_output=True, text=True, check=True).stdout
    spent = processor_time(pid) - before
    if "Non-2xx" in text or "Socket errors" in text:
        raise RuntimeError(text)
    done = int(re.search(r"(\d+) requests in", text)[1])
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1])
    return Measured(rate, _wait(text, 50), _wait(text, 99), spent / done * 1e6)


def best(pid: int, url: str, *, rounds: int = 3, **options: object) -> Measured:
    """The round of several with the least processor time: what disturbs only ever adds."""
    return min((measure(pid, url, **options) for _ in range(rounds)), key=lambda m: m.cost)


def _wait(text: str, percent: int) -> float:
    value, unit = re.search(rf"{percent}%\s+([\d.]+)(us|ms|s|m)\b", text).groups()
    return float(value) * UNITS[unit]

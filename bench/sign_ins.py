"""People beside the anonymous: remembered ones, new ones of a directory, and while others guess.

All limits are on and none is reached. Without slapd the directory is left out.
"""

import contextlib
import http.client
import json
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cases import ONE, PASSWORD, SERVICE, Case, basic, policy, progress, settings
from directory import Directory, directory, is_installed
from flood import CONNECTIONS, flooding
from load import Measured, measure
from processes import authsvc, free_port, running

ANONYMOUS, FILE, CORP = "anonymous", "htpasswd (bcrypt 10)", "LDAP"
NAMES = {FILE: "alice", CORP: "lena"}
NEW = tuple(f"u{number}" for number in range(50))  # who sign in once, one after the other
LONGEST = 4  # seconds of one round, of which there are many
QUERY = f"/token?service={SERVICE}&{ONE}"


@dataclass(frozen=True)
class Serving:
    """A service with one worker on SQLite."""

    pid: int
    port: int


Round = dict[str, Measured]


def measured_sign_ins(folder: Path, *, seconds: int, rounds: int) -> list[dict[str, Any]]:
    """All rows of the table; progress goes to standard error."""
    callers = [ANONYMOUS, FILE, CORP] if is_installed() else [ANONYMOUS, FILE]
    if CORP not in callers:
        progress("slapd is not installed, so the directory is left out")
        with installed(folder / "it", None) as env, serving(folder / "it", env) as service:
            return loaded(service, callers, seconds=seconds, rounds=rounds)
    with (
        directory([NAMES[CORP], *NEW], PASSWORD) as corp,
        installed(folder / "it", corp) as env,
    ):
        with serving(folder / "it", env) as service:
            found = logins(service, corp, "first login of all")
        with serving(folder / "it", env) as service:
            found += logins(service, corp, "cold login")
            return loaded(service, callers, seconds=seconds, rounds=rounds) + found


@contextmanager
def installed(folder: Path, corp: Directory | None) -> Iterator[dict[str, str]]:
    """The settings of an installation with alice in a file, and the directory's people."""
    folder.mkdir()
    env = settings(folder, free_port(), Case("sign-ins", ONE))
    if corp is not None:
        with Path(env["AUTHSVC_CONFIG"]).open("a") as config:
            config.write(corp.settings("corp"))
    authsvc("init", "--service", SERVICE, env=env)
    (folder / "policy.yaml").write_text(json.dumps(policy(10)))
    authsvc("policy", "apply", str(folder / "policy.yaml"), env=env)
    yield env


@contextmanager
def serving(folder: Path, env: dict[str, str]) -> Iterator[Serving]:
    argv = [sys.executable, "-m", "authsvc.cli", "serve"]
    port = free_port()
    env = {**env, "AUTHSVC_SERVER__PORT": str(port)}
    with running(argv, f"http://127.0.0.1:{port}/readyz", env=env, log=folder / "log") as pid:
        yield Serving(pid, port)


def logins(service: Serving, corp: Directory, case: str) -> list[dict[str, Any]]:
    """What a login costs that nothing remembered answers, over connections that lie open."""
    progress(f"LDAP, {case}")
    connection = http.client.HTTPConnection("127.0.0.1", service.port)
    with contextlib.closing(connection):
        granted(connection, NAMES[CORP])  # opens the connections to the directory
        before = corp.asked(binds=2)
        waits = []
        for name in NEW:
            began = time.perf_counter()
            granted(connection, name)
            waits.append((time.perf_counter() - began) * 1000)
    asked = corp.asked(len(NEW), before)
    beyond = (asked.total() - len(NEW)) / len(NEW)
    return [
        row(f"LDAP, {case}: round trips beyond the bind", beyond, ""),
        row(f"LDAP, {case}: median wait", statistics.median(waits), "ms"),
    ]


def granted(connection: http.client.HTTPConnection, name: str) -> None:
    connection.request("GET", QUERY, headers={"Authorization": basic(name)})
    answer = connection.getresponse()
    body = answer.read()
    assert answer.status == 200, (answer.status, body)
    assert json.loads(body)["scope"], body


def loaded(
    service: Serving, callers: list[str], *, seconds: int, rounds: int
) -> list[dict[str, Any]]:
    """Callers in turn, so that what disturbs disturbs each alike; quiet and beside a flood."""
    seconds = min(seconds, LONGEST)
    quiet, flooded, refused = [], [], []
    for number in range(rounds):
        progress(f"remembered callers, round {number + 1}")
        quiet.append(asked_in_turn(service, callers, seconds))
        with flooding(service.port, QUERY, NAMES[FILE]) as flood:
            flooded.append(asked_in_turn(service, callers[1:], seconds))
        refused.append(flood.rate)
    found = [row("anonymous", middle(quiet, ANONYMOUS, "rate"), "/s", 1.0)]
    for who in callers[1:]:
        ratio = statistics.median(each[who].rate / each[ANONYMOUS].rate for each in quiet)
        found.append(row(f"remembered {who}", middle(quiet, who, "rate"), "/s", ratio))
    found.append(row(f"{CONNECTIONS} guessing: refusals", statistics.median(refused), "/s"))
    return found + [each for who in callers[1:] for each in beside(who, quiet, flooded)]


def asked_in_turn(service: Serving, callers: list[str], seconds: int) -> Round:
    return {who: asked(service, who, seconds) for who in callers}


def asked(service: Serving, who: str, seconds: int) -> Measured:
    headers = (f"Authorization: {basic(NAMES[who])}",) if who in NAMES else ()
    if who in NAMES:
        connection = http.client.HTTPConnection("127.0.0.1", service.port)
        with contextlib.closing(connection):
            granted(connection, NAMES[who])
    url = f"http://127.0.0.1:{service.port}{QUERY}"
    return measure(service.pid, url, headers=headers, seconds=seconds)


def beside(who: str, quiet: list[Round], flooded: list[Round]) -> Iterator[dict[str, Any]]:
    """What a remembered caller gets beside the flood, and the ratio to the same round's quiet."""
    for figure, unit in (("rate", "/s"), ("p50", "ms"), ("p99", "ms")):
        ratio = statistics.median(
            getattr(loud[who], figure) / getattr(still[who], figure)
            for still, loud in zip(quiet, flooded, strict=True)
        )
        case = f"{CONNECTIONS} guessing: remembered {who}, {figure}"
        yield row(case, middle(flooded, who, figure), unit, ratio)


def middle(rounds: list[Round], who: str, figure: str) -> float:
    return statistics.median(getattr(each[who], figure) for each in rounds)


def row(case: str, value: float, unit: str, ratio: float | None = None) -> dict[str, Any]:
    return {"case": case, "value": value, "unit": unit, "ratio": ratio}

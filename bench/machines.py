"""Callers with minted secrets beside anonymous ones: on one service, round by round.

First use is in it: nobody's secret was seen before the clock starts.
"""

import base64
import json
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from cases import BASIC, ONE, SERVICE, Case, progress, service, settings_of
from load import Measured, measure
from processes import authsvc


@dataclass(frozen=True)
class Sent:
    """What a caller sends beside the address: headers, and the form of a POST."""

    headers: tuple[str, ...] = ()
    form: str | None = None


def robot(env: dict[str, str]) -> Sent:
    """A robot that reads the public namespace."""
    made = authsvc(
        "robot", "add", "ci", "--namespace", "open", "--role", "reader", "--json", env=env
    )
    return Sent((_basic("robot.ci", json.loads(made)["secret"]),))


def personal(env: dict[str, str]) -> Sent:
    """alice, with a personal access token in the place of her password."""
    made = authsvc("pat", "add", "--user", "file:alice", "--name", "bench", "--json", env=env)
    return Sent((_basic("alice", json.loads(made)["secret"]),))


def refreshing(url: str, service: str, header: str) -> Sent:
    """alice, with the refresh token that she gets at `url` for her password."""
    request = urllib.request.Request(f"{url}&offline_token=true")
    request.add_header(*header.split(": ", 1))
    with urllib.request.urlopen(request) as answer:
        token = json.load(answer)["refresh_token"]
    scope = "repository:open/app:pull"
    form = {"grant_type": "refresh_token", "refresh_token": token, "service": service,
            "client_id": "docker", "scope": scope}  # fmt: skip
    return Sent(("Content-Type: application/x-www-form-urlencoded",), urlencode(form))


def _basic(name: str, secret: str) -> str:
    return "Authorization: Basic " + base64.b64encode(f"{name}:{secret}".encode()).decode()


def measured_machines(folder: Path, *, seconds: int, rounds: int) -> list[dict[str, Any]]:
    """Rates and processor time of each kind of caller, and what they are of the anonymous ones."""
    with service(folder / "machines", Case("machines", ONE)) as (pid, url):
        env = settings_of(folder / "machines")
        authsvc("registry", "set", SERVICE, "--refresh-tokens", "on", env=env)
        callers = {"anonymous": Sent(), "robot": robot(env), "PAT": personal(env)}
        callers["refresh token"] = refreshing(url, SERVICE, BASIC)
        found: dict[str, list[Measured]] = {name: [] for name in callers}
        for number in range(rounds):
            progress(f"machines, round {number + 1} of {rounds}")
            for name, sent in callers.items():
                where = url.partition("?")[0] if sent.form else url
                found[name].append(
                    measure(pid, where, headers=sent.headers, form=sent.form, seconds=seconds)
                )
    return _rows(found)


def _rows(found: dict[str, list[Measured]]) -> list[dict[str, Any]]:
    rates = {name: max(one.rate for one in rounds) for name, rounds in found.items()}
    costs = {name: min(one.cost for one in rounds) for name, rounds in found.items()}
    rows = [_row(f"{name}, tokens", rates[name], "/s", rates["anonymous"]) for name in found]
    return rows + [
        _row(f"{name}, processor time per token", costs[name], "us", costs["anonymous"])
        for name in found
    ]


def _row(case: str, value: float, unit: str, anonymous: float) -> dict[str, Any]:
    return {"case": case, "value": value, "unit": unit, "ratio": value / anonymous}

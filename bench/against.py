"""Beside docker_auth, case by case in the same run: we with as many workers as there are cores.

Each ratio is ours over theirs. Its configuration says the same as our policy: rules that come
before the one that matches are grants of others here.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cases import BASIC, LIMITS, ONE, PASSWORD, SERVICE, check_answer, progress
from cases import Case as Asked
from directory import Directory, directory, is_installed
from load import Measured, best
from peer import Peer, docker_auth
from processes import authsvc, free_port, running

WORKERS = os.cpu_count() or 1
SLOW = 8  # connections of who hashes for every token: wrk gives an answer two seconds
ANONYMOUS = {"match": {"account": "", "name": "open/*"}, "actions": ["pull"]}
HERS = {"match": {"account": "alice", "name": "open/*"}, "actions": ["pull"]}


@dataclass(frozen=True)
class Case:
    """One comparison; `target` is the least ratio of rates, `hashed` the cost of a bcrypt hash."""

    name: str
    target: float
    rules: int = 1
    algorithm: str = "ES256"
    hashed: int = 0
    by_directory: bool = False

    @property
    def person(self) -> bool:
        return bool(self.hashed or self.by_directory)


CASES = (
    Case("anonymous, ES256", 1.0),
    Case("anonymous, RS256-2048", 2.2, algorithm="RS256"),
    Case("10 rules, the last one matching", 1.1, rules=10),
    Case("1,000 rules", 50, rules=1_000),
    Case("10,000 rules", 400, rules=10_000),
    Case("bcrypt 10", 300, hashed=10),
    Case("bcrypt 12", 1_500, hashed=12),
    Case("LDAP", 5, by_directory=True),
)


def measured_against(folder: Path, *, seconds: int, rounds: int) -> list[dict[str, Any]]:
    """Our figures and theirs for every case; nothing without DOCKER_AUTH."""
    binary = os.environ.get("DOCKER_AUTH")
    if not binary:
        progress("docker_auth: DOCKER_AUTH names no binary, so the peer is left out")
        return []
    rows = []
    for number, case in enumerate(CASES):
        if case.by_directory and not is_installed():
            progress("slapd is not installed, so the directory is left out")
            continue
        progress(f"{case.name}, beside docker_auth")
        run = Run(folder / str(number), case, binary, seconds, rounds)
        with _corp(case) as corp:
            rows += _rows(case, run.ours(corp), run.theirs(corp))
    return rows


@contextmanager
def _corp(case: Case) -> Iterator[Directory | None]:
    if not case.by_directory:
        yield None
        return
    with directory(["alice"], PASSWORD) as corp:
        yield corp


@dataclass(frozen=True)
class Run:
    """One case, measured at both."""

    folder: Path
    case: Case
    binary: str
    seconds: int
    rounds: int

    def ours(self, corp: Directory | None) -> Measured:
        """The service with WORKERS workers on SQLite; the password is verified before."""
        self.folder.mkdir(parents=True)
        port = free_port()
        env = self._settings(port, corp)
        authsvc("init", "--service", SERVICE, env=env)
        (self.folder / "policy.yaml").write_text(json.dumps(self._policy()))
        authsvc("policy", "apply", str(self.folder / "policy.yaml"), env=env)
        argv = [sys.executable, "-m", "authsvc.cli", "serve", "--workers", str(WORKERS)]
        ready = f"http://127.0.0.1:{port}/readyz"
        url = f"http://127.0.0.1:{port}/token?service={SERVICE}&{ONE}"
        with running(argv, ready, env=env, log=self.folder / "log") as pid:
            return self._measured(pid, url, connections=32)

    def theirs(self, corp: Directory | None) -> Measured:
        """docker_auth, which asks for every token anew."""
        rules = [
            {"match": {"account": "", "name": f"team{n}/*"}, "actions": ["pull"]}
            for n in range(self.case.rules - 1)
        ]
        users = {"alice": {"password": hashed(self.case.hashed)}} if self.case.hashed else {}
        acl = [*rules, HERS if self.case.person else ANONYMOUS]
        peer = Peer(self.case.algorithm, acl, users, corp and self._ldap(corp))
        with docker_auth(self.folder / "peer", self.binary, SERVICE, peer) as (pid, url):
            slow = SLOW if self.case.hashed or self.case.rules > 1_000 else 32
            return self._measured(pid, f"{url}&{ONE}", connections=slow)

    def _measured(self, pid: int, url: str, *, connections: int) -> Measured:
        header = BASIC if self.case.person else ""
        for _ in range(2 * WORKERS):  # each worker verifies a password once
            check_answer(url, Asked(self.case.name, ONE, header))
        headers = (header,) if header else ()
        options = {"seconds": self.seconds, "rounds": self.rounds, "connections": connections}
        return best(pid, url, headers=headers, **options)

    def _settings(self, port: int, corp: Directory | None) -> dict[str, str]:
        config = self.folder / "authsvc.toml"
        source = corp.settings("corp") if corp else ""
        if self.case.hashed:
            (self.folder / "htpasswd").write_text(f"alice:{hashed(self.case.hashed)}\n")
            source = '[[sources]]\ntype = "htpasswd"\nname = "file"\npath = "htpasswd"\n'
        config.write_text(
            f'public_url = "http://localhost:{port}"\n[server]\nport = {port}\n'
            f'[token]\nalgorithm = "{self.case.algorithm}"\n{LIMITS}{source}'
        )
        return {"AUTHSVC_CONFIG": str(config)}

    def _policy(self) -> dict[str, Any]:
        whom = "authenticated" if self.case.person else "everyone"
        places = [*(f"team{n}" for n in range(self.case.rules - 1)), "open"]
        return {"grants": [{"subject": whom, "role": "reader", "on": on} for on in places]}

    def _ldap(self, corp: Directory) -> dict[str, Any]:
        secret = self.folder / "reader"
        secret.write_text(corp.password)
        return {
            "addr": corp.address, "tls": "none", "base": corp.people, "filter": "(uid=${account})",
            "bind_dn": corp.reader, "bind_password_file": str(secret),
        }  # fmt: skip


def hashed(cost: int) -> str:
    """PASSWORD as bcrypt of that cost."""
    argv = ["htpasswd", "-nbBC", str(cost), "alice", PASSWORD]
    line = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
    return line.strip().partition(":")[2]


def _rows(case: Case, ours: Measured, theirs: Measured) -> list[dict[str, Any]]:
    figures: tuple[tuple[str, str, Callable[[Measured], float]], ...] = (
        ("tokens", "/s", lambda one: one.rate),
        ("processor time per token", "us", lambda one: one.cost),
        ("p99", "ms", lambda one: one.p99),
    )
    rows = []
    for what, unit, of in figures:
        mine, peers = of(ours), of(theirs)
        row = {"case": f"{case.name}: {what}", "value": mine, "unit": unit, "ratio": mine / peers}
        rows.append(row | {"peer": peers})
    return rows

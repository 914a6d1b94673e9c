"""Services with a crowd stored, and questions to them as anybody of it."""

import contextlib
import http.client
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from cases import LIMITS, PASSWORD, SERVICE, basic
from crowd import ALICE, SOURCE, fill, person
from processes import authsvc, free_port, running

SEEN = 10_000  # of the crowd that may sign in
STALENESS = 1.0  # the default of `cache.staleness`, seconds


@dataclass(frozen=True)
class Serving:
    """A service with one worker on SQLite."""

    pid: int
    port: int
    env: dict[str, str]
    database: Path

    def url(self, *names: str) -> str:
        return f"http://127.0.0.1:{self.port}{query(*names)}"


@contextmanager
def serving(folder: Path, grants: int, **held: int) -> Iterator[Serving]:
    """An installation with that many grants, running with one worker on SQLite."""
    folder.mkdir()
    port = free_port()
    env = settings(folder, port)
    authsvc("init", "--service", SERVICE, env=env)
    database = folder / "data" / "authsvc.db"
    fill(database, grants, **held)
    argv = [sys.executable, "-m", "authsvc.cli", "serve"]
    with running(argv, f"http://127.0.0.1:{port}/readyz", env=env, log=folder / "log") as pid:
        yield Serving(pid, port, env, database)


def settings(folder: Path, port: int) -> dict[str, str]:
    """All of the crowd may sign in with one password, of the least cost: it is not measured."""
    argv = ["htpasswd", "-nbBC", "4", ALICE, PASSWORD]
    hashed = subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip()
    names = [ALICE, *map(person, range(SEEN))]
    lines = (hashed.replace(ALICE, name, 1) for name in names)
    (folder / "htpasswd").write_text("\n".join(lines) + "\n")
    config = folder / "authsvc.toml"
    config.write_text(
        f'public_url = "http://localhost:{port}"\n'
        f"[server]\nport = {port}\n"
        f"[cache]\nstaleness = {STALENESS}\n{LIMITS}"
        f'[[sources]]\ntype = "htpasswd"\nname = "{SOURCE}"\npath = "htpasswd"\n'
    )
    return {"AUTHSVC_CONFIG": str(config)}


def query(*names: str) -> str:
    """The path and query of a request for pull of all these repositories."""
    scopes = [("scope", f"repository:{name}:pull") for name in names]
    return "/token?" + urlencode([("service", SERVICE), *scopes], safe=":/")


def ask(service: Serving, name: str, *names: str) -> list[str]:
    connection = http.client.HTTPConnection("127.0.0.1", service.port)
    with contextlib.closing(connection):
        return granted(connection, name, *names)


def granted(connection: http.client.HTTPConnection, name: str, *names: str) -> list[str]:
    """The scopes that a token gives a person."""
    connection.request("GET", query(*names), headers={"Authorization": basic(name)})
    answer = connection.getresponse()
    body = answer.read()
    assert answer.status == 200, (answer.status, body)
    return json.loads(body)["scope"].split()

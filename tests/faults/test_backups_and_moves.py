"""The commands of docs/operations.md for backups and moves, run as written, and what comes back."""

import json
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import pytest
from db_fixtures import BINARIES
from real.people import GIVING, WRITER, introduce
from real.process import wait_for
from real.service import PROGRAM, Account, Service
from real.wire import ask_token, basic, call, claims

PAGE = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()
_FLAGS = re.MULTILINE | re.DOTALL
BLOCKS = {
    (what, engine): text
    for what, engine, text in re.findall(r"^```sh (\w+) (\w+)\n(.*?)^```$", PAGE, _FLAGS)
}
SERVER = "authsvc@db.example.com/authsvc"
SCOPE = "repository:team/app:pull"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
ENGINES = ("sqlite", "postgresql")


@dataclass
class Place:
    """A service, and the PostgreSQL database that stands for the one of the page."""

    service: Service
    address: str

    def run(self, what, engine):
        """What the commands of a block print, with the address that is meant."""
        text = BLOCKS[what, engine].replace(SERVER, self.address)
        path = os.pathsep.join([str(PROGRAM.parent), str(BINARIES), os.environ["PATH"]])
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", text], cwd=self.service.folder, text=True,
            env=os.environ | {"PATH": path}, capture_output=True, check=False, timeout=120,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def use(self, url):
        """Has `database_url` point elsewhere."""
        file = self.service.folder / "authsvc.toml"
        lines = [line for line in file.read_text().splitlines() if "database_url" not in line]
        file.write_text(f'database_url = "{url}"\n' + "\n".join(lines) + "\n")


@dataclass(frozen=True)
class Credentials:
    """One of each kind."""

    refresh: str
    pat: str
    robot: str

    def good(self, service):
        """The kinds that open something now, the password of WRITER among them."""
        shown = {
            "password": WRITER,
            "pat": Account(WRITER.name, self.pat),
            "robot": Account("robot.ci", self.robot),
        }
        realm = f"{service.url}/token"
        found = {
            kind
            for kind, account in shown.items()
            if ask_token(realm, GIVING, SCOPE, account=account).status == 200
        }
        form = {"grant_type": "refresh_token", "refresh_token": self.refresh, "service": GIVING,
                "scope": SCOPE, "client_id": "tests"}  # fmt: skip
        answer = call("POST", realm, body=urlencode(form).encode(), headers=FORM)
        return found | ({"refresh token"} if answer.status == 200 else set())


EVERY = {"password", "pat", "robot", "refresh token"}


def credentials(service):
    """New ones, of a person and a robot who may pull."""
    asked = {"service": GIVING, "offline_token": "true", "client_id": "tests"}
    answer = call("GET", f"{service.url}/token?{urlencode(asked)}", headers=basic(WRITER))
    robot = service.cli("robot", "add", "ci", "--namespace", "team", "--role", "reader", "--json")
    pat = service.cli("pat", "add", "--user", WRITER.name, "--name", "laptop", "--json")
    return Credentials(
        str(answer.json()["refresh_token"]), json.loads(pat)["secret"], json.loads(robot)["secret"]
    )


@pytest.fixture
def place(request, folder, postgres):
    """A running service on the engine of the test."""
    server = f"postgres@127.0.0.1:{postgres.port}/{postgres.make('template0')}"
    url = f"postgresql+psycopg://{server}" if request.param == "postgresql" else ""
    service = Service(folder, database_url=url)
    introduce(service)
    service.start()
    yield Place(service, server)
    service.stop()


@pytest.mark.parametrize(
    ("place", "engine"), [(each, each) for each in ENGINES], indirect=["place"], ids=ENGINES
)
def test_a_restored_backup_makes_good_again_what_the_page_says_and_no_refresh_token(place, engine):
    service = place.service
    held = credentials(service)
    wait_for(lambda: held.good(service) == EVERY, "all of them to be good")
    place.run("backup", engine)
    service.cli("user", "revoke", WRITER.name)
    service.cli("user", "disable", WRITER.name)
    service.cli("robot", "rotate", "ci", "--keep-old", "0")
    wait_for(lambda: held.good(service) == set(), "none of them to be good")
    service.stop()
    said = place.run("restore", engine)
    assert "ended 1 refresh tokens" in said
    assert re.search(r"^  ci \(made ", said, re.MULTILINE)
    assert f"'laptop' of {WRITER.name}" in said
    service.start()
    assert held.good(service) == EVERY - {"refresh token"}
    assert ["restored" in (each["after"] or ()) for each in service.audit()].count(True) == 1
    service.cli("audit", "verify")


def pulls(service):
    """The `jti` of a token that opens something."""
    answer = ask_token(f"{service.url}/token", GIVING, SCOPE, account=WRITER)
    assert answer.status == 200
    return claims(str(answer.json()["token"]))["jti"]


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
def test_a_service_goes_on_over_postgresql_and_over_sqlite_again(place):
    service = place.service
    held = credentials(service)
    before = {pulls(service) for _ in range(3)}
    service.stop()
    place.run("move", "postgresql")
    place.use(f"postgresql+psycopg://{place.address}")
    service.start()
    assert held.good(service) == EVERY
    over_postgresql = {pulls(service) for _ in range(3)}
    service.cli("group", "add", "made-there")
    service.stop()
    (service.folder / "data" / "authsvc.db").rename(service.folder / "data" / "old.db")
    place.run("move", "sqlite")
    place.use(f"sqlite:///{service.folder}/data/authsvc.db")
    service.start()
    assert held.good(service) == EVERY
    service.cli("group", "show", "made-there")
    given = before | over_postgresql | {pulls(service)}
    assert {each["decision_id"] for each in service.audit()} >= given
    service.cli("audit", "verify")


def test_every_block_of_the_page_is_run():
    assert set(BLOCKS) == {
        (what, engine) for what in ("backup", "restore", "move") for engine in ENGINES
    }

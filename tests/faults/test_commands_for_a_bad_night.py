"""One command ends a stolen credential in every worker of every replica, though it is remembered.

That is on time long before what is remembered would end by itself: patience is a third of that.
"""

import json
from dataclasses import dataclass
from urllib.parse import urlencode

import pytest
from real import replicas as several
from real.process import wait_for
from real.replicas import MEETINGS, PATIENCE, WORKERS
from real.service import Account
from real.wire import ask_token, basic, call

GOOD, NO, NO_FORM, NO_SERVICE = 200, 401, 400, 400


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def replicas(request, rt, postgres):
    url = f"sqlite:///{rt}/bad-night.db"
    if request.param == "postgresql":
        url = postgres.url(postgres.make("template0"))
    started = several.started(rt / f"bad-night-{request.param}", url)
    yield started
    several.stop(started)


@dataclass(frozen=True)
class Basic:
    """A name and a password or secret, at a registry."""

    account: Account
    at: str

    def ask(self, service):
        return ask_token(f"{service.url}/token", self.at, account=self.account).status


@dataclass(frozen=True)
class Form:
    """A refresh token, at a registry."""

    token: str
    at: str

    def ask(self, service):
        form = {"grant_type": "refresh_token", "refresh_token": self.token, "service": self.at}
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        url = f"{service.url}/token"
        return call("POST", url, body=urlencode(form).encode(), headers=kind).status


@dataclass(frozen=True)
class Stolen:
    """All that somebody has, and a robot of theirs, on a registry of their own."""

    replicas: object
    registry: str
    person: str
    robot: str
    pat_id: int
    password: Basic
    pat: Basic
    refresh: Form
    machine: Basic

    def run(self, *command):
        return self.replicas.all[0].cli(*command)

    def all_say(self, **expected):
        """Wait until every worker of every replica says so."""
        for name, status in expected.items():
            wait_for(
                lambda name=name, status=status: everywhere(
                    self.replicas, getattr(self, name), status
                ),
                f"every worker to say {status} to {name}",
                patience=PATIENCE,
            )


def everywhere(replicas, shown, status):
    for service, workers in zip(replicas.all, WORKERS, strict=True):
        for _ in range(1 if workers == 1 else MEETINGS):
            if shown.ask(service) != status:
                return False
    return True


@pytest.fixture
def stolen(replicas):
    """Each is remembered by every worker."""
    account, _ = replicas.person()
    registry = replicas.fresh("registry") + ".test"
    replicas.make("registries", name=registry, refresh_tokens=True)
    name = replicas.fresh("robot")
    robot = replicas.make("robots", name=name, namespace="team", role="reader")
    pat = replicas.make("pats", name="laptop", user=account.name)
    shown = Stolen(
        replicas, registry, account.name, name, pat["id"],
        Basic(account, registry),
        Basic(Account(account.name, pat["secret"]), registry),
        Form(refresh_token(replicas.all[-1], account, registry), registry),
        Basic(Account(f"robot.{name}", robot["secret"]), registry),
    )  # fmt: skip
    shown.all_say(password=GOOD, pat=GOOD, refresh=GOOD, machine=GOOD)
    return shown


def refresh_token(service, account, registry):
    found = []

    def given():
        url = f"{service.url}/token?service={registry}&offline_token=true"
        answer = call("GET", url, headers=basic(account))
        found.append(answer.json().get("refresh_token"))
        return found[-1] is not None

    wait_for(given, "a refresh token", patience=PATIENCE)
    return found[-1]


def test_user_revoke(stolen):
    """And the password goes on, verified anew."""
    stolen.run("user", "revoke", stolen.person)
    stolen.all_say(pat=NO, refresh=NO_FORM)
    stolen.all_say(password=GOOD, machine=GOOD)


def test_user_disable_and_enable(stolen):
    stolen.run("user", "disable", stolen.person)
    stolen.all_say(password=NO, pat=NO, refresh=NO_FORM)
    stolen.all_say(machine=GOOD)
    stolen.run("user", "enable", stolen.person)
    stolen.all_say(password=GOOD, pat=GOOD, refresh=NO_FORM)


def test_user_remove(stolen):
    stolen.run("user", "remove", stolen.person)
    stolen.all_say(password=NO, pat=NO, refresh=NO_FORM)
    again = Account(stolen.person, stolen.password.account.password)
    stolen.replicas.make("users", name=again.name, password=again.password)
    stolen.all_say(password=GOOD, pat=NO, refresh=NO_FORM, machine=GOOD)


def test_user_set_password(stolen):
    stolen.replicas.all[0].cli(
        "user", "set-password", stolen.person, "--password-stdin", stdin="six bridges and a lake"
    )
    stolen.all_say(password=NO, refresh=NO_FORM)
    stolen.all_say(pat=GOOD, machine=GOOD)


def test_robot_rotate_that_keeps_nothing(stolen):
    made = json.loads(stolen.run("robot", "rotate", stolen.robot, "--keep-old", "0", "--json"))
    stolen.all_say(machine=NO)
    new = Basic(Account(f"robot.{stolen.robot}", made["secret"]), stolen.registry)
    assert everywhere(stolen.replicas, new, GOOD)
    stolen.all_say(pat=GOOD, refresh=GOOD, password=GOOD)


def test_robot_disable_and_enable(stolen):
    stolen.run("robot", "disable", stolen.robot)
    stolen.all_say(machine=NO)
    stolen.all_say(pat=GOOD, refresh=GOOD, password=GOOD)
    stolen.run("robot", "enable", stolen.robot)
    stolen.all_say(machine=GOOD)


def test_pat_remove(stolen):
    other = stolen.replicas.make("pats", name="desktop", user=stolen.person)
    stolen.run("pat", "remove", str(stolen.pat_id))
    stolen.all_say(pat=NO)
    new = Basic(Account(stolen.person, other["secret"]), stolen.registry)
    assert everywhere(stolen.replicas, new, GOOD)
    stolen.all_say(refresh=GOOD, password=GOOD, machine=GOOD)
    stolen.run("pat", "remove", "--user", stolen.person, "--name", "desktop")
    wait_for(lambda: everywhere(stolen.replicas, new, NO), "its end", patience=PATIENCE)


def test_registry_disable(stolen):
    stolen.run("registry", "set", stolen.registry, "--disable")
    all_of_them = ("password", "pat", "refresh", "machine")
    stolen.all_say(**dict.fromkeys(all_of_them, NO_SERVICE))
    stolen.run("registry", "set", stolen.registry, "--enable")
    stolen.all_say(password=GOOD, pat=GOOD, machine=GOOD)


def test_registry_without_refresh_tokens(stolen):
    stolen.run("registry", "set", stolen.registry, "--refresh-tokens", "off")
    stolen.all_say(refresh=NO_FORM)
    stolen.run("registry", "set", stolen.registry, "--refresh-tokens", "on")
    stolen.all_say(refresh=NO_FORM, password=GOOD, pat=GOOD, machine=GOOD)

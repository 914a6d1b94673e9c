"""HA-26. Each switch that fails open says so in /readyz, a metric and the log while in effect."""

import json
import re
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from real.company import settle
from real.process import wait_for
from real.redis import running
from real.service import Service
from real.slapd import GROUPS, PEOPLE, READER, READERS_PASSWORD, Slapd
from real.wire import ask_token, call

AT = "switches.test:5000"
DOCS = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()
LAX = """\
[audit]
durability = "async"
on_failure = "allow"
"""
BEGUN, ENDED = "is in effect", "is in effect no longer"


def source(directory, **more):
    corp = {
        "type": "ldap", "name": "corp", "urls": [directory.url], "bind_dn": READER,
        "bind_password": READERS_PASSWORD, "user_base": PEOPLE, "group_base": GROUPS, **more,
    }  # fmt: skip
    return "[[sources]]\n" + "".join(f"{k} = {json.dumps(v)}\n" for k, v in corp.items())


class Watched:
    """A service, and what it says of its switches."""

    def __init__(self, service):
        self.service = service

    def dependencies(self):
        return call("GET", f"{self.service.url}/readyz").json()["dependencies"]

    def metric(self):
        """Which switches the metric knows, and of each whether it is in effect."""
        text = call("GET", f"{self.service.url}/metrics").body.decode()
        found = re.findall(r'^authsvc_fail_open\{switch="(.*)"\} (.*)$', text, re.MULTILINE)
        return {name: float(value) for name, value in found}

    def logged(self, switch):
        """What the log says of it, in order."""
        text = (self.service.folder / "serve.log").read_text()
        lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
        told = [line["event"] for line in lines if line.get("switch") == switch]
        return [event.removeprefix("a switch that fails open ") for event in told]


@pytest.fixture(scope="module")
def redis():
    with running() as server:
        yield server


@pytest.fixture(scope="module")
def directory(rt):
    server = settle(Slapd(rt / "slapd-switches").start())
    yield server
    server.stop()


@pytest.fixture(scope="module")
def name(postgres):
    return postgres.make("template0")


def started(folder, settings, **more):
    service = Service(folder, settings=settings, **more)
    (folder / "authsvc.toml").chmod(0o600)
    service.init(AT)
    service.start()
    return service


@pytest.fixture(scope="module")
def lax(rt, postgres, name, redis, directory):
    """All switches are on, and what can be away is there."""
    ours = LAX + f'[redis]\nurl = "{redis.url}"\n'
    ours += source(directory, outage_grace=600, tls_verify=False)
    service = started(rt / "switches-lax", ours, database_url=postgres.url(name))
    yield Watched(service)
    service.stop()


@pytest.fixture(scope="module")
def strict(rt, directory):
    service = started(rt / "switches-strict", source(directory))
    yield Watched(service)
    service.stop()


@contextmanager
def without_redis(redis):
    redis.stop()
    yield
    redis.start()


@contextmanager
def without_directory(directory):
    directory.stop()
    yield
    directory.start()


@contextmanager
def without_records(postgres, name, lax):
    """Records cannot be written, and all else can be read."""
    with psycopg.connect(
        host="127.0.0.1", port=postgres.port, user="postgres", dbname=name
    ) as connection:
        connection.execute("LOCK TABLE token_records IN EXCLUSIVE MODE")
        answer = ask_token(f"{lax.service.url}/token", AT, "repository:open/app:pull")
        assert answer.status == 200
        yield
    # A record that can be written tells that records can be.
    ask_token(f"{lax.service.url}/token", AT, "repository:open/app:pull")


@pytest.mark.parametrize(
    ("switch", "dependency"),
    [
        ("audit.durability", "audit"),
        ("sources.corp.tls_verify", "source corp"),
    ],
)
def test_a_switch_that_is_always_in_effect_shows_from_the_start(lax, switch, dependency):
    wait_for(lambda: lax.metric().get(switch) == 1, "the metric")
    assert lax.dependencies()[dependency] == "degraded"
    assert lax.logged(switch) == [BEGUN]


@pytest.mark.parametrize(
    ("switch", "dependency"),
    [
        ("redis.url", "redis"),
        ("sources.corp.outage_grace", "source corp"),
        ("audit.on_failure", "audit"),
    ],
)
def test_a_switch_shows_while_it_is_in_effect_and_no_longer(
    request, lax, redis, directory, switch, dependency
):
    away = {
        "redis.url": lambda: without_redis(redis),
        "sources.corp.outage_grace": lambda: without_directory(directory),
        "audit.on_failure": lambda: without_records(
            request.getfixturevalue("postgres"), request.getfixturevalue("name"), lax
        ),
    }[switch]
    wait_for(lambda: lax.metric().get(switch) == 0, "the metric to know it")
    with away():
        wait_for(lambda: lax.metric()[switch] == 1, "the metric to rise")
        assert lax.dependencies()[dependency] == "degraded"
        assert lax.logged(switch) == [BEGUN]
    wait_for(lambda: lax.metric()[switch] == 0, "the metric to fall")
    wait_for(lambda: lax.logged(switch) == [BEGUN, ENDED], "the log to say that it is over")


def test_by_default_none_is_in_effect(strict, directory):
    with without_directory(directory):
        wait_for(lambda: strict.dependencies()["source corp"] == "degraded", "the outage")
        found = strict.metric()
        assert set(found.values()) == {0}
        assert all(strict.logged(switch) == [] for switch in found)


def test_the_table_of_the_documentation_has_every_switch(lax):
    table = DOCS.split("## Switches that fail open", 1)[1].split("\n## ", 1)[0]
    named = set(re.findall(r"^\| `([\w.]+)", table, re.MULTILINE))
    known = {name.replace("sources.corp.", "sources.NAME.") for name in lax.metric()}
    assert named == known

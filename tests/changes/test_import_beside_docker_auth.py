"""docker_auth's answers beside those of the service that took its configuration over, over HTTP.

`DOCKER_AUTH` names docker_auth's binary; without it its answers are read off its source
(first_match), and with it both must agree. The table is printed: `pytest -s` shows it.
"""

import itertools
import os
import random
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlencode

import bcrypt
import pytest
import yaml
from changes import docker_auth_samples as samples
from changes.docker_auth_samples import imported
from changes.first_match import Asked, first_match, granted
from real.authority import Authority
from real.process import Proc, free_port
from real.service import Account, Service
from real.wire import basic, call, claims

PASSWORD = "badmin"  # in the example of docker_auth, whose hash the samples have
PEOPLE = ("alice", "bob", "dev-a", "dev-b", "reader")
SERVICES = ("localhost:5000", "other.test")
ADDRESSES = ("10.1.2.3", "192.0.2.9", "2001:db8::7")
NAMES = (
    "team/app", "team/base", "team/app/ci", "secret/x", "alice/tool", "dev-a/tool", "public/hello",
    "hello", "hello/below", "test-1", "lib/x", "other/app", "archive/old", "build",
)  # fmt: skip
ASKED = 300  # requests of one run
RANDOM = 5  # configurations that are put together by chance

RULES = """
- match: {ip: "192.0.2.0/24", type: registry}
  actions: ["*"]
- match: {account: alice}
  actions: ["*"]
- match: {account: bob, name: "test-*"}
  actions: ["push", "pull"]
- match: {account: bob, name: "secret/*"}
  actions: []
- match: {account: "dev-?", name: "team/*", service: "localhost:5000"}
  actions: ["push", "pull"]
- match: {account: "dev-*", name: "${account}/*"}
  actions: ["*"]
- match: {name: "public/*"}
  actions: ["pull"]
- match: {account: "", name: "hello"}
  actions: ["pull"]
- match: {account: ""}
  actions: []
- match: {account: "/^dev-/", name: "lib/*"}
  actions: ["pull", "push"]
- match: {labels: {group: "arch*"}, name: "archive/*"}
  actions: ["pull"]
- match: {ip: "10.0.0.0/8", name: "build"}
  actions: ["pull", "push"]
- match: {name: "*/app"}
  actions: ["pull"]
- match: {account: reader}
  actions: ["pull"]
"""


def config():
    hashed = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
    users = {name: {"password": hashed} for name in PEOPLE}
    users["dev-b"]["labels"] = {"group": ["archive"]}
    return {"users": {**users, "": {}}, "acl": yaml.safe_load(RULES)}


def requests():
    """A sample of all that can be asked, the same in every run."""
    whole = [
        Asked(account, "repository", name, service, address)
        for account, name, service, address in itertools.product(
            ("", *PEOPLE), NAMES, SERVICES, ADDRESSES
        )
    ]
    catalog = [
        Asked(account, "registry", "catalog", SERVICES[0], address, ("*",))
        for account, address in itertools.product(("", *PEOPLE), ADDRESSES)
    ]
    chosen = random.Random(20).sample(whole, min(ASKED, len(whole)))
    return sorted([*chosen, *catalog], key=lambda asked: (asked.account, asked.type, asked.name))


def asked_over_http(url, asked):
    """What the token holds that a realm gives for one request."""
    scope = f"{asked.type}:{asked.name}:{','.join(asked.actions)}"
    headers = {"X-Forwarded-For": asked.address}
    if asked.account:
        headers |= basic(Account(asked.account, PASSWORD))
    query = urlencode({"service": asked.service, "scope": scope})
    reply = call("GET", f"{url}?{query}", headers=headers)
    assert reply.status == 200, (asked, reply)
    access = claims(reply.json()["token"])["access"]
    return {action for entry in access for action in entry["actions"]}


class FromItsSource:
    """docker_auth's answers, as its source has them."""

    def __init__(self, found):
        self.found = found

    def __call__(self, asked):
        return granted(self.found, asked)

    def stop(self):
        pass


class FromItsBinary:
    """docker_auth's answers, asked for at a running one."""

    def __init__(self, binary, found, folder):
        folder.mkdir()
        port = free_port()
        certificate, key = Authority(folder).server("docker_auth", "localhost")
        (folder / "config.yml").write_text(
            yaml.safe_dump(
                {
                    "server": {"addr": f"127.0.0.1:{port}", "real_ip_header": "X-Forwarded-For"},
                    "token": {
                        "issuer": "authsvc", "expiration": 900,
                        "certificate": str(certificate), "key": str(key),
                    },
                    **found,
                }
            )
        )  # fmt: skip
        self.url = f"http://127.0.0.1:{port}/auth"
        self.process = Proc(
            [binary, str(folder / "config.yml")],
            log=folder / "docker_auth.log",
            ready=self.answers,
        )

    def answers(self):
        try:
            return bool(call("GET", self.url, headers={"X-Forwarded-For": "192.0.2.1"}).status)
        except OSError:
            return False

    def __call__(self, asked):
        return asked_over_http(self.url, asked)

    def stop(self):
        self.process.stop()


@contextmanager
def docker_auth(found, folder):
    """Who answers for docker_auth with a configuration."""
    binary = os.environ.get("DOCKER_AUTH")
    peer = FromItsBinary(binary, found, folder) if binary else FromItsSource(found)
    try:
        yield peer
    finally:
        peer.stop()


@pytest.fixture
def before(folder):
    """Who answers for docker_auth, and its configuration."""
    found = config()
    with docker_auth(found, Path(f"{folder}-peer")) as peer:
        yield found, peer


@pytest.fixture
def after(folder, before):
    """The realm of a service that took that configuration over."""
    found, _ = before
    service = Service(folder, settings='trusted_proxies = ["127.0.0.0/8"]\n')
    service.init(SERVICES[0])
    service.cli("registry", "add", SERVICES[1])
    (folder / "docker_auth.yml").write_text(yaml.safe_dump(found))
    print(service.cli("import", "docker-auth", "docker_auth.yml", "--accept-wider"))
    service.start()
    yield f"{service.url}/token"
    service.stop()


def becomes(found):
    rows = imported(found, accept_wider=True).rows
    return [row.becomes for row in rows if "actions=" in row.text]


def at_most(found, asked):
    """What was accepted: who does not sign in is everyone, and a path covers what is below it."""
    return set().union(
        *(granted(found, one) | granted(found, replace(one, account="")) for one in above(asked))
    )


def above(asked):
    """The request itself, and the same for each path above: what an accepted path may come from."""
    parts = asked.name.split("/")
    names = ["/".join(parts[:end]) for end in range(1, len(parts) + 1)]
    return [replace(asked, name=name) for name in names] if asked.type == "repository" else [asked]


def line(*words):
    return (
        f"{words[0]:8} {words[1]:16} {words[2]:12} {words[3]:22} {words[4]:18} {words[5]:18} "
        + (words[6])
    )


def test_old_and_new_answers_side_by_side(before, after):
    found, old_answer = before
    rows = becomes(found)
    assert sum(bool(row.grants) for row in rows) == 9
    counts = {"same": 0, "less": 0, "wider": 0}
    print(line("account", "service", "address", "asked", "docker_auth", "authsvc", ""))
    for asked in requests():
        old, new = old_answer(asked), asked_over_http(after, asked)
        assert old == granted(found, asked), asked
        verdict = "same" if new == old else "less" if new < old else "wider"
        counts[verdict] += 1
        said = (",".join(sorted(each)) or "-" for each in (old, new))
        name = asked.name if asked.type == "repository" else "(catalog)"
        print(line(asked.account or "-", asked.service, asked.address, name, *said, verdict))
        assert new <= at_most(found, asked), asked
        number = first_match(found, asked)
        if number is not None and not rows[number].proposal:
            assert new >= old, asked
    print(counts)
    assert counts["same"] > 4 * counts["less"]
    assert counts["wider"] <= sum(asked.name in ("hello", "hello/below") for asked in requests())


@pytest.mark.parametrize("seed", range(RANDOM))
def test_what_chance_puts_together_is_never_wider_than_docker_auth_says(folder, seed):
    chance = random.Random(seed)
    found = samples.by_chance(chance, rules=12)
    answers = samples.Answers(samples.world(imported(found, accept_wider=True)))
    known = [one for one in samples.requests() if found["users"].get(one.account)]
    with docker_auth(found, folder) as peer:
        for asked in chance.sample(known, 60):
            old = peer(asked)
            assert old == granted(found, asked), asked
            assert answers(asked) <= old | at_most(found, asked), asked

"""People of a real directory, with real clients, at a real registry."""

import json
import re
import uuid

import pytest
from real.clients import Crane, Docker, Podman, Skopeo
from real.company import PASSWORDS
from real.fleet import able
from real.process import wait_for
from real.raw import RawGet, RawPost
from real.registries import start_registry
from real.service import Account, Service
from real.slapd import GROUPS, PEOPLE, READER, READERS_PASSWORD
from real.wire import Wire, ask_token, basic, call, claims

AT = "directory.test:5000"
LANA, BOB, ZOE, JANE, NEVER_HERE = (
    Account(name, PASSWORDS[name]) for name in ("lana", "bob", "zoë", "Doe, Jane", "Mixed.Case")
)


def settings(server, **more):
    corp = {
        "type": "ldap", "name": "corp", "urls": [server.url], "bind_dn": READER,
        "bind_password": READERS_PASSWORD, "user_base": PEOPLE, "group_base": GROUPS, **more,
    }  # fmt: skip
    # A list, a number and a text of JSON are the same in TOML.
    return "[[sources]]\n" + "".join(f"{k} = {json.dumps(v)}\n" for k, v in corp.items())


def start(folder, text):
    """A service that lets the directory's developers write below devs, and its operators read."""
    made = Service(folder, settings=text)
    (folder / "authsvc.toml").chmod(0o600)
    made.init(AT)
    for group, role in (("devs", "writer"), ("Ops, night shift", "reader")):
        made.cli("grant", "add", "--to", f"group:corp:{group}", "--role", role, "--on", "devs")
    made.start()
    return made


@pytest.fixture(scope="module")
def service(rt, slapd):
    limits = '[limits]\nlogin_failures = "3/5minutes"\n'
    made = start(rt / "directory-service", limits + settings(slapd))
    yield made
    made.stop()


@pytest.fixture(scope="module", params=["2.8", "3.1"])
def registry(request, rt, service):
    made = start_registry(service, request.param, AT, rt / f"directory-registry-{request.param}")
    yield made
    made.process.stop()


@pytest.fixture
def repository():
    return f"devs/{uuid.uuid4().hex[:12]}"


@able("login")
@pytest.mark.parametrize("who", [LANA, ZOE, JANE], ids=lambda who: who.name)
def test_a_person_of_the_directory_logs_in(client, who):
    done = client.login(who)
    assert done.ok, done.text


@able("push", Skopeo, Crane)
def test_people_push_and_pull_by_the_groups_that_the_directory_has_them_in(
    client, registry, repository, image
):
    client.sign_in(LANA)
    pushed = client.push(repository, image)
    assert pushed.ok, pushed.text
    for reader in (LANA, JANE):
        client.sign_in(reader)
        pulled = client.pull(repository)
        assert pulled.ok, pulled.text
    client.sign_in(JANE)
    assert client.push(f"{repository}/hers", image).refused
    client.sign_in(ZOE)
    assert client.pull(repository).refused
    assert Wire(registry.host, BOB).manifest(repository).status == 200


# oras waits long before it says so, and regctl says "unauthorized" whatever the answer was.
@able("login", RawGet, RawPost, Docker, Skopeo, Podman)
def test_a_client_that_meets_a_limit_says_so(client, service):
    """BF-12."""
    for number in range(3):
        ask_token(f"{service.url}/token", AT, account=Account(NEVER_HERE.name, f"guess {number}"))
    done = client.login(NEVER_HERE)
    assert not done.ok
    assert re.search("too many (failed sign-ins: try again in [0-9]+ s|requests)", done.text)


def metrics(service):
    lines = call("GET", f"{service.url}/metrics").body.decode().splitlines()
    return dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))


def granted(service, account, scope):
    """What a token gives, or the status of a refusal."""
    answer = ask_token(f"{service.url}/token", AT, scope, account=account)
    if answer.status != 200:
        return answer.status
    access = claims(answer.json()["token"])["access"]
    return [action for entry in access for action in entry["actions"]]


def test_by_grace_people_pull_and_do_nothing_else_and_all_that_reports_says_so(
    folder, slapd_of_its_own
):
    service = start(folder, settings(slapd_of_its_own, cache_ttl=1, outage_grace=600))
    up, by_grace = 'authsvc_source_up{source="corp"}', 'authsvc_remembered_total{result="grace"}'
    me, scope = f"{service.url}/api/v1/me", "repository:devs/app:pull,push"
    try:
        assert granted(service, LANA, scope) == ["pull", "push"]
        assert call("GET", me, headers=basic(LANA)).status == 200
        wait_for(lambda: metrics(service)[up] == "1.0", "the gauge of the source")
        assert by_grace not in metrics(service)
        slapd_of_its_own.stop()
        wait_for(lambda: granted(service, LANA, scope) == ["pull"], "the grace to begin")
        wait_for(lambda: metrics(service)[up] == "0.0", "the gauge of the source")
        before = float(metrics(service)[by_grace])
        assert before >= 1
        assert granted(service, LANA, scope) == ["pull"]
        refused = call("GET", me, headers=basic(LANA))
        assert (refused.status, refused.headers["retry-after"]) == (503, "10")
        assert float(metrics(service)[by_grace]) == before + 2
        assert granted(service, BOB, scope) == 503
        by_token, at_api, _ = service.audit()[-3:]
        for record, event, outcome in (
            (by_token, "token", "reduced"), (at_api, "login", "refused"),
        ):  # fmt: skip
            assert (record["event"], record["outcome"]) == (event, outcome)
            assert record["reason"] == "source_down"
            assert record["credential"]["kind"] == "password_in_grace"
            assert (record["actor"]["source"], record["actor"]["name"]) == ("corp", "lana")
    finally:
        service.stop()

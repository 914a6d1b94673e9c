"""Pushes at real registries follow grants over the admin API and by commands, and their end."""

import json

import pytest
from real.clients import Crane
from real.fleet import able
from real.people import ONE, STRANGER
from real.process import wait_for
from real.raw import RawGet
from real.service import ADMIN, Account
from real.wire import Wire, ask_token, basic, call, claims

OWNER = Account("olga", "olga has a long password")


@pytest.fixture
def area(repository):
    """A path of this test alone."""
    return repository.replace("team/", "area-")


@pytest.fixture
def owner(service, area):
    """Somebody who owns that path."""
    made = api(service, ADMIN, "POST", "/users", vars(OWNER))
    assert made.status in (201, 409)
    grant_over_api(service, ADMIN, f"user:{OWNER.name}", "owner", area)
    sees(service, OWNER, f"{area}/app", ["pull", "push"])
    return OWNER


def api(service, account, method, path, body=None):
    data = b"" if body is None else json.dumps(body).encode()
    headers = basic(account) | {"Content-Type": "application/json"}
    return call(method, f"{service.url}/api/v1{path}", body=data, headers=headers)


def grant_by_command(service, to, role, on):
    words = ("--to", to, "--role", role, "--on", on, "--json")
    return json.loads(service.cli("grant", "add", *words))["id"]


def grant_over_api(service, account, to, role, on):
    body = {"subject": to, "role": role, "on": on}
    answer = api(service, account, "POST", "/grants", body)
    assert answer.status == 201, answer.body
    return answer.json()["id"]


def sees(service, account, name, actions):
    """Wait until a token for a name holds these actions: cache.staleness at most."""

    def held():
        scope = f"repository:{name}:pull,push"
        answer = ask_token(f"{service.url}/token", ONE, scope, account=account)
        found = claims(answer.json()["token"])["access"]
        return [action for entry in found for action in entry["actions"]]

    wait_for(lambda: held() == actions, f"{account.name} to have {actions} at {name}", patience=20)


def pushed(client, name, image):
    done = client.push(name, image)
    assert done.ok, done.text


def refused(client, registry, name, image, owner):
    done = client.push(name, image)
    assert done.refused, done.text
    assert Wire(registry.host, owner).manifest(name).status == 404


@able("push", Crane, RawGet)
def test_an_owner_lets_somebody_push_over_the_api_and_ends_it(
    client, service, registry, owner, area, image
):
    first, second = f"{area}/first", f"{area}/second"
    client.sign_in(STRANGER)
    refused(client, registry, first, image, owner)
    grant = grant_over_api(service, owner, f"user:{STRANGER.name}", "writer", area)
    sees(service, STRANGER, first, ["pull", "push"])
    pushed(client, first, image)
    assert Wire(registry.host, STRANGER).manifest(first).status == 200

    assert api(service, owner, "DELETE", f"/grants/{grant}").status == 200
    sees(service, STRANGER, second, [])
    refused(client, registry, second, image, owner)
    assert Wire(registry.host, STRANGER).manifest(first).status == 401


@able("push", Crane)
def test_the_same_by_commands(client, service, registry, owner, area, image):
    first, second = f"{area}/first", f"{area}/second"
    client.sign_in(STRANGER)
    grant = grant_by_command(service, f"user:{STRANGER.name}", "writer", area)
    sees(service, STRANGER, first, ["pull", "push"])
    pushed(client, first, image)

    service.cli("grant", "remove", str(grant))
    sees(service, STRANGER, second, [])
    refused(client, registry, second, image, owner)


@able("push", RawGet)
def test_a_deny_over_the_api_ends_what_an_owner_gave(client, service, registry, owner, area, image):
    name = f"{area}/app"
    client.sign_in(STRANGER)
    grant_over_api(service, owner, f"user:{STRANGER.name}", "writer", area)
    deny = {"subject": f"user:{STRANGER.name}", "role": "maintainer", "on": name, "effect": "deny"}
    made = api(service, ADMIN, "POST", "/grants", deny)
    assert made.status == 201
    sees(service, STRANGER, name, [])
    refused(client, registry, name, image, owner)
    assert api(service, ADMIN, "DELETE", f"/grants/{made.json()['id']}").status == 200
    sees(service, STRANGER, name, ["pull", "push"])
    pushed(client, name, image)


def test_an_owner_grants_nothing_beside_what_is_theirs(service, owner, area):
    for on in ("team", "**", f"{area}-x", area[:-1]):
        body = {"subject": f"user:{STRANGER.name}", "role": "writer", "on": on}
        assert api(service, owner, "POST", "/grants", body).status == 403, on
    body = {"subject": f"user:{STRANGER.name}", "role": "reader", "on": area}
    assert api(service, STRANGER, "POST", "/grants", body).status == 404

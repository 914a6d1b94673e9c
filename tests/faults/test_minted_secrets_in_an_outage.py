"""Minted secrets while PostgreSQL is away: 503, remembered or new, and none ends by it."""

import json
from urllib.parse import urlencode

import pytest
from real.people import GIVING, READER, introduce
from real.process import wait_for
from real.service import Account, Service
from real.wire import ask_token, basic, call

SCOPE = "repository:team/app:pull"
HOME = ("--namespace", "team", "--role", "reader")
KIND = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture
def server(postgres_of_its_own):
    return postgres_of_its_own


@pytest.fixture
def service(server, folder):
    """A running service on a PostgreSQL that the test may stop."""
    made = Service(folder, database_url=server.url(server.make("template0")))
    introduce(made)
    made.start()
    yield made
    made.stop()


def minted(service, *command):
    return json.loads(service.cli(*command, "--json"))["secret"]


def asking(service):
    """What is done with each minted secret; all of it is 200 while the database is there."""
    realm, of_reader = f"{service.url}/token", ("pat", "add", "--user", READER.name)
    robots = [
        Account(f"robot.{name}", minted(service, "robot", "add", name, *HOME))
        for name in ("used", "new")
    ]
    pat = Account(READER.name, minted(service, *of_reader, "--name", "laptop"))
    query = urlencode({"service": GIVING, "offline_token": "true"})
    given = call("GET", f"{realm}?{query}", headers=basic(READER)).json()["refresh_token"]
    grant = {"grant_type": "refresh_token", "refresh_token": given, "service": GIVING}

    def by_form(path, headers, **fields):
        body = urlencode(fields).encode()
        return lambda: call("POST", f"{service.url}{path}", body=body, headers=KIND | headers)

    me = {"Authorization": f"Bearer {pat.password}"}
    return {
        "robot": lambda: ask_token(realm, GIVING, SCOPE, account=robots[0]),
        "personal token": lambda: ask_token(realm, GIVING, SCOPE, account=pat, by="POST"),
        "refresh token": by_form("/token", {}, **grant),
        "introspection": by_form("/token/introspect", basic(READER), token=given),
        "bearer": lambda: call("GET", f"{service.url}/api/v1/me", headers=me),
    }, lambda: ask_token(realm, GIVING, SCOPE, account=robots[1])


def test_a_secret_waits_for_its_database_and_is_worth_afterwards_what_it_was(server, service):
    remembered, first = asking(service)
    assert {what: ask().status for what, ask in remembered.items()} == dict.fromkeys(
        remembered, 200
    )
    server.stop()
    for what, ask in {**remembered, "never used": first}.items():
        answer = ask()
        assert (what, answer.status) == (what, 503)
        assert int(answer.headers["retry-after"]) >= 1
    server.start()
    for ask in (*remembered.values(), first):
        wait_for(lambda ask=ask: ask().status == 200, "it to be worth something again")

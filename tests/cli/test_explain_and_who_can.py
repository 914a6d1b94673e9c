"""`explain` and `who-can`, on both engines."""

import pytest
from sqlalchemy import insert

from authsvc.audit.records import Event, Outcome, Record, print_body
from authsvc.db.engine import Database
from authsvc.db.models import TokenRecord

TEAM = "repository:team/app:pull,push"


@pytest.fixture
def filled(terminal, password):
    terminal.done("registry", "add", "localhost:5000")
    terminal.done("user", "add", "alice", "--password-file", password)
    terminal.done("namespace", "add", "team", "--visibility", "internal")
    terminal.done("grant", "add", "--to", "user:file:zoe", "--role", "writer", "--on", "team")
    return terminal


def test_granted_is_exit_0_and_denied_exit_1(filled):
    assert filled("explain", "user:file:zoe", TEAM).code == 0
    said = filled("explain", "user:alice", TEAM, "--json")
    assert (said.code, said.json["granted"], said.json["denied"]) == (1, ["pull"], ["push"])
    assert said.json["smallest"] == {"role": "writer", "on": "team/app"}
    assert filled("explain", "anonymous", TEAM).code == 1


def test_for_people_it_says_what_to_do(filled):
    said = filled("explain", "user:alice", TEAM)
    assert "pull granted; push denied (no_grant)" in said.out
    assert "team (internal)" in said.out
    assert "--role writer --on 'team/app'" in said.out
    said = filled("explain", "user:file:zoe", TEAM)
    assert [line for line in said.out.splitlines() if "user:file:zoe" in line and "allow" in line]


def test_the_address_counts(filled):
    cidr = ("--on", "in", "--cidr", "10.0.0.0/8")
    filled.done("grant", "add", "--to", "user:alice", "--role", "reader", *cidr)
    asked = ("explain", "user:alice", "repository:in:pull")
    assert filled(*asked, "--ip", "10.1.2.3").code == 0
    assert filled(*asked, "--ip", "192.0.2.1", "--json").json["reasons"] == {
        "pull": "outside_networks"
    }
    assert filled(*asked, "--json").json["reasons"] == {"pull": "address_unknown"}


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        pytest.param(("explain", "user:alice", "junk"), 2, "no scope", id="junk"),
        pytest.param(
            ("explain", "user:alice", "repository:Team//x:pull"), 2, "no scope", id="RN-01"
        ),
        pytest.param(("explain", "user:alice"), 2, "needed", id="no scope"),
        pytest.param(("explain",), 2, "needed", id="nothing"),
        pytest.param(("explain", "group:devs", TEAM), 2, "anonymous", id="a group"),
        pytest.param(("explain", "user:gone:x", TEAM), 2, "file, local", id="no such source"),
        pytest.param(("explain", "user:bob", TEAM), 1, "no user", id="no such person"),
        pytest.param(
            ("explain", "user:alice", TEAM, "--service", "x"), 1, "registry", id="service"
        ),
        pytest.param(("explain", "user:alice", TEAM, "--ip", "x"), 2, "address", id="ip"),
        pytest.param(("explain", "--decision", "x"), 1, "no decision", id="no decision"),
        pytest.param(("explain", "x", "--decision", "x"), 2, "leave out", id="both"),
        pytest.param(("who-can", "fly", "team"), 2, "push or delete", id="no action"),
        pytest.param(("who-can", "pull", "Team//"), 2, "repository", id="no name"),
        pytest.param(("who-can", "pull", "x", "--service", "x"), 1, "registry", id="who at x"),
    ],
)
def test_what_cannot_be_asked(filled, words, code, says):
    said = filled(*words)
    assert (said.code, said.out) == (code, "")
    assert says in said.err
    assert len(said.err.splitlines()) == 1


def test_with_several_registries_one_is_named(filled):
    filled.done("registry", "add", "other")
    said = filled("explain", "user:alice", TEAM)
    assert said.code == 2
    assert "localhost:5000, other" in said.err
    assert filled("who-can", "push", "team", "--service", "other").code == 0


def test_who_can(filled):
    grant = filled.done("grant", "list", "--to", "user:file:zoe")[0]["id"]
    zoe = {"subject": "user:file:zoe", "grants": [grant]}
    assert filled.done("who-can", "push", "team/app") == [zoe]
    assert filled.done("who-can", "pull", "team/app") == [
        {"subject": "authenticated", "grants": []}, zoe
    ]  # fmt: skip
    assert "user:file:zoe" in filled("who-can", "push", "team").out
    said = filled("who-can", "delete", "team")
    assert (said.code, said.out, said.err) == (0, "", "nobody\n")
    assert filled.done("who-can", "delete", "team") == []


def test_a_decision_of_the_past(filled, database_url):
    refused = [{"action": "push", "reason": "no_grant", "grant": None}]
    record = Record(
        event=Event.TOKEN, outcome=Outcome.REDUCED, time=1_800_000_000.0, address="192.0.2.1",
        actor={"kind": "anonymous", "source": None, "name": None, "id": None},
        decision_id="j1", registry="localhost:5000", asked=[{"entry": TEAM, "refused": refused}],
    )  # fmt: skip
    database = Database(database_url)
    with database.write() as session:
        session.execute(
            insert(TokenRecord).values(
                writer="w", seq=1, time=0, decision_id="j1", body=print_body(record), prev=b"",
                hash=b"",
            )
        )  # fmt: skip
    database.dispose()
    said = filled("explain", "--decision", "j1", "--json")
    assert said.code == 1
    assert said.json["granted"] == ["pull"]
    assert said.json["as_of_today"][0]["denied"] == ["pull", "push"]
    shown = filled("explain", "--decision", "j1").out
    assert "2027-01-15T08:00:00.000Z" in shown
    assert "pull granted; push denied (no_grant)" in shown
    assert "today     pull denied (no_grant); push denied (no_grant)" in shown

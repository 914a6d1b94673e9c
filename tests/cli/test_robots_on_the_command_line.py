"""`authsvc robot`: the login and its secret once, and whether an old secret is still used."""

import os
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import update

from authsvc.db.engine import Database
from authsvc.db.models import Secret
from authsvc.protocol.secrets import kind_of

ADD = ("robot", "add", "ci", "--namespace", "team", "--role", "writer")


@pytest.fixture
def filled(terminal):
    terminal.done("registry", "add", "localhost:5000")
    return terminal


def printed(said):
    """The login and the secret on standard output, and nothing else there."""
    assert said.code == 0, said.err
    lines = dict(line.split() for line in said.out.splitlines())
    assert set(lines) == {"login", "secret"}
    assert kind_of(lines["secret"]) == "rob"
    return lines["login"], lines["secret"]


@pytest.mark.parametrize("name", ["ci", "robot.ci"])
def test_a_new_robot_is_told_as_what_to_sign_in_with(filled, name):
    said = filled("robot", "add", name, "--namespace", "team", "--role", "writer")
    login, secret = printed(said)
    assert login == "robot.ci"
    assert "shown this once" in said.err
    assert secret not in said.err
    for words in (("list",), ("show", name), ("list", "--json"), ("show", name, "--json")):
        shown = filled("robot", *words)
        assert (shown.code, secret in shown.out + shown.err) == (0, False)


def test_json_is_the_item_and_its_secret(filled):
    item = filled.done(
        *ADD, "--registry", "localhost:5000", "--expires", "30d", "--cidr", "10.0.0.0/8",
        "--cidr", "192.0.2.7/32",
    )  # fmt: skip
    assert kind_of(item.pop("secret")) == "rob"
    assert item == filled.done("robot", "show", "ci")
    assert [item] == filled.done("robot", "list")
    assert (item["registry"], item["cidrs"]) == ("localhost:5000", ["10.0.0.0/8", "192.0.2.7/32"])
    left = datetime.fromisoformat(item["expires_at"]) - datetime.now(UTC)
    assert 29 <= left.days <= 30


def test_a_rotation_says_until_when_the_previous_secret_works(filled):
    first = printed(filled(*ADD))[1]
    said = filled("robot", "rotate", "robot.ci")
    login, second = printed(said)
    assert (login, second != first) == ("robot.ci", True)
    end = re.search(r"previous secret works until (\S+)", said.err)[1]
    assert filled.done("robot", "show", "ci")["secrets"][0]["expires_at"] == end
    third = filled("robot", "rotate", "ci", "--keep-old", "0")
    assert printed(third)[1] not in (first, second)
    assert "previous" not in third.err
    assert len(filled.done("robot", "show", "ci")["secrets"]) == 1


def test_show_tells_whether_the_old_secret_is_still_used(filled, database_url):
    filled(*ADD)
    filled("robot", "rotate", "ci")
    database = Database(database_url)
    try:
        with database.write() as session:
            used = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
            session.execute(update(Secret).where(Secret.id == 1).values(last_used_at=used))
    finally:
        database.dispose()
    out = filled("robot", "show", "ci").out
    table = out[out.index("CREATED AT") :].splitlines()
    assert table[0].split() == ["CREATED", "AT", "EXPIRES", "AT", "LAST", "USED", "AT"]
    assert [line.split()[2] for line in table[1:]] == ["2026-03-04T05:06:07Z", "-"]
    assert [line.split()[1] == "-" for line in table[1:]] == [False, True]


def test_list_is_a_table_of_where_they_belong(filled):
    filled(*ADD)
    title, row = filled("robot", "list").out.splitlines()
    assert title.split() == [
        "NAME", "NAMESPACE", "REGISTRY", "ROLE", "ENABLED", "EXPIRES", "AT", "CIDRS",
    ]  # fmt: skip
    assert row.split() == ["ci", "team", "-", "writer", "yes", "-", "-"]


def test_switches_and_removal(filled):
    filled(*ADD)
    assert filled.done("robot", "disable", "ci")["enabled"] is False
    assert filled.done("robot", "enable", "robot.ci")["enabled"] is True
    item = filled.done("robot", "show", "ci")
    assert filled.done("robot", "remove", "ci")["removed"] == item
    assert filled.done("robot", "list") == []
    assert filled.done("grant", "list") == []
    assert filled("robot", "show", "ci").code == 1


@pytest.mark.parametrize(
    ("words", "code"),
    [
        pytest.param(("add", "CI", "--namespace", "team", "--role", "writer"), 2, id="capitals"),
        pytest.param(("add", "a$b", "--namespace", "team", "--role", "writer"), 2, id="a dollar"),
        pytest.param(("add", "cd", "--role", "writer"), 2, id="without a namespace"),
        pytest.param(("add", "cd", "--namespace", "team"), 2, id="without a role"),
        pytest.param(("add", "cd", "--namespace", "te*", "--role", "writer"), 2, id="a glob"),
        pytest.param(("add", "cd", "--namespace", "team", "--role", "no"), 2, id="no such role"),
        pytest.param(("add", "cd", "--namespace", "team", "--role", "owner"), 2, id="RB-17"),
        pytest.param((*ADD[1:], "--registry", "no"), 1, id="no such registry"),
        pytest.param((*ADD[1:], "--expires", "2020-01-01T00:00:00Z"), 2, id="the past"),
        pytest.param((*ADD[1:], "--expires", "soon"), 2, id="no time"),
        pytest.param((*ADD[1:], "--cidr", "10.1.2.3/8"), 2, id="host bits"),
        pytest.param(("add", "there", "--namespace", "a", "--role", "reader"), 1, id="taken"),
        pytest.param(("rotate", "there", "--keep-old", "1w"), 2, id="no length"),
        pytest.param(("rotate", "there", "--keep-old", "366d"), 2, id="too long a length"),
        pytest.param(("rotate", "none"), 1, id="rotate what is not there"),
        pytest.param(("disable", "none"), 1, id="disable what is not there"),
        pytest.param(("remove", "none"), 1, id="remove what is not there"),
        pytest.param(("show", "NONE"), 2, id="show what is no name"),
    ],
)
def test_a_refusal_is_one_line_and_shows_no_secret(filled, words, code):
    filled("robot", "add", "there", "--namespace", "team", "--role", "reader")
    before = filled.done("robot", "list")
    said = filled("robot", *words)
    assert (said.code, said.out) == (code, "")
    assert said.err.count("\n") == 1
    assert "asv_" not in said.err
    assert filled.done("robot", "list") == before


def test_removing_a_namespace_says_how_many_robots_went_and_which_stay(filled):
    filled.done("namespace", "add", "team", "--registry", "localhost:5000")
    filled(*ADD)
    filled("robot", "add", "cd", "--namespace", "team/app", "--role", "reader",
           "--registry", "localhost:5000")  # fmt: skip
    said = filled("namespace", "remove", "team", "--registry", "localhost:5000")
    assert "1 grants and 1 robots" in said.out
    assert "stays, since it is for all registries: robot ci" in said.out
    assert [each["name"] for each in filled.done("robot", "list")] == ["ci"]


def test_removing_a_registry_says_how_many_robots_went(filled):
    filled("robot", "add", "cd", "--namespace", "team", "--role", "reader",
           "--registry", "localhost:5000")  # fmt: skip
    assert "1 robots" in filled("registry", "remove", "localhost:5000").out
    assert filled.done("robot", "list") == []


def test_no_secret_is_in_any_file_of_the_installation(terminal, tmp_path):
    terminal(*ADD)
    secrets = [printed(terminal("robot", "rotate", "ci"))[1] for _ in range(3)]
    for folder, _, files in os.walk(tmp_path):
        for file in files:
            content = (Path(folder) / file).read_bytes()
            assert not [each for each in secrets if each[8:38].encode() in content], file

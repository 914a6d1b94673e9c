"""`authsvc import`, and the page about it: its commands run as written, and print what it shows."""

import json
import os
import re
import shlex
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "importing.md"
BCRYPT = "$2y$05$LO.vzwpWC5LZGqThvEfznu8qhb5SGqvBSWY1J3yZ4AxtMRZ3kN5jC"
LISTED = "acl:\n- match: {name: '/x/'}\n  actions: [pull]\n"


def sessions():
    """The blocks of the page that show a terminal: (command, what it prints), in order."""
    blocks = [block for block in PAGE.read_text().split("```")[1::2] if block.startswith("\n$ ")]
    return [re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE) for block in blocks]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Where the commands of a test run."""
    place = tmp_path / "here"
    place.mkdir()
    monkeypatch.chdir(place)
    return place


@pytest.mark.parametrize("session", sessions(), ids=["htpasswd", "docker_auth"])
def test_the_page_shows_what_its_commands_print(terminal, folder, session):
    for command, printed in session:
        words = shlex.split(command)
        if words[0] == "cat":
            (folder / words[1]).write_text(printed)
        else:
            said = terminal(*words[1:])
            assert said.out + said.err == printed, command


def people(terminal):
    return [each["name"] for each in terminal.done("user", "list")]


def test_people_of_a_file_are_made_once(terminal, folder):
    Path("people").write_text(f"alice:{BCRYPT}\nbob:{BCRYPT}\n")
    assert terminal.done("import", "htpasswd", "people", "--dry-run") == {
        "users": ["alice", "bob"],
        "dry_run": True,
    }
    assert people(terminal) == []
    assert terminal("import", "htpasswd", "people").out == "2 users imported\n"
    assert people(terminal) == ["alice", "bob"]
    for more in ((), ("--dry-run",)):
        said = terminal("import", "htpasswd", "people", *more)
        assert (said.code, said.out) == (1, "")
        assert said.err.startswith("authsvc: 2 names are taken: alice, bob: ")


def test_of_many_taken_names_the_first_are_named_and_the_others_counted(terminal, folder):
    names = [f"dev-{number:03}" for number in range(103)]
    Path("people").write_text("".join(f"{name}:{BCRYPT}\n" for name in names))
    terminal.done("import", "htpasswd", "people")
    said = terminal("import", "htpasswd", "people")
    assert said.code == 1
    assert said.err.startswith(f"authsvc: 103 names are taken: {', '.join(names[:100])} and 3 more")


def test_faulty_lines_are_one_a_line_with_a_count_after_them(terminal, folder):
    Path("people").write_text("x\n" * 150 + f"alice:{BCRYPT}\n")
    said = terminal("import", "htpasswd", "people")
    assert (said.code, said.out) == (2, "")
    lines = said.err.splitlines()
    assert lines[0] == "people:1: no colon"
    assert len(lines) == 101
    assert lines[-1] == "authsvc: 150 faulty lines in people; nothing was imported"
    assert people(terminal) == []


def test_faults_of_a_docker_auth_configuration_are_not_said_to_be_a_policys(terminal, folder):
    Path("x.yml").write_text("acl: [x, y]\nusers: [z]\n")
    said = terminal("import", "docker-auth", "x.yml")
    assert (said.code, said.out) == (2, "")
    assert said.err.splitlines()[-1] == "authsvc: 3 faults in x.yml; nothing was changed"


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        pytest.param(["htpasswd", "none"], 2, "cannot be read", id="no file"),
        pytest.param(["htpasswd", "."], 2, "cannot be read", id="a folder"),
        pytest.param(["htpasswd", "people", "--scheme", "des"], 2, "no scheme", id="no scheme"),
        pytest.param(["htpasswd", "pipe"], 2, "pipe:1:1: this is no file", id="a pipe"),
        pytest.param(["docker-auth", "pipe"], 2, "pipe:1:1: this is no file", id="a pipe of rules"),
        pytest.param(["docker-auth", "/dev/zero"], 2, "zero:1:1: this is no file", id="a device"),
        pytest.param(["htpasswd", "long"], 2, "long:1:1: a file has at most", id="a long file"),
        pytest.param(
            ["docker-auth", "long"],
            2,
            "long:1:1: a file has at most",
            id="a long configuration",
        ),
        pytest.param(["docker-auth", "people"], 2, "people:1:1: a docker_auth", id="no such file"),
        pytest.param(["docker-auth", "bad"], 2, "bad:1:7: a rule is an object", id="a fault"),
        pytest.param(["htpasswd"], 2, "FILE", id="nothing named"),
        pytest.param(["passwd", "x"], 2, "passwd", id="no such import"),
    ],
)
def test_what_is_wrong_is_one_line(terminal, folder, words, code, says):
    Path("people").write_text(f"alice:{BCRYPT}\n")
    Path("bad").write_text("acl: [x]")
    os.mkfifo("pipe")
    with Path("long").open("wb") as file:
        file.truncate(16 * 1024**2 + 1)
    said = terminal("import", *words)
    assert (said.code, said.out) == (code, "")
    assert says in said.err
    assert said.err.count("\n") == 1


def test_what_is_listed_is_no_failure(terminal, folder):
    Path("x.yml").write_text(LISTED)
    said = terminal("import", "docker-auth", "x.yml")
    assert (said.code, said.err) == (0, "")
    first, last = said.out.splitlines()
    assert first.startswith("x.yml:2: a regular expression has no equal; authsvc grant add ")
    assert last == "0 users and 0 grants imported; 1 line listed"


def test_one_json_object_says_what_became_of_each_line(terminal, folder):
    Path("x.yml").write_text(f"users: {{alice: {{password: '{BCRYPT}'}}}}\n{LISTED}")
    tried = terminal.done("import", "docker-auth", "x.yml", "--dry-run")
    assert people(terminal) == []
    done = terminal.done("import", "docker-auth", "x.yml")
    assert people(terminal) == ["alice"]
    assert (tried.pop("dry_run"), done.pop("dry_run")) == (True, False)
    assert tried == done
    assert set(done) == {"users", "registries", "grants", "lines", "listed"}
    (listed,) = done["listed"]
    assert listed in done["lines"]
    assert set(listed) == {"place", "entry", "becomes", "because", "proposal"}
    assert listed["place"] == "x.yml:3"


def test_a_trial_shows_everything_and_says_that_names_are_taken(terminal, folder, password):
    terminal.done("user", "add", "alice", "--password-file", password)
    Path("x.yml").write_text(f"users: {{alice: {{password: '{BCRYPT}'}}}}\n")
    said = terminal("import", "docker-auth", "x.yml", "--dry-run")
    assert said.code == 1
    assert "x.yml:1  user 'alice'" in said.out
    assert "one name is taken: alice" in said.err


def test_a_rule_for_many_people_is_short_in_the_table_and_whole_in_json(terminal, folder):
    users = {f"dev-{number}": {"password": BCRYPT} for number in range(9)}
    acl = [{"match": {"account": "dev-*", "service": "reg"}, "actions": ["pull"]}]
    Path("x.json").write_text(json.dumps({"users": users, "acl": acl}))
    said = terminal("import", "docker-auth", "x.json", "--dry-run").out
    assert "dev-2 on ** at reg, 6 more" in said
    assert said.endswith("9 users and 9 grants would be imported; new registries: reg\n")
    done = terminal.done("import", "docker-auth", "x.json")
    assert len(done["lines"][-1]["becomes"]) == 9
    assert [each["name"] for each in terminal.done("registry", "list")] == ["reg"]


@pytest.mark.parametrize("more", [(), ("--dry-run",)])
def test_more_grants_than_one_import_makes_are_refused_and_nothing_is_imported(
    terminal, folder, more
):
    users = {f"dev-{number}": {"password": BCRYPT} for number in range(1_000)}
    rules = [
        f"- match: {{account: 'dev-*', name: 'team-{n}/*'}}\n  actions: [pull]\n"
        for n in range(101)
    ]
    Path("x.yml").write_text(f"users: {json.dumps(users)}\nacl:\n{''.join(rules)}")
    said = terminal("import", "docker-auth", "x.yml", *more)
    assert (said.code, said.out) == (1, "")
    assert said.err.startswith("authsvc: with line 203 the rules become more than 100,000 grants")
    assert "authsvc grant add --to group:NAME" in said.err
    assert said.err.count("\n") == 1
    assert people(terminal) == []


def test_wider_paths_are_taken_when_accepted(terminal, folder):
    Path("x.yml").write_text("users: {'': {}}\nacl:\n- match: {name: app}\n  actions: [pull]\n")
    assert terminal.done("import", "docker-auth", "x.yml")["grants"] == []
    done = terminal.done("import", "docker-auth", "x.yml", "--accept-wider")
    assert [(each["subject"], each["on"]) for each in done["grants"]] == [("everyone", "app")]


def test_text_of_a_file_steers_no_terminal_and_makes_no_line_of_its_own(terminal, folder):
    Path("x.yml").write_text(
        'users: {"a\\e[31mb": {}, "x\\nforged:1: y": {}}\n'
        'acl: [{match: {account: "x\\nforged:2: y"}, actions: [pull]}]\n'
    )
    said = terminal("import", "docker-auth", "x.yml", "--dry-run")
    assert said.code == 0
    assert "\x1b" not in said.out
    assert not any(line.startswith("forged") for line in said.out.splitlines())

"""Contract section 3: exit codes, one line on standard error, the three options anywhere."""

import pytest

from authsvc import errors
from authsvc.cli.exits import MAX_FAULTS, exit_code, hoisted, lines_of
from authsvc.errors import AuthsvcError, Invalid, InvalidSettings


def every_error(root=AuthsvcError):
    for kind in root.__subclasses__():
        yield kind
        yield from every_error(kind)


SPECIAL = {
    errors.Unauthenticated: {"reason": "wrong_password"},
    errors.Limited: {"retry_after": 1},
    errors.Unavailable: {"what": "database"},
}


@pytest.mark.parametrize("kind", list(every_error()), ids=lambda kind: kind.__name__)
def test_every_error_of_the_tree_has_an_exit_code(kind):
    base = next((each for each in SPECIAL if issubclass(kind, each)), None)
    if kind.__module__.startswith("authsvc.errors"):
        error = kind("x", **SPECIAL.get(base, {}))
    else:
        error = kind.__new__(kind)
    expected = (
        2 if issubclass(kind, Invalid) else 3 if base in (errors.Limited, errors.Unavailable) else 1
    )
    assert exit_code(error) == expected


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (["user", "list", "--json"], ["--json", "user", "list"]),
        (["user", "--json", "list"], ["--json", "user", "list"]),
        (["user", "list", "--config", "f"], ["--config", "f", "user", "list"]),
        (["user", "list", "--config=f", "--debug"], ["--config=f", "--debug", "user", "list"]),
        (["user", "show", "--", "--json"], ["user", "show", "--", "--json"]),
        (["user", "list", "--config"], ["--config", "user", "list"]),
    ],
)
def test_the_options_of_every_command_may_stand_anywhere(given, kept):
    assert hoisted(given) == kept


def test_one_error_is_one_line_and_faults_in_files_are_one_a_line():
    assert lines_of(errors.Conflict("taken", advice="choose another")) == [
        "authsvc: taken: choose another"
    ]
    assert lines_of(Invalid("1 fault", faults=[("/a/p.yaml:1:2", "no")])) == ["/a/p.yaml:1:2: no"]
    many = [(f"p.yaml:{n}:1", "no") for n in range(1, 251)]
    lines = lines_of(Invalid("250 faults", faults=many))
    assert (len(lines), lines[-1]) == (MAX_FAULTS + 1, "authsvc: 250 faults")
    assert lines_of(Invalid("ttl: wrong", faults=[("/ttl", "wrong")])) == ["authsvc: ttl: wrong"]
    two = InvalidSettings("2 faults", faults=[("f: a", "x"), ("f: b", "y")])
    assert lines_of(two) == ["f: a: x", "f: b: y", "authsvc: 2 faults"]


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        pytest.param(["nosuch"], 2, "No such command", id="command"),
        pytest.param(["user", "list", "--nosuch"], 2, "No such option", id="option"),
        pytest.param(["user", "add"], 2, "NAME", id="argument"),
        pytest.param(["user", "show", "nobody"], 1, "no user", id="missing object"),
        pytest.param(["user", "show", "a:b:c"], 2, "no user name", id="name"),
        pytest.param(["user", "show", "robot.ci"], 2, "no user name", id="RN-20 reserved"),
        pytest.param(["group", "add", "everyone"], 2, "reserved", id="RN-20 group"),
        pytest.param(["registry", "add", "a b"], 2, "without blank", id="registry name"),
        pytest.param(["registry", "add", "a", "--ttl", "59"], 2, "60", id="too short"),
        pytest.param(["registry", "add", "a", "--ttl", "5m"], 2, "seconds", id="no seconds"),
        pytest.param(["registry", "set", "none", "--ttl", "60"], 1, "no registry", id="registry"),
        pytest.param(["registry", "set", "none"], 2, "nothing to set", id="nothing"),
        pytest.param(["namespace", "add", "Team"], 2, "path", id="path"),
        pytest.param(["namespace", "add", "team", "--visibility", "open"], 2, "open", id="word"),
        pytest.param(["grant", "remove", "7"], 1, "no grant", id="grant"),
        pytest.param(["grant", "remove", "x"], 2, "integer", id="number"),
        pytest.param(
            ["grant", "add", "--to", "everyone", "--role", "reeder", "--on", "x"], 2, "no role",
            id="role",
        ),
        pytest.param(
            ["grant", "add", "--to", "everyone", "--role", "reader", "--on", "x", "--cidr", "ten"],
            2, "no network", id="CIDR",
        ),
        pytest.param(
            ["grant", "add", "--to", "everyone", "--role", "reader", "--on", "x", "--expires",
             "2020-01-01T00:00:00Z"],
            2, "past", id="past",
        ),
        pytest.param(["policy", "apply", "/nonexistent.yaml"], 2, "cannot be read", id="no file"),
        pytest.param(["audit", "list", "--since", "yesterday"], 2, "no time", id="time"),
        pytest.param(["user", "add", "bob", "--password-file", "/nonexistent"], 2, "cannot be read",
                     id="no password file"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_one_line_and_an_exit_code(terminal, words, code, says):
    said = terminal(*words)
    assert said.code == code
    assert says in said.err
    assert said.err.count("\n") == 1
    assert said.out == ""


def test_a_traceback_comes_with_debug_only(terminal):
    assert "Traceback" not in terminal("user", "show", "nobody").err
    assert "Traceback" in terminal("user", "show", "nobody", "--debug").err


def test_a_database_without_tables_names_what_to_do(fresh):
    said = fresh("user", "list")
    assert (said.code, said.out) == (2, "")
    assert "authsvc init" in said.err


def test_a_database_that_does_not_answer_is_exit_3(tmp_path, terminal):
    terminal.config.write_text('database_url = "postgresql+psycopg://nobody@127.0.0.1:1/x"\n')
    said = terminal("user", "list")
    assert (said.code, said.err.count("\n")) == (3, 1)

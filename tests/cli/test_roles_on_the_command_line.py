"""`authsvc role`, and the rules of every edit as the command line meets them (AD-31)."""

import factories
import pytest

from authsvc.audit import reader
from authsvc.db.engine import Database


@pytest.fixture
def filled(terminal, password):
    terminal.done("user", "add", "root", "--password-file", password)
    terminal.done("grant", "add", "--to", "user:root", "--role", "admin")
    terminal.done("role", "add", "mine", "--allow", "repository:push,pull")
    return terminal


def test_roles(filled):
    item = filled.done(
        "role", "add", "lister", "--allow", "repository:pull", "--allow", "registry:catalog:*"
    )
    assert item["allow"] == ["repository:pull", "registry:catalog:*"]
    assert filled.done("role", "show", "lister") == item
    names = [each["name"] for each in filled.done("role", "list")]
    assert names == sorted(names)
    assert {"reader", "owner", "admin", "mine", "lister"} <= set(names)
    assert "registry:catalog:*" in filled("role", "list").out
    assert filled.done("role", "remove", "lister") == {"removed": item}
    assert filled("role", "remove", "mine").out == "removed role mine\n"


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        pytest.param(["add", "mine", "--allow", "repository:pull"], 1, "already", id="taken"),
        pytest.param(["add", "owner", "--allow", "repository:pull"], 1, "already", id="built in"),
        pytest.param(["add", "x", "--allow", "repository:*"], 2, "repository:pull", id="unknown"),
        pytest.param(["add", "x", "--allow", "admin"], 2, "nothing that a role", id="management"),
        pytest.param(["add", "X", "--allow", "repository:pull"], 2, "small letters", id="name"),
        pytest.param(["add", "x"], 2, "--allow", id="nothing allowed"),
        pytest.param(["show", "nosuch"], 1, "no role", id="show"),
        pytest.param(["remove", "nosuch"], 1, "no role", id="remove"),
        pytest.param(["remove", "reader"], 1, "built in", id="remove one built in"),
    ],
)
def test_what_is_wrong_with_a_role_is_one_line(filled, words, code, says):
    said = filled("role", *words)
    assert (said.code, said.out) == (code, "")
    assert says in said.err
    assert said.err.count("\n") == 1


def test_a_role_in_use_says_where_to_look(filled):
    filled.done("grant", "add", "--to", "everyone", "--role", "mine", "--on", "team")
    said = filled("role", "remove", "mine")
    assert said.code == 1
    assert "one grant is of role 'mine'" in said.err
    assert "grant list --role mine" in said.err


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        pytest.param(["user", "remove", "root"], 1, "no administrator", id="AD-31 last admin"),
        pytest.param(["user", "disable", "root"], 1, "no administrator", id="AD-31 disabled"),
        pytest.param(["grant", "remove", "1"], 1, "no administrator", id="AD-31 stripped"),
        pytest.param(
            ["grant", "add", "--to", "user:nosuch", "--role", "reader", "--on", "x"], 1, "no user",
            id="AD-31 dangling subject",
        ),
        pytest.param(
            ["grant", "add", "--to", "everyone", "--role", "reader", "--on", "x", "--registry",
             "nosuch"],
            1, "no registry", id="AD-31 dangling registry",
        ),
        pytest.param(
            ["grant", "add", "--to", "user:nosrc:x", "--role", "reader", "--on", "x"], 2,
            "no source", id="AD-31 source",
        ),
        pytest.param(
            ["namespace", "add", "team", "--registry", "nosuch"], 1, "no registry",
            id="AD-31 registry of a namespace",
        ),
        pytest.param(
            ["grant", "add", "--to", "robot:ci", "--role", "owner", "--on", "team"], 2,
            "a robot holds repository actions only", id="AD-31 RB-17",
        ),
    ],
)  # fmt: skip
def test_the_same_rules_hold_and_the_record_names_the_person_at_the_terminal(
    filled, database_url, words, code, says
):
    database = Database(database_url)
    with database.write() as session:
        factories.subject(session, "robot", "ci")
    said = filled(*words)
    with database.read() as session:
        record = reader.records(session, limit=1000)[-1]
    database.dispose()
    assert (said.code, said.out) == (code, "")
    assert says in said.err
    assert (record["outcome"], record["actor"]["kind"]) == ("refused", "cli")
    assert record["actor"]["name"]
    assert record["actor"]["source"]


def test_the_command_line_acts_as_an_administrator(filled):
    """AD-31: it needs no grant of its own, and gives what only administrators give."""
    for role in ("admin", "auditor", "catalog-reader"):
        assert filled.done("grant", "add", "--to", "user:root", "--role", role)["on"] == "**"

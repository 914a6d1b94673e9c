"""`authsvc pat`, and the command that ends all of a person's tokens at once."""

import json

import pytest
from real.process import free_port

from authsvc.protocol.secrets import digest, kind_of

BOB = "bob:$2y$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW\n"


@pytest.fixture
def tokens(terminal, password):
    """`authsvc pat …`, where alice is a person of the database and bob of a file."""
    terminal.done("user", "add", "alice", "--password-file", password)
    (terminal.config.parent / "htpasswd").write_text(BOB)
    return terminal


def test_one_is_made_shown_once_and_ended(tokens):
    scopes = ("--scope", "repository:team/*:push,pull", "--scope", "registry:catalog:*")
    made = tokens.done("pat", "add", "--user", "alice", "--name", "laptop", *scopes)
    secret = made.pop("secret")
    assert kind_of(secret) == "pat"
    assert made == {
        "id": made["id"], "name": "laptop", "user": "alice", "admin": False,
        "scopes": ["registry:catalog:*", "repository:team/*:pull,push"],
        "expires_at": None, "last_used_at": None,
    }  # fmt: skip
    assert tokens.done("pat", "list") == [made]
    for said in (tokens("pat", "list"), tokens("audit", "list", "--json")):
        assert secret not in said.out + said.err
        assert digest(secret).hex() not in said.out + said.err
    ended = tokens("pat", "remove", "--user", "alice", "--name", "laptop")
    assert (ended.code, ended.out) == (0, "removed 'laptop' of alice\n")
    assert tokens.done("pat", "list") == []


def test_people_read_its_secret_and_what_to_know_of_it(tokens):
    said = tokens("pat", "add", "--user", "file:bob", "--name", "laptop", "--admin")
    assert said.code == 0
    lines = dict(line.split(maxsplit=1) for line in said.out.splitlines())
    assert kind_of(lines["secret"]) == "pat"
    assert (lines["user"], lines["admin"]) == ("file:bob", "yes")
    assert lines["expires_at"] != "-"
    assert said.err == "the secret is shown this once; it is used in place of the password\n"


def test_the_tokens_of_one_person_are_listed_and_ended_by_id(tokens):
    tokens.done("pat", "add", "--user", "alice", "--name", "a")
    made = tokens.done("pat", "add", "--user", "file:bob", "--name", "b", "--expires", "30d")
    assert [each["id"] for each in tokens.done("pat", "list", "--user", "file:bob")] == [made["id"]]
    assert tokens.done("pat", "remove", str(made["id"]))["removed"]["id"] == made["id"]
    assert tokens.done("pat", "list", "--user", "file:bob") == []
    assert len(tokens.done("pat", "list")) == 1


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        pytest.param("add --user alice --name x --admin --expires 91d", 2, "90 days", id="AD-28"),
        pytest.param(
            "add --user alice --name x --expires 2020-01-01T00:00:00Z", 2, "past", id="past",
        ),
        pytest.param("add --user alice --name x --expires soon", 2, "no time", id="no time"),
        pytest.param(
            "add --user alice --name x --scope repository:x:fly", 2, "scopes.0", id="no scope",
        ),
        pytest.param(
            "add --user alice --name x --admin --scope repository:x:pull", 2, "manages nothing",
            id="wide and narrow",
        ),
        pytest.param("add --user nobody --name x", 1, "nobody", id="no such person"),
        pytest.param("add --user file:nobody --name x", 1, "nobody", id="not in the file"),
        pytest.param("add --user gone:bob --name x", 2, "gone", id="no such source"),
        pytest.param("add --user a:b:c --name x", 2, "user name", id="no name"),
        pytest.param("add --user alice --name there", 1, "'there' already", id="label taken"),
        pytest.param("add --name x", 2, "--user", id="whose"),
        pytest.param("remove 999", 1, "no personal access token 999", id="not there"),
        pytest.param("remove --user alice --name x", 1, "'x'", id="no such label"),
        pytest.param("remove", 2, "which token", id="none named"),
        pytest.param("remove --user alice", 2, "which token", id="half named"),
        pytest.param("remove 1 --user alice --name there", 2, "which token", id="named twice"),
    ],
)  # fmt: skip
def test_what_is_refused_is_one_line_with_its_exit_code(tokens, words, code, told):
    tokens.done("pat", "add", "--user", "alice", "--name", "there")
    said = tokens("pat", *words.split())
    assert (said.code, said.out) == (code, "")
    assert told in said.err
    assert len(tokens.done("pat", "list")) == 1


def test_a_directory_that_does_not_answer_makes_none(tokens):
    with tokens.config.open("a") as file:
        file.write(
            '[[sources]]\ntype = "ldap"\nname = "corp"\nuser_base = "dc=x"\n'
            f'urls = ["ldap://127.0.0.1:{free_port()}"]\n'
        )
    said = tokens("pat", "add", "--user", "corp:lana", "--name", "x")
    assert (said.code, said.out, said.err.count("\n")) == (3, "", 1)
    assert "sources.corp.urls" in said.err


def test_a_file_that_cannot_be_read_is_named(tokens):
    (tokens.config.parent / "htpasswd").unlink()
    said = tokens("pat", "add", "--user", "file:bob", "--name", "x")
    assert (said.code, said.out, said.err.count("\n")) == (3, "", 1)
    assert "sources.file.path" in said.err


def test_revoking_ends_all_tokens_and_says_how_many(tokens):
    for name in ("a", "b"):
        tokens.done("pat", "add", "--user", "file:bob", "--name", name)
    said = tokens("user", "revoke", "file:bob")
    assert said.out.startswith("ended 2 personal access tokens and 0 refresh tokens of file:bob")
    assert tokens.done("pat", "list") == []


def test_removing_a_person_ends_them_and_the_next_of_that_name_has_none(tokens, password):
    tokens.done("pat", "add", "--user", "alice", "--name", "a")
    assert tokens("user", "remove", "alice").out == (
        "removed alice: 0 grants, 0 memberships, 1 tokens\n"
    )
    tokens.done("user", "add", "alice", "--password-file", password)
    assert tokens.done("pat", "list") == []


def test_no_record_holds_the_secret(tokens):
    made = tokens.done("pat", "add", "--user", "alice", "--name", "a")
    tokens.done("user", "revoke", "alice")
    records = json.dumps(tokens.done("audit", "list"))
    assert '"pat"' in records
    assert made["secret"] not in records

"""`authsvc db restored` and `authsvc db copy`: what they end, list, copy, refuse and print."""

import contextlib
import json
import os
import pty
import subprocess
import sys

import factories
import pytest
from sqlalchemy import select, update

from authsvc.cli import db_shown
from authsvc.db.engine import Database
from authsvc.db.models import Change, Secret, Subject


@pytest.fixture
def filled(terminal, password):
    terminal.done("registry", "add", "reg.test:5000")
    terminal.done("user", "add", "alice", "--password-file", password)
    for name in ("ci", "off", "over"):
        terminal.done("robot", "add", name, "--namespace", "team", "--role", "writer")
    terminal.done("robot", "disable", "off")
    for label in ("laptop", "past"):
        terminal.done("pat", "add", "--user", "alice", "--name", label)
    return terminal


@pytest.fixture
def database(database_url):
    opened = Database(database_url)
    yield opened
    opened.dispose()


def owner(session, name):
    return session.scalars(select(Subject).where(Subject.name == name)).one().id


@pytest.fixture
def ended(filled, database):
    """Of a robot and of a person one secret has ended; two refresh tokens have not."""
    with database.write() as session:
        over, alice = owner(session, "over"), owner(session, "alice")
        past = {"expires_at": factories.NOW}
        session.execute(update(Secret).where(Secret.subject_id == over).values(**past))
        session.execute(update(Secret).where(Secret.name == "past").values(**past))
        for _ in range(2):
            session.add(
                Secret(
                    kind="ref", digest=os.urandom(32), subject_id=alice, registry_id=1,
                    created_at=factories.NOW, expires_at=None, last_used_at=None, scopes=None,
                )
            )  # fmt: skip
        session.add(factories.record_row(5))
    return filled


def kinds(database):
    with database.read() as session:
        return sorted(session.scalars(select(Secret.kind)))


def test_restored_ends_refresh_tokens_and_lists_what_is_good_again(ended, database):
    before = kinds(database)
    value = ended.done("db", "restored")
    assert value["refresh_tokens_ended"] == 2
    assert kinds(database) == [kind for kind in before if kind != "ref"]
    assert [each["name"] for each in value["robots"]] == ["ci"]
    assert [(each["name"], each["user"]) for each in value["pats"]] == [("laptop", "alice")]
    assert (value["people"], value["grants"], value["keys"]) == (1, 3, [])
    assert value["last_record"] == "1970-01-01T00:00:00.005Z"


def test_restored_is_an_audit_event_after_which_everything_is_forgotten(ended, database):
    value = ended.done("db", "restored")
    with database.read() as session:
        last, backup = session.scalars(select(Change).order_by(Change.seq.desc()).limit(2)).all()
    assert (last.seq, last.topics) == (backup.seq + 1, ["everything"])
    assert (value["change"]["seq"], value["change"]["hash"]) == (backup.seq, backup.hash.hex())
    body = json.loads(last.body)
    assert (body["event"], body["outcome"]) == ("admin", "granted")
    assert body["actor"]["kind"] == "cli"
    told = body["after"]["restored"]
    assert told == {name: value[name] for name in told}
    assert set(told) == {"change", "last_record", "refresh_tokens_ended", "people", "grants"}


def test_restored_says_in_words_what_has_to_be_looked_through(ended):
    said = ended("db", "restored")
    assert said.code == 0, said.err
    assert "ended 2 refresh tokens, and all that is remembered" in said.out
    assert "the token record of 1970-01-01T00:00:00.005Z" in said.out
    assert "robots, with the secrets of then: 1 (authsvc robot list)\n  ci (made 20" in said.out
    assert "tokens: 1 (authsvc pat list)\n" in said.out
    assert "'laptop' of alice" in said.out
    assert "people who are enabled: 1 (authsvc user list)" in said.out


def test_restored_over_a_database_with_nothing_in_it(terminal):
    said = terminal("db", "restored")
    assert (said.code, "ends with no change and the token record of -" in said.out) == (0, True)


def test_a_long_list_is_cut_and_says_so():
    each = {"id": 1, "name": "laptop", "user": "alice"}
    value = {"change": None, "last_record": None, "refresh_tokens_ended": 0, "people": 0}
    value |= {"grants": 0, "robots": [], "keys": [], "pats": [each] * 60}
    said = db_shown.restored(value)
    assert said.count("laptop") == db_shown.LISTED
    assert "  and 10 more\n" in said


def test_copy_says_what_was_copied_and_the_copy_has_it_all(filled, empty_url, tmp_path):
    users = filled.done("user", "list")
    value = filled.done("db", "copy", "--to", empty_url)
    assert value["tables"]["subjects"] == 6
    assert value["rows"] == sum(value["tables"].values())
    (tmp_path / "other.toml").write_text(f'database_url = "{empty_url}"\n')
    filled.config = tmp_path / "other.toml"
    assert filled.done("user", "list") == users
    assert filled.done("robot", "add", "next", "--namespace", "team", "--role", "writer")


def test_copy_in_words_and_a_second_time(filled, empty_url):
    said = filled("db", "copy", "--to", empty_url)
    assert (said.code, said.err) == (0, "")
    assert "set database_url to the new address" in said.out
    said = filled("db", "copy", "--to", empty_url)
    assert said.code == 1
    assert "is not empty" in said.err


@pytest.mark.parametrize(
    ("address", "code", "text"),
    [
        ("mysql://root@127.0.0.1/x", 2, "--to: the address names a driver"),
        ("sqlite://", 2, "--to: the address names no file"),
        ("postgresql+psycopg://u:very-secret@127.0.0.1:1/x", 3, "the database did not answer"),
    ],
)
def test_copy_to_an_address_that_cannot_be_used(filled, address, code, text):
    said = filled("db", "copy", "--to", address)
    assert said.code == code
    assert text in said.err
    assert "very-secret" not in said.out + said.err


def test_copy_of_nothing_makes_nothing(tmp_path, fresh):
    said = fresh("db", "copy", "--to", f"sqlite:///{tmp_path}/made.db")
    assert (said.code, "authsvc init" in said.err) == (2, True)
    assert not (tmp_path / "made.db").exists()


def test_a_terminal_sees_how_far_the_copy_is(terminal, tmp_path):
    screen, end = pty.openpty()
    words = ["--config", terminal.config, "db", "copy", "--to", f"sqlite:///{tmp_path}/to.db"]
    process = subprocess.Popen(
        [sys.executable, "-m", "authsvc.cli", *words], cwd=tmp_path, stderr=end,
        stdout=subprocess.PIPE, text=True, env={**os.environ, "TERM": "xterm", "COLUMNS": "80"},
    )  # fmt: skip
    os.close(end)
    said = b""
    with contextlib.suppress(OSError):  # nobody writes any more
        while True:
            said += os.read(screen, 1 << 16)
    out, _ = process.communicate()
    os.close(screen)
    assert (process.returncode, out.startswith("copied ")) == (0, True)
    assert "━" in said.decode()
    assert b"token_records" in said

"""A database copied to the other engine, or its own: every row, every number, or nothing at all."""

import os
import signal
import subprocess
import sys
from contextlib import contextmanager

import factories
import pytest
from sqlalchemy import select, text

from authsvc.db import schema
from authsvc.db.copying import ROWS, copy
from authsvc.db.engine import Database
from authsvc.db.models import Base, Grant, Secret, Subject
from authsvc.errors import Conflict, InvalidSettings, Unavailable

CHILD = """
import sys, time
from authsvc.db.copying import copy
from authsvc.db.engine import Database
def told(table, done, total):
    if table == 'token_records' and done:
        print('begun', flush=True)
        time.sleep(600)
copy(Database(sys.argv[1]), Database(sys.argv[2]), told)
"""


def silent(table, done, total):
    """Says nothing."""


def fill(database, records=3):
    """Rows of many tables, with what is awkward: JSON, bytes, times, null, gaps in numbers."""
    with database.write() as session:
        alice = factories.user(session, "zoë", "local", "$argon2id$…")
        gone = factories.user(session, "gone")
        group = factories.group(session, members=[alice])
        registry = factories.registry(session, "reg.test:5000", ttl=300, read_only=True)
        factories.namespace(session, "team", registry.id, "public")
        factories.grant(session, group, cidrs=["10.0.0.0/8", "2001:db8::/32"], reason='a "why"\n')
        factories.grant(session, alice, expires_at=factories.NOW, registry_id=registry.id)
        for scopes in (None, ["repository:team/app:pull"]):
            session.add(
                Secret(
                    kind="rob", digest=os.urandom(32), subject_id=alice.id, scopes=scopes,
                    created_at=factories.NOW, expires_at=None, last_used_at=factories.NOW,
                )
            )  # fmt: skip
        session.flush()
        session.delete(gone)
        for number in range(records):
            session.add(record(number))
    factories.change(database, "base", "subject:user:local:zoë", after={"what": "ü\0"})


def record(number):
    return factories.record_row(
        number, seq=number + 1, body=b'{"body": "\\u0000", "n": %d}' % number,
        subject="user:local:zoë" if number % 2 else None,
    )  # fmt: skip


def everything(database):
    with database.read() as session:
        return {
            table.name: sorted(map(repr, session.execute(select(table)).all()))
            for table in Base.metadata.sorted_tables
        }


def next_id(database, row):
    with database.write() as session:
        session.add(row)
        session.flush()
        return row.id


def a_subject():
    return Subject(
        kind="user", source="file", name="next", external_id=None,
        created_at=factories.NOW, changed_in=0,
    )  # fmt: skip


def tables(database):
    if database.path is not None and not database.path.exists():
        return []
    with database.read() as session:
        query = "SELECT name FROM sqlite_master"
        if database.path is None:
            query = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        return session.scalars(text(query)).all()


@contextmanager
def opened(url):
    database = Database(url)
    yield database
    database.dispose()


def test_every_row_of_every_table_is_there_and_nothing_else(database, empty_database):
    fill(database, records=ROWS * 2 + 1)
    counts = copy(database, empty_database, silent)
    held = everything(database)
    assert everything(empty_database) == held
    assert counts == {name: len(rows) for name, rows in held.items()}
    assert counts["token_records"] == ROWS * 2 + 1
    schema.check(empty_database)
    schema.upgrade(empty_database)
    assert everything(empty_database) == held


def test_no_number_is_given_out_again_not_even_that_of_a_row_that_is_gone(database, empty_database):
    fill(database)
    with database.write() as session:
        newest = factories.user(session, "newest")
        session.flush()
        session.delete(newest)
    copy(database, empty_database, silent)
    assert next_id(empty_database, a_subject()) == newest.id + 1


def test_a_table_that_never_had_a_row_begins_with_one(database, empty_database):
    copy(database, empty_database, silent)
    with empty_database.write() as session:
        grant = factories.grant(session, factories.audience(session))
        assert isinstance(grant, Grant)
        assert grant.id == 1


def test_it_says_how_far_it_is(database, empty_database):
    fill(database, records=ROWS + 1)
    told = []
    copy(database, empty_database, lambda *each: told.append(each))
    of_records = [each[1:] for each in told if each[0] == "token_records"]
    assert of_records == [(0, ROWS + 1), (ROWS, ROWS + 1), (ROWS + 1, ROWS + 1)]


@pytest.mark.parametrize(
    "statement", ["CREATE TABLE notes (a int)", "CREATE VIEW notes AS SELECT 1 AS a"]
)
def test_a_target_that_holds_anything_is_refused_and_left_alone(
    database, empty_database, statement
):
    empty_database.create()
    with empty_database.migrate() as connection:
        connection.execute(text(statement))
    with pytest.raises(Conflict, match="not empty"):
        copy(database, empty_database, silent)
    assert tables(empty_database) == ["notes"]


def test_a_second_copy_to_the_same_place_and_one_to_itself_are_refused(database, empty_database):
    copy(database, empty_database, silent)
    for target in (empty_database, database):
        with pytest.raises(Conflict, match="not empty"):
            copy(database, target, silent)


@pytest.mark.parametrize("late", ["a change", "a record"])
def test_what_is_recorded_meanwhile_is_never_left_out_unsaid(database, empty_database, late):
    fill(database)

    def told(table, done, total):
        if table == "token_records" and done:
            if late == "a change":
                factories.change(database, "base")
            else:
                with database.write() as session:
                    session.add(record(99))

    with pytest.raises(Conflict, match="meanwhile"):
        copy(database, empty_database, told)
    assert tables(empty_database) == []


def test_a_copy_that_is_killed_leaves_an_empty_database_that_takes_the_next(
    database_url, empty_url
):
    with opened(database_url) as source, opened(empty_url) as target:
        fill(source)
        child = subprocess.Popen(
            [sys.executable, "-c", CHILD, database_url, empty_url],
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert child.stdout.readline() == "begun\n"
        child.send_signal(signal.SIGKILL)
        child.communicate()
        assert tables(target) == []
        copy(source, target, silent)
        assert everything(target) == everything(source)


def test_an_older_and_a_newer_schema_are_not_copied(database, empty_database):
    with database.write() as session:
        newer = {"number": schema.SCHEMA + 1, "now": factories.NOW.replace(tzinfo=None)}
        row = "INSERT INTO schema_versions (number, oldest, applied_at) VALUES (:number, 1, :now)"
        session.execute(text(row), newer)
    with pytest.raises(InvalidSettings, match="newer"):
        copy(database, empty_database, silent)
    with database.write() as session:
        session.execute(text("DELETE FROM schema_versions WHERE number > 1"))
    with pytest.raises(InvalidSettings, match="older"):
        copy(database, empty_database, silent)
    assert tables(empty_database) == []


def test_a_target_that_does_not_answer_is_unavailable(sqlite_url):
    with (
        opened(sqlite_url) as source,
        opened("postgresql+psycopg://nobody@127.0.0.1:1/none") as target,
        pytest.raises(Unavailable),
    ):
        copy(source, target, silent)

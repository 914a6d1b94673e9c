from hashlib import sha256

import pytest
from factories import change, record
from sqlalchemy import text

from authsvc.audit import changes
from authsvc.audit.records import Event


def rows(database):
    with database.read() as session:
        return session.execute(text("SELECT * FROM changes ORDER BY seq")).all()


def test_changes_are_numbered_without_holes_and_hang_together(database):
    assert [change(database, "base", event=Event.POLICY) for _ in range(3)] == [1, 2, 3]
    prev = bytes(32)
    for row in rows(database):
        assert row.prev == prev
        prev = sha256(prev + f"changes\n{row.seq}\n".encode() + row.body).digest()
        assert row.hash == prev
    with database.read() as session:
        head = session.execute(text("SELECT seq, hash FROM change_head")).one()
    assert head == (3, prev)


def test_a_change_that_fails_leaves_no_hole(database):
    change(database, "base")

    def fail():
        with database.write() as session:
            version = changes.lock_head(session)
            changes.append(session, version, record(), ["base"])
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert change(database, "base") == 2


def test_the_topics_are_kept_each_once(database):
    change(database, "name:bob", "base", "name:bob")
    with database.read() as session:
        from authsvc.db.models import Change

        assert session.get(Change, 1).topics == ["base", "name:bob"]
        assert session.get(Change, 1).id == "changes-1"


def test_a_number_that_was_not_taken_from_the_head_is_a_fault(database):
    with pytest.raises(RuntimeError, match="does not follow"), database.write() as session:
        changes.append(session, 7, record(), ["base"])
    assert rows(database) == []

"""Very many rows at once, on both engines: written as they are, or refused as one."""

from datetime import UTC, datetime, timedelta, timezone

import factories
import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from authsvc.db import bulk
from authsvc.db.models import Grant, Membership, Subject

NOW = datetime(2026, 1, 2, 3, 4, 5, 678_901, tzinfo=UTC)
AWKWARD = [
    "",
    "tab\t",
    "new\nline",
    "\\N",
    "\\.",
    "'\"",
    "{a,b}",
    "NULL",
    "ünï 🙂",
    "\x01\x7f",
    ",",
]


def people(names):
    count = len(names)
    return {
        "kind": ["user"] * count,
        "source": ["file"] * count,
        "name": names,
        "enabled": [number % 2 == 0 for number in range(count)],
        "retired": [False] * count,
        "created_at": [NOW.astimezone(timezone(timedelta(hours=5)))] * count,
        "changed_in": list(range(count)),
    }


def insert(database, columns, model=Subject):
    with database.write() as session:
        bulk.insert_all(session, model, bulk.bound(session, model, columns))


def test_values_come_back_as_they_were(database):
    names = [f"{number}{text}" for number, text in enumerate(AWKWARD)]
    insert(database, people(names))
    with database.read() as session:
        rows = session.scalars(select(Subject).where(Subject.source == "file")).all()
    found = {row.name: (row.enabled, row.created_at, row.changed_in) for row in rows}
    assert found == {name: (n % 2 == 0, NOW, n) for n, name in enumerate(names)}


def test_nulls_and_lists_too(database):
    with database.write() as session:
        person = factories.user(session)
        role = factories.role(session).id
        columns = {
            "subject_id": [person.id] * 2,
            "role_id": [role] * 2,
            "registry_id": [None, None],
            "pattern": ["a", "b"],
            "effect": ["allow", "deny"],
            "expires_at": [None, NOW],
            "cidrs": [[], ["10.0.0.0/8", "2001:db8::/32"]],
            "reason": ["", "why"],
            "fingerprint": ["1", "2"],
            "created_at": [NOW] * 2,
            "changed_in": [7, 7],
        }
        bulk.insert_all(session, Grant, bulk.bound(session, Grant, columns))
        one, other = session.scalars(select(Grant).order_by(Grant.pattern))
        assert (one.cidrs, one.expires_at) == ([], None)
        assert (other.cidrs, other.expires_at) == (["10.0.0.0/8", "2001:db8::/32"], NOW)


def test_nothing_is_nothing(database):
    insert(database, people([]))
    with database.write() as session:
        bulk.update_all(session, Grant, {"id": [], "reason": []})


def test_rows_are_set_by_their_key(database):
    with database.write() as session:
        person = factories.user(session)
        rows = [factories.grant(session, person, on=f"n{number}") for number in range(5)]
        reasons = [f"why {number}" for number in range(4)]
        columns = {"id": [row.id for row in rows[:4]], "reason": reasons, "changed_in": [9] * 4}
        bulk.update_all(session, Grant, columns)
    with database.read() as session:
        found = session.execute(select(Grant.reason, Grant.changed_in).order_by(Grant.pattern))
        assert found.all() == [*((reason, 9) for reason in reasons), ("", 0)]


def test_rows_are_deleted_by_their_keys(database):
    with database.write() as session:
        group, other = (factories.group(session, name) for name in ("devs", "ops"))
        people = [factories.user(session, name) for name in ("a", "b", "c")]
        for one in (group, other):
            session.add_all(Membership(group_id=one.id, member_id=each.id) for each in people)
        session.flush()
        pairs = {"group_id": [group.id, other.id], "member_id": [people[0].id, people[1].id]}
        bulk.delete_all(session, Membership, pairs)
        bulk.delete_all(session, Membership, {"group_id": [], "member_id": []})
        left = session.execute(select(Membership.group_id, Membership.member_id)).all()
        gone = {(group.id, people[0].id), (other.id, people[1].id)}
        all_of_them = {(one.id, each.id) for one in (group, other) for each in people}
        assert {tuple(pair) for pair in left} == all_of_them - gone
        bulk.delete_all(session, Subject, {"id": [group.id]})
        assert set(session.scalars(select(Membership.group_id))) == {other.id}


@pytest.mark.parametrize("names", [["one", "two", "one"], ["one"] * 2_000])
def test_what_the_schema_refuses_is_refused_whole(database, names):
    with pytest.raises(IntegrityError):
        insert(database, people(names))
    insert(database, people(["one"]))
    with database.read() as session:
        assert len(session.scalars(select(Subject).where(Subject.source == "file")).all()) == 1


def test_room_is_given_back_however_it_ends(sqlite_url):
    from authsvc.db.engine import Database

    database = Database(sqlite_url)
    kept = []

    def size(session):
        return session.execute(text("PRAGMA cache_size")).scalar()

    with database.write() as session:
        kept.append(size(session))
        with bulk.roomy(session):
            assert size(session) == -bulk.ROOM
            bulk.insert_all(session, Subject, bulk.bound(session, Subject, people(["one"])))
        kept.append(size(session))
    with pytest.raises(IntegrityError), database.write() as session, bulk.roomy(session):
        factories.user(session, name="one", source="file")
    with database.read() as session:
        kept.append(size(session))
    assert len(set(kept)) == 1
    database.dispose()

"""Refresh tokens as they are stored: what is looked at again within the transaction."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from authsvc.changes import refresh, registries, subjects, users
from authsvc.clock import utc
from authsvc.db.models import Password, Secret, Subject
from authsvc.principal import SYSTEM, Kind, Principal
from authsvc.protocol.names import SubjectRef

NOON = 1_800_000_000.0  # by the clock of the road

REGISTRY = "reg.test"
ALICE = SubjectRef("user", "local", "alice")


@pytest.fixture
def giving(road):
    """A registry that gives refresh tokens, and alice of the database."""
    road.registry(REGISTRY, refresh_tokens=True)
    road.user("alice")
    return road


def as_shown(road, name="alice"):
    """What stands for a local person's password."""
    with road.database.read() as session:
        row = subjects.find(session, "user", "local", name)
        return session.get(Password, row.id).changed_at.isoformat()


def asked(road, who=None, *, digest=b"1", password=None, registry=REGISTRY):
    if who is None:
        who = Principal(Kind.USER, "local", "alice", road.identity("alice"))
    shown = as_shown(road) if password is None else password
    return refresh.Asked(who, registry, shown, digest)


def issue(road, wanted, most=50):
    return road.unit_of_work.run(SYSTEM, lambda tx: refresh.issue(tx, wanted, most=most))


def kept(road):
    with road.database.read() as session:
        return [row.digest for row in session.scalars(select(Secret).order_by(Secret.id))]


def test_one_is_kept_by_its_digest_without_a_record(giving):
    before = len(giving.records())
    made = issue(giving, asked(giving))
    with giving.database.read() as session:
        row = session.get(Secret, made)
        assert (row.kind, row.digest, row.scopes, row.manages) == ("ref", b"1", None, False)
        assert (row.created_at, row.last_used_at, row.expires_at) == (utc(NOON), None, None)
    assert len(giving.records()) == before


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda tx: registries.change(tx, REGISTRY, {"refresh_tokens": False}),
                     id="switched-off"),
        pytest.param(lambda tx: registries.change(tx, REGISTRY, {"enabled": False}),
                     id="registry-disabled"),
        pytest.param(lambda tx: registries.remove(tx, REGISTRY), id="registry-removed"),
        pytest.param(lambda tx: users.set_enabled(tx, ALICE, enabled=False), id="disabled"),
        pytest.param(lambda tx: users.set_password(tx, ALICE, "other"), id="password"),
        pytest.param(lambda tx: users.remove(tx, ALICE), id="removed"),
    ],
)  # fmt: skip
def test_none_is_kept_when_something_has_changed_since_the_password_was_shown(giving, change):
    wanted = asked(giving)
    giving.clock.advance(5)
    giving.run(change)
    assert issue(giving, wanted) is None
    assert kept(giving) == []


def test_none_is_kept_for_a_namesake_who_came_after(giving):  # RT-10
    wanted = asked(giving)
    giving.run(lambda tx: users.remove(tx, ALICE))
    giving.user("alice")
    assert as_shown(giving) == wanted.password  # at a time that stands still
    assert issue(giving, wanted) is None


@pytest.mark.parametrize(
    "end",
    [
        pytest.param(lambda tx: registries.change(tx, REGISTRY, {"refresh_tokens": False}),
                     id="switched-off"),
        pytest.param(lambda tx: registries.remove(tx, REGISTRY), id="registry-removed"),
        pytest.param(lambda tx: users.set_enabled(tx, ALICE, enabled=False), id="disabled"),
        pytest.param(lambda tx: users.set_password(tx, ALICE, "other"), id="password"),
        pytest.param(lambda tx: users.revoke(tx, ALICE), id="revoked"),
        pytest.param(lambda tx: users.remove(tx, ALICE), id="removed"),
    ],
)  # fmt: skip
def test_what_ends_them_tells_every_worker_of_each(giving, end):
    made = [issue(giving, asked(giving, digest=digest)) for digest in (b"1", b"2")]
    giving.run(end)
    assert kept(giving) == []
    assert {f"secret:{each}" for each in made} <= set(giving.topics())


def test_a_person_of_a_directory_is_bound_to_who_they_are_there(giving):
    who = Principal(Kind.USER, "corp", "carol", "id-of-carol")
    issue(giving, asked(giving, who, password=""))
    with giving.database.read() as session:
        row = subjects.find(session, "user", "corp", "carol")
        assert row.external_id == "id-of-carol"
    (user,) = giving.records()[-1]["after"][0]["users"]
    assert (user["name"], user["external_id"]) == ("carol", "id-of-carol")
    before = len(giving.records())
    issue(giving, asked(giving, who, digest=b"2", password=""))
    assert len(giving.records()) == before


def test_who_has_the_name_of_another_in_a_directory_now_gets_one_of_their_own(giving):
    one = Principal(Kind.USER, "corp", "carol", "id-1")
    other = Principal(Kind.USER, "corp", "carol", "id-2")
    made = [issue(giving, asked(giving, who, digest=who.id.encode(), password=""))
            for who in (one, other)]  # fmt: skip
    with giving.database.read() as session:
        owners = [session.get(Subject, session.get(Secret, each).subject_id) for each in made]
    assert [owner.external_id for owner in owners] == ["id-1", "id-2"]


def test_the_oldest_go_with_a_record_and_only_those_of_one_person_and_registry(giving):
    giving.registry("other.test", refresh_tokens=True)
    who = Principal(Kind.USER, "corp", "carol", "id-of-carol")
    issue(giving, asked(giving, who, digest=b"c", password=""), most=2)
    issue(giving, asked(giving, digest=b"o", registry="other.test"), most=2)
    for digest in (b"1", b"2", b"3", b"4"):
        giving.clock.advance(1)
        issue(giving, asked(giving, digest=digest), most=2)
    assert kept(giving) == [b"c", b"o", b"3", b"4"]
    (gone,) = giving.records()[-1]["before"][0]["refresh_tokens"]
    assert (gone["user"], gone["registry"]) == ("user:local:alice", REGISTRY)
    assert giving.topics() == [f"secret:{gone['id']}"]


def test_when_fewer_are_allowed_than_there_are_all_beyond_go(giving):
    for digest in (b"1", b"2", b"3"):
        issue(giving, asked(giving, digest=digest))
    issue(giving, asked(giving, digest=b"4"), most=1)
    assert kept(giving) == [b"4"]


@pytest.mark.parametrize(
    ("created", "used", "stays"),
    [
        pytest.param(89, 1, True, id="in-use"),
        pytest.param(90.5, 1, True, id="ended-just-now"),
        pytest.param(92, 1, False, id="RX-14-age"),
        pytest.param(40, 30.5, True, id="idle-just-now"),
        pytest.param(40, 32, False, id="RX-14-idle"),
        pytest.param(32, None, False, id="RX-14-never-used"),
        pytest.param(-5, None, True, id="clock-put-back"),
    ],
)
def test_what_has_ended_is_removed_a_day_later(giving, created, used, stays):
    issue(giving, asked(giving))
    now = utc(NOON)
    times = {"created_at": now - timedelta(days=created),
             "last_used_at": None if used is None else now - timedelta(days=used)}  # fmt: skip
    with giving.database.write() as session:
        session.execute(update(Secret).values(**times))
    refresh.forget_ended(giving.database, now, max_age=90 * 86_400, idle=30 * 86_400)
    assert (kept(giving) == [b"1"]) is stays


def test_personal_tokens_are_not_among_those_that_end(giving):
    issue(giving, asked(giving))
    with giving.database.write() as session:
        session.execute(update(Secret).values(kind="pat", created_at=utc(0), name="x"))
    refresh.forget_ended(giving.database, utc(NOON), max_age=60, idle=60)
    giving.run(lambda tx: registries.change(tx, REGISTRY, {"refresh_tokens": False}))
    giving.run(lambda tx: users.set_password(tx, ALICE, "other"))
    assert kept(giving) == [b"1"]


@pytest.mark.parametrize(
    ("who", "ends"),
    [
        pytest.param(("alice", "local"), True, id="owner"),
        pytest.param(("admin", "local"), True, id="administrator"),
        pytest.param(("auditor", "local"), False, id="auditor"),
        pytest.param(("alice", "corp"), False, id="namesake-elsewhere"),
        pytest.param(("bob", "local"), False, id="RT-17-foreign"),
    ],
)
def test_only_its_owner_and_administrators_see_and_end_it(giving, who, ends):
    for name in ("admin", "auditor", "bob"):
        giving.user(name)
    for name in ("admin", "auditor"):
        giving.grant(f"user:{name}", name)
    issue(giving, asked(giving))
    road = giving.as_(*who)
    seen = road.unit_of_work.look(road.actor, lambda tx: refresh.seen(tx, b"1"))
    assert (seen is not None) is ends
    assert road.run(lambda tx: refresh.revoke(tx, b"1")) is ends
    assert (kept(giving) == []) is ends
    assert giving.run(lambda tx: refresh.revoke(tx, b"unknown")) is False

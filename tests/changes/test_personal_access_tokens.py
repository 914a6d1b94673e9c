"""Personal access tokens: what they may be, who may make and end them, and what ends them."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from authsvc.access.questions import People
from authsvc.access.rights import NOTHING
from authsvc.changes import pats, secrets, users
from authsvc.changes.pat_spec import PatSpec, ref_of
from authsvc.changes.spec import checked
from authsvc.changes.unit_of_work import rights_of
from authsvc.clock import utc
from authsvc.db.models import Secret, Subject
from authsvc.errors import Conflict, Dangling, Forbidden, Invalid, NotFound
from authsvc.principal import Actor, Kind, Origin, Principal

BOB = Principal(Kind.USER, "file", "bob", "bob")
LANA = Principal(Kind.USER, "corp", "lana", "id-1")
NUMBERS = iter(range(1, 10_000))


def make(road, user="alice", *, owner=None, **members):
    spec = checked(PatSpec, {"name": "laptop", "user": user, **members})
    digest = b"%32d" % next(NUMBERS)
    return road.run(lambda tx: pats.add(tx, spec, owner or ref_of(user), digest))


def shows(road, kind, *, manages):
    """The same person with what carries their rights, or does not."""
    origin = replace(road.actor.origin, credential_kind=kind, manages=manages)
    return replace(road, actor=replace(road.actor, origin=origin))


def stored(road):
    with road.database.read() as session:
        return [pats.item(*row) for row in pats.rows(session)]


def keep(road, owner_name, kind, **columns):
    """A secret of another kind, straight into the table."""
    with road.database.write() as session:
        owner = session.scalar(select(Subject.id).where(Subject.name == owner_name))
        columns = {"created_at": utc(road.clock.now()), "digest": b"%32d" % next(NUMBERS)} | columns
        row = Secret(kind=kind, subject_id=owner, **columns)
        session.add(row)
        session.flush()
        return row.id


def kinds(road):
    with road.database.read() as session:
        return sorted(session.scalars(select(Secret.kind)))


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("repository:team/app:push,pull,pull", "repository:team/app:pull,push"),
        ("repository:team/*:pull", "repository:team/*:pull"),
        ("repository:**:delete", "repository:**:delete"),
        ("repository:reg.test:5000/app:pull", "repository:reg.test:5000/app:pull"),
        ("registry:catalog:*", "registry:catalog:*"),
    ],
)
def test_a_scope_is_kept_in_its_one_form(given, kept):
    assert checked(PatSpec, {"name": "x", "scopes": [given, given]}).scopes == (kept,)


@pytest.mark.parametrize(
    "scope",
    [
        "", "pull", "repository:team/app", "repository:team/app:", "repository:team/app:*",
        "repository:team/app:pull,admin", "repository::pull", "repository:Team/App:pull",
        "repository:team/***:pull", "repository:{username}/*:pull", "repository:a//*:pull",
        "repository:{username}:pull", "repository(plugin):team/app:pull", "registry:catalog:pull",
        "registry:*:*", "registry:other:*", "repository:team/app:pull repository:b:pull",
        "other:team/app:pull",
    ],
)  # fmt: skip
def test_what_is_no_scope_is_told_with_its_place(scope):
    with pytest.raises(Invalid) as error:
        checked(PatSpec, {"name": "x", "scopes": ["repository:a:pull", scope]})
    assert [place for place, _ in error.value.faults] == ["/scopes/1"]


@pytest.mark.parametrize(
    "members",
    [
        {"name": ""}, {"name": "x" * 101}, {"name": " x"}, {"name": "a\nb"}, {"name": "a\0"},
        {"scopes": []}, {"scopes": ["repository:a:pull"] * 65}, {"user": "robot.ci"},
        {"user": "a:b:c"}, {"user": ""}, {"admin": 1}, {"expires_at": "tomorrow"},
        {"admin": True, "scopes": ["repository:a:pull"]}, {"secret": "x"},
    ],
)  # fmt: skip
def test_what_is_no_token_is_refused(members):
    with pytest.raises(Invalid):
        checked(PatSpec, {"name": "x", **members})


def test_a_token_of_a_local_person(road):
    road.user("alice")
    made = make(road, scopes=["repository:a:pull"], expires_at="2027-02-01T00:00:00Z")
    assert made == {
        "id": made["id"], "name": "laptop", "user": "alice", "scopes": ["repository:a:pull"],
        "admin": False, "expires_at": "2027-02-01T00:00:00Z", "last_used_at": None,
    }  # fmt: skip
    assert stored(road) == [made]
    assert road.topics() == [f"secret:{made['id']}"]
    assert road.records()[-1]["after"] == {"pat": made}


@pytest.mark.parametrize(
    ("days", "ends"),
    [
        pytest.param(None, 90, id="unless named"),
        pytest.param(89, 89, id="as named"),
        pytest.param(90, 90, id="at most"),
    ],
)
def test_one_with_admin_ends_in_90_days(road, days, ends):
    road.user("alice")
    now = utc(road.clock.now())
    named = {} if days is None else {"expires_at": now + timedelta(days=days)}
    made = make(road, admin=True, **named)
    assert datetime.fromisoformat(made["expires_at"]) == now + timedelta(days=ends)


@pytest.mark.parametrize(
    ("admin", "seconds"),
    [
        pytest.param(True, 91 * 86400, id="AD-28"),
        pytest.param(True, 90 * 86400 + 1, id="a second too late"),
        pytest.param(True, -1, id="past, with admin"),
        pytest.param(False, 0, id="now"),
    ],
)
def test_no_token_ends_too_late_or_in_the_past(road, admin, seconds):
    road.user("alice")
    end = utc(road.clock.now()) + timedelta(seconds=seconds)
    with pytest.raises(Invalid) as error:
        make(road, admin=admin, expires_at=end)
    assert error.value.faults[0][0] == "/expires_at"
    assert stored(road) == []


def test_a_label_is_one_persons_once_and_there_is_room_for_a_hundred(road):
    road.user("alice")
    road.user("anna")
    for number in range(pats.MOST):
        make(road, name=f"n{number}")
    with pytest.raises(Conflict, match="100"):
        make(road, name="one more")
    make(road, "anna", name="n1")
    with pytest.raises(Conflict, match="'n1' already"):
        make(road, "anna", name="n1")
    first = stored(road)[0]
    road.run(lambda tx: pats.remove(tx, first["id"]))
    make(road, name="one more")


def test_people_make_list_and_end_their_own(road):
    road.user("alice")
    alice = road.as_("alice")
    made = make(alice)
    with road.database.read() as session:
        assert [row.id for row, _ in pats.rows(session, pats.seen(NOTHING, alice.actor.principal))]
    assert alice.run(lambda tx: pats.remove(tx, made["id"]))["removed"] == made
    assert stored(road) == []
    assert road.topics() == [f"secret:{made['id']}"]


def test_those_of_others_are_as_if_they_were_not_there(road):
    road.user("alice")
    road.user("mallory")
    made, mallory = make(road), road.as_("mallory")
    with pytest.raises(NotFound):
        mallory.run(lambda tx: pats.remove(tx, made["id"]))
    for name in ("alice", "nobody"):  # nor is it told who there is
        with pytest.raises(NotFound, match="there is nothing here"):
            make(mallory, name, name="mine")
    with road.database.read() as session:
        assert pats.rows(session, pats.seen(NOTHING, mallory.actor.principal)) == []
    assert stored(road) == [made]


def test_an_auditor_sees_all_and_an_administrator_may_all(road):
    for name in ("alice", "audra", "root"):
        road.user(name)
    road.grant("user:audra", "auditor")
    road.grant("user:root", "admin")
    made = make(road.as_("root"))
    audra = road.as_("audra")
    with pytest.raises(Forbidden):
        audra.run(lambda tx: pats.remove(tx, made["id"]))
    with pytest.raises(Forbidden):
        make(audra, name="other")
    with road.database.read() as session:
        rights = rights_of(session, audra.actor, road.clock.now())
        assert pats.rows(session, pats.seen(rights, audra.actor.principal))
    road.as_("root").run(lambda tx: pats.remove(tx, made["id"]))


@pytest.mark.parametrize(
    ("kind", "manages"),
    [
        pytest.param("pat", True, id="AD-28: with admin"),
        pytest.param("pat", False, id="without admin"),
        pytest.param("robot", False, id="a robot's secret"),
        pytest.param("password_in_grace", True, id="in an outage"),
    ],
)
def test_no_token_makes_a_token(road, kind, manages):
    road.user("root")
    road.grant("user:root", "admin")
    with pytest.raises(Forbidden):
        make(shows(road.as_("root"), kind, manages=manages), "root", admin=True)
    assert stored(road) == []
    assert road.records()[-1]["outcome"] == "refused"


def test_a_robot_makes_none_and_sees_none(road):
    robot = Principal(Kind.ROBOT, "", "alice", "1")
    actor = Actor(Kind.ROBOT, "", "alice", "1", robot, Origin("192.0.2.1", True, "", "r"))
    road.user("alice")
    made = make(road)
    with pytest.raises(NotFound):
        make(replace(road, actor=actor), name="other")
    with pytest.raises(NotFound):
        replace(road, actor=actor).run(lambda tx: pats.remove(tx, made["id"]))
    with road.database.read() as session:
        assert pats.rows(session, pats.seen(NOTHING, robot)) == []


def test_what_does_not_carry_its_owners_rights_has_none(road):  # AD-28
    road.user("root")
    road.grant("user:root", "admin")
    root, made = road.as_("root"), make(road, "root")
    with road.database.read() as session:
        assert rights_of(session, root.actor, road.clock.now()).admin
        narrow = shows(root, "pat", manages=False)
        assert rights_of(session, narrow.actor, road.clock.now()) == NOTHING
    with pytest.raises(NotFound):
        narrow.run(lambda tx: pats.remove(tx, made["id"]))
    with pytest.raises(NotFound):
        narrow.user("eve")


def test_who_was_disabled_or_replaced_since_makes_and_ends_none(road):
    road.user("alice")
    made, alice = make(road), road.as_("alice")
    road.run(lambda tx: users.set_enabled(tx, ref_of("alice"), enabled=False))
    with pytest.raises(NotFound):
        make(alice, name="other")
    with pytest.raises(NotFound):
        alice.run(lambda tx: pats.remove(tx, made["id"]))
    road.run(lambda tx: users.remove(tx, ref_of("alice")))
    road.user("alice")  # somebody else
    with pytest.raises(NotFound):
        make(alice, name="other")
    assert stored(road) == []


def test_a_person_of_a_file_is_bound_to_the_name_and_of_a_directory_to_the_entry(road):
    make(road, "file:bob", owner=BOB)
    road.grant("user:corp:lana", "writer", "team")
    made = make(road, "corp:lana", owner=LANA)
    assert made["user"] == "corp:lana"
    assert {f"secret:{made['id']}", "subject:user:corp:lana", "name:lana"} <= set(road.topics())
    with road.database.read() as session:
        rows = session.scalars(select(Subject).where(Subject.source.in_(["file", "corp"])))
        assert {row.name: row.external_id for row in rows} == {"bob": "bob", "lana": "id-1"}
    assert [item["on"] for item in road.grants()] == ["team"]


def test_a_row_that_is_another_entrys_is_not_theirs(road):
    make(road, "corp:lana", owner=LANA)
    other = replace(LANA, id="id-2")
    made = make(road, "corp:lana", owner=other)
    assert made["user"] == "corp:lana"
    old, new = sorted(stored(road), key=lambda item: item["id"])
    assert new == made
    assert old["user"].startswith("corp:lana (retired ")
    lana = road.as_("lana", "corp")
    lana = replace(lana, actor=replace(lana.actor, principal=other))
    with pytest.raises(NotFound):
        lana.run(lambda tx: pats.remove(tx, old["id"]))
    lana.run(lambda tx: pats.remove(tx, new["id"]))


@pytest.mark.parametrize(
    ("user", "error"),
    [("nobody", Dangling), ("file:nobody", Dangling), ("gone:bob", Invalid)],
)
def test_an_owner_must_be_there(road, user, error):
    known = People(["file"], lambda _source, name: BOB if name == "bob" else None)
    assert pats.asked_owner(ref_of("file:bob"), known) == BOB
    with pytest.raises(error) as raised:
        make(road, user, owner=pats.asked_owner(ref_of(user), known))
    assert raised.value.faults[0][0] == "/user"


def test_revoking_ends_tokens_of_a_person_of_any_source(road):
    make(road, "file:bob", owner=BOB)
    registry = road.registry("a.test")
    refresh = keep(road, "bob", "ref", registry_id=registry["id"])
    pat = stored(road)[0]["id"]
    value = road.run(lambda tx: users.revoke(tx, ref_of("file:bob")))
    assert (value["pats"], value["refresh_tokens"]) == ([pat], 1)
    assert set(road.topics()) == {"name:bob", f"secret:{pat}", f"secret:{refresh}"}
    assert kinds(road) == []
    assert road.run(lambda tx: users.revoke(tx, ref_of("file:bob")))["pats"] == []


@pytest.mark.parametrize("edit", ["disable", "set a password"])
def test_disabling_and_a_new_password_end_refresh_tokens_and_no_others(road, edit):
    road.user("alice")
    registry = road.registry("a.test")
    refresh = keep(road, "alice", "ref", registry_id=registry["id"])
    make(road)
    ref = ref_of("alice")
    if edit == "disable":
        road.run(lambda tx: users.set_enabled(tx, ref, enabled=False))
    else:
        road.run(lambda tx: users.set_password(tx, ref, "$argon2id$another"))
    assert f"secret:{refresh}" in road.topics()
    assert road.records()[-1]["after"]["refresh_tokens_ended"] == 1
    assert kinds(road) == ["pat"]
    again = keep(road, "alice", "ref", registry_id=registry["id"])
    road.run(lambda tx: users.set_enabled(tx, ref, enabled=True))
    assert kinds(road) == ["pat", "ref"]
    assert f"secret:{again}" not in road.topics()


def test_removing_a_person_ends_all_their_secrets_and_says_so(road):
    road.user("alice")
    refresh = keep(road, "alice", "ref", registry_id=road.registry("a.test")["id"])
    pat = make(road)["id"]
    value = road.run(lambda tx: users.remove(tx, ref_of("alice")))
    assert sorted(value["secrets"]) == sorted([pat, refresh])
    assert {f"secret:{pat}", f"secret:{refresh}"} <= set(road.topics())
    assert kinds(road) == []


def test_secrets_that_ended_long_ago_are_forgotten(road):
    road.user("alice")
    now = utc(road.clock.now())

    def ending(kind, **ago):
        return keep(
            road, "alice", kind, name=f"n{next(NUMBERS)}", expires_at=now - timedelta(**ago)
        )

    kept = [ending("rob", hours=23), ending("pat", days=29), ending("pat", days=-1)]
    kept += [keep(road, "alice", "rob"), keep(road, "alice", "pat", name="for ever")]
    ending("pat", days=31)
    with road.database.write() as session:
        owner = session.scalar(select(Subject.id).where(Subject.name == "alice"))
        session.add_all(
            Secret(
                kind="rob", subject_id=owner, digest=b"%32d" % next(NUMBERS), created_at=now,
                expires_at=now - timedelta(hours=25),
            )
            for _ in range(secrets.AT_ONCE + 1)
        )  # fmt: skip
    keep(road, "alice", "ref")
    secrets.forget_ended(road.database, now)
    with road.database.read() as session:
        left = session.scalars(select(Secret.id).where(Secret.kind != "ref"))
        assert sorted(left) == sorted(kept)
    assert "ref" in kinds(road)


def test_ending_one_says_what_it_was_and_why(road):
    road.user("alice")
    made = make(road)
    assert road.run(lambda tx: secrets.end(tx, [made["id"]], "unknown_user")) == [made["id"]]
    record = road.records()[-1]
    assert record["before"]["secrets"][0]["id"] == made["id"]
    assert record["after"] == {"reason": "unknown_user"}
    count = len(road.records())
    assert road.run(lambda tx: secrets.end(tx, [made["id"]], "unknown_user")) == []
    assert len(road.records()) == count

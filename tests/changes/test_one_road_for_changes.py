"""Design section 5: one transaction, one record, one version, or nothing at all."""

import pytest
from sqlalchemy import select

from authsvc.changes import grants, groups, namespaces, registries, subjects, users
from authsvc.changes.spec import checked
from authsvc.changes.unit_of_work import Outcome
from authsvc.db.models import Change, ChangeHead, Registry, Subject
from authsvc.errors import Conflict, Invalid, NotFound
from authsvc.protocol.names import parse_subject


def test_a_change_leaves_one_record_with_its_actor_and_both_states(road):
    road.registry("reg.test:5000", ttl=300)
    road.run(lambda tx: registries.change(tx, "reg.test:5000", {"read_only": True}))
    added, changed = road.records()
    assert added["event"] == changed["event"] == "admin"
    assert added["outcome"] == changed["outcome"] == "granted"
    assert added["actor"] == {"kind": "cli", "source": "host", "name": "root", "id": "0"}
    assert added["before"] is None
    assert added["after"]["registry"]["ttl"] == 300
    assert changed["before"]["registry"]["read_only"] is False
    assert changed["after"]["registry"]["read_only"] is True
    assert road.topics() == ["base"]
    assert road.committed == [1, 1]


def test_versions_have_no_holes_and_rows_carry_that_of_their_last_change(road):
    road.registry("a")
    road.registry("b")
    road.run(lambda tx: registries.change(tx, "a", {"ttl": 60}))
    with road.database.read() as session:
        assert session.scalars(select(Change.seq).order_by(Change.seq)).all() == [1, 2, 3]
        assert session.scalar(select(ChangeHead.seq)) == 3
        held = dict(session.execute(select(Registry.name, Registry.changed_in)).all())
    assert held == {"a": 3, "b": 2}


def test_what_was_so_already_makes_no_record_and_no_version(road):
    road.registry("a")
    road.user("alice")
    road.group("devs", "alice")
    road.grant("user:alice", "reader", "team")
    before = len(road.records())
    road.grant("user:local:alice", "reader", "team", reason="another reason")
    road.run(lambda tx: registries.change(tx, "a", {"enabled": True}))
    road.run(lambda tx: groups.add_members(tx, "devs", (parse_subject("user:alice"),)))
    road.run(lambda tx: groups.remove_member(tx, "devs", parse_subject("user:file:zoe")))
    road.run(lambda tx: users.set_enabled(tx, parse_subject("user:alice"), enabled=True))
    assert len(road.records()) == before
    assert len(road.committed) == before


def test_a_refused_change_leaves_one_refused_record_and_nothing_else(road):
    road.registry("a")
    with pytest.raises(Conflict):
        road.registry("a")
    with pytest.raises(NotFound):
        road.grant("group:nobody", "reader", "team")
    outcomes = [(each["outcome"], each["after"] is None) for each in road.records()]
    assert outcomes == [("granted", False), ("refused", True), ("refused", True)]
    assert road.committed == [1]


def test_an_edit_that_fails_half_way_leaves_nothing(road):
    def edit(tx):
        registries.add(tx, checked(registries.RegistrySpec, {"name": "half"}))
        raise Invalid("the second half does not hold")

    with pytest.raises(Invalid):
        road.run(edit)
    with road.database.read() as session:
        assert registries.find(session, "half") is None


def test_what_the_schema_refuses_is_a_conflict_in_plain_words(road):
    road.user("alice")

    def edit(tx):
        tx.session.add(
            Subject(
                kind="user", source="local", name="alice", created_at=tx.now, changed_in=tx.version
            )
        )
        return Outcome(None, topics=frozenset({"base"}))

    with pytest.raises(Conflict, match="does not admit") as caught:
        road.run(edit)
    assert "UNIQUE" not in str(caught.value)
    assert "alice" not in str(caught.value)


def test_a_password_is_in_no_record(road):
    road.user("alice")
    ref = parse_subject("user:alice")
    road.run(lambda tx: users.set_password(tx, ref, "$argon2id$another"))
    assert "argon2" not in repr(road.records())


@pytest.mark.parametrize(
    ("edit", "topics"),
    [
        pytest.param(
            lambda tx: users.set_enabled(tx, parse_subject("user:alice"), enabled=False),
            ["name:alice", "subject:user:local:alice"],
            id="disable",
        ),
        pytest.param(
            lambda tx: users.revoke(tx, parse_subject("user:file:alice")),
            ["name:alice"],
            id="revoke",
        ),
        pytest.param(
            lambda tx: users.remove(tx, parse_subject("user:alice")),
            ["name:alice", "subject:user:local:alice"],
            id="remove a person",
        ),
        pytest.param(
            lambda tx: groups.add_members(tx, "devs", (parse_subject("user:file:zoe"),)),
            ["base", "name:zoe", "subject:user:file:zoe"],
            id="join",
        ),
        pytest.param(
            lambda tx: groups.remove(tx, "devs"),
            ["base", "subject:group:devs", "subject:user:local:alice"],
            id="remove a group",
        ),
        pytest.param(
            lambda tx: grants.remove(tx, 1), ["subject:user:local:alice"], id="take a grant back"
        ),
        pytest.param(
            lambda tx: namespaces.remove(tx, "team", None),
            ["base", "subject:group:devs", "subject:user:local:alice"],
            id="remove a namespace",
        ),
        pytest.param(
            lambda tx: registries.remove(tx, "a"),
            ["base", "subject:group:devs"],
            id="remove a registry",
        ),
    ],
)
def test_a_change_tells_what_is_to_be_forgotten(road, edit, topics):
    road.registry("a")
    road.namespace("team")
    road.user("alice")
    road.group("devs", "alice")
    road.grant("user:alice", "reader", "team")
    road.grant("group:devs", "writer", "team/app", registry="a")
    road.run(edit)
    assert road.topics() == topics


def test_a_registry_of_libtrust_needs_a_key_to_stay_on(road):
    with pytest.raises(Conflict, match="no signing key"):
        road.registry("a", key_header="libtrust")


def test_removing_a_person_or_group_leaves_nothing_to_a_namesake(road):
    road.user("alice")
    road.group("devs", "alice")
    road.grant("user:alice", "writer", "team")
    road.grant("group:devs", "writer", "team")
    road.run(lambda tx: users.remove(tx, parse_subject("user:alice")))
    road.run(lambda tx: groups.remove(tx, "devs"))
    road.user("alice")
    assert road.group("devs")["members"] == []
    assert road.grants() == []


def test_a_person_not_seen_yet_is_made_only_in_a_configured_source(road):
    assert road.grant("user:file:zoe", "reader", "team")["subject"] == "user:file:zoe"
    assert road.grant("group:corp:devs", "reader", "team")["subject"] == "group:corp:devs"
    with pytest.raises(Invalid, match="no source"):
        road.grant("user:elsewhere:zoe", "reader", "team")
    with pytest.raises(NotFound):
        road.grant("user:zoe", "reader", "team")
    with pytest.raises(NotFound):
        road.grant("robot:ci", "reader", "team")
    with road.database.read() as session:
        assert subjects.find(session, "user", "elsewhere", "zoe") is None

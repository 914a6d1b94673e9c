"""Changes of what is there: grants, members of groups, people and their passwords."""

import pytest

from authsvc.changes import groups, users
from authsvc.errors import Conflict, Dangling, Forbidden, Invalid, NotFound
from authsvc.protocol.names import parse_subject

BOB = parse_subject("user:bob")
SOON = "2030-01-01T00:00:00Z"


@pytest.fixture
def filled(road):
    for name in ("alice", "bob"):
        road.user(name)
    road.registry("a")
    road.group("devs", "alice")
    return road


def test_a_changed_grant_keeps_its_id_and_is_news_to_old_and_new_subject(filled):
    made = filled.grant("user:alice", "reader", "team", reason="first")
    after = filled.change(
        made, subject="user:bob", role="writer", on="team/*", registry="a", effect="deny",
        expires_at=SOON, cidrs=["10.0.0.0/8"], reason="second",
    )  # fmt: skip
    assert after == {
        "id": made["id"], "subject": "user:local:bob", "role": "writer", "on": "team/*",
        "registry": "a", "effect": "deny", "expires_at": SOON, "cidrs": ["10.0.0.0/8"],
        "reason": "second",
    }  # fmt: skip
    assert filled.grants() == [after]
    assert filled.topics() == ["subject:user:local:alice", "subject:user:local:bob"]
    record = filled.records()[-1]
    assert (record["before"], record["after"]) == ({"grant": made}, {"grant": after})


def test_a_change_to_what_it_is_already_leaves_no_record(filled):
    made = filled.grant("user:alice", "reader", "team", expires_at=SOON)
    count = len(filled.records())
    assert filled.change(made, role="reader", expires_at="2030-01-01T01:00:00+01:00") == made
    assert len(filled.records()) == count


def test_two_grants_never_say_the_same(filled):
    filled.grant("user:alice", "reader", "team")
    other = filled.grant("user:bob", "reader", "team")
    with pytest.raises(Conflict, match="says the same"):
        filled.change(other, subject="user:alice")
    assert filled.change(other, reason="why")["reason"] == "why"


def test_a_changed_grant_counts_as_what_it_says_now(filled):
    made = filled.grant("user:alice", "reader", "team")
    filled.change(made, role="writer")
    again = filled.grant("user:alice", "reader", "team")
    assert again["id"] != made["id"]
    assert filled.grant("user:alice", "writer", "team")["id"] == made["id"]


@pytest.mark.parametrize(
    ("members", "kind", "place"),
    [
        pytest.param({"id": 7}, Invalid, "/id", id="mass assignment: id"),
        pytest.param({"fingerprint": "x"}, Invalid, "/fingerprint", id="mass assignment"),
        pytest.param({"on": "Team"}, Invalid, "/on", id="place"),
        pytest.param({"role": "nosuch"}, Invalid, "/role", id="role"),
        pytest.param({"expires_at": "2020-01-01T00:00:00Z"}, Invalid, "/expires_at", id="past"),
        pytest.param({"cidrs": ["10.0.0.1/8"]}, Invalid, "/cidrs/0", id="network"),
        pytest.param({"subject": "user:nosuch"}, Dangling, "/subject", id="subject"),
        pytest.param({"registry": "nosuch"}, Dangling, "/registry", id="registry"),
        pytest.param({"role": "admin"}, Invalid, "", id="admin on a path"),
    ],
)
def test_a_wrong_change_tells_where_and_changes_nothing(filled, members, kind, place):
    made = filled.grant("user:alice", "reader", "team")
    with pytest.raises(kind) as refused:
        filled.change(made, **members)
    assert [where for where, _ in refused.value.faults] == [place]
    assert filled.grants() == [made]


def test_an_ended_grant_may_be_explained_but_not_begun_again_in_the_past(filled):
    made = filled.grant("user:alice", "reader", "team", expires_at="2027-01-16T08:00:00Z")
    filled.clock.advance(3 * 86400)
    assert filled.change(made, reason="it was for the release")["reason"]
    with pytest.raises(Invalid, match="past"):
        filled.change(made, expires_at="2027-01-17T08:00:00Z")
    assert filled.change(made, expires_at=None)["expires_at"] is None


def test_what_is_not_there_is_not_found(filled):
    with pytest.raises(NotFound):
        filled.change({"id": 987}, reason="x")


def test_members_become_those_that_are_named(filled):
    filled.group("ops", "bob")
    item = filled.run(lambda tx: groups.set_members(tx, "devs", ["bob", "group:ops", "bob"]))
    assert item["members"] == ["group:ops", "user:local:bob"]
    assert filled.topics() == [
        "base", "subject:group:ops", "subject:user:local:alice", "subject:user:local:bob",
    ]  # fmt: skip
    count = len(filled.records())
    filled.run(lambda tx: groups.set_members(tx, "devs", ["group:ops", "user:bob"]))
    assert len(filled.records()) == count
    assert filled.run(lambda tx: groups.set_members(tx, "devs", []))["members"] == []


@pytest.mark.parametrize(
    ("members", "kind", "place"),
    [
        pytest.param(["bob", "bob", "nosuch"], Dangling, "/members/2", id="a person"),
        pytest.param(["bob", "group:nosuch"], Dangling, "/members/1", id="a group"),
        pytest.param(["bob", "nosrc:zoe"], Invalid, "/members/1", id="a source"),
        pytest.param(["a:b:c"], Invalid, "/members/0", id="no member"),
    ],
)
def test_a_member_that_is_not_there_is_told_with_its_place(filled, members, kind, place):
    edits = (
        lambda: filled.run(lambda tx: groups.set_members(tx, "devs", members)),
        lambda: filled.group("new", *members),
    )
    for edit in edits:
        with pytest.raises(kind) as refused:
            edit()
        assert [where for where, _ in refused.value.faults] == [place]


def test_members_never_make_a_loop(filled):
    filled.group("outer", "group:devs")
    with pytest.raises(Conflict, match="itself"):
        filled.run(lambda tx: groups.set_members(tx, "devs", ["group:outer"]))
    # A member that leaves in the same change makes room.
    filled.run(lambda tx: groups.set_members(tx, "outer", []))
    filled.run(lambda tx: groups.set_members(tx, "devs", ["group:outer"]))


def test_a_person_is_disabled_and_given_a_password_in_one_change(filled):
    count = len(filled.records())
    item = filled.run(lambda tx: users.change(tx, BOB, enabled=False, hashed="new"))
    assert item["enabled"] is False
    record = filled.records()[-1]
    assert record["after"] == {"user": item, "password": "changed"}
    assert "new" not in str(record)
    assert len(filled.records()) == count + 1
    filled.run(lambda tx: users.change(tx, BOB, enabled=False))
    assert len(filled.records()) == count + 1


def test_people_change_their_own_password_and_nobody_elses(filled):
    bob = filled.as_("bob")
    first = "$argon2id$not-a-hash"
    assert bob.run(lambda tx: users.set_own_password(tx, first, "second"))["name"] == "bob"
    assert filled.topics() == ["name:bob", "subject:user:local:bob"]
    with pytest.raises(NotFound):
        bob.run(lambda tx: users.change(tx, parse_subject("user:alice"), hashed="mine"))
    with pytest.raises(NotFound):
        bob.run(lambda tx: users.change(tx, BOB, hashed="third"))


def test_an_old_password_is_of_no_use_once_an_administrator_gave_a_new_one(filled):
    bob = filled.as_("bob")
    filled.run(lambda tx: users.change(tx, BOB, hashed="given"))
    with pytest.raises(Conflict, match="meanwhile"):
        bob.run(lambda tx: users.set_own_password(tx, "$argon2id$not-a-hash", "mine"))
    filled.run(lambda tx: users.change(tx, BOB, enabled=False))
    with pytest.raises(Conflict):
        bob.run(lambda tx: users.set_own_password(tx, "given", "mine"))


def test_passwords_of_other_sources_are_not_kept_here(filled):
    with pytest.raises(Forbidden, match="not kept here"):
        filled.as_("zoe", source="file").run(lambda tx: users.set_own_password(tx, "a", "b"))
    with pytest.raises(Forbidden):
        filled.run(lambda tx: users.set_own_password(tx, "a", "b"))

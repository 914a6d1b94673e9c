"""Contract section 5, rule 10: what is removed takes all that hangs on it with it.

A later namesake starts with nothing, whatever the noun.
"""

import pytest
from sqlalchemy import select

from authsvc.access import store
from authsvc.access.model import Visibility
from authsvc.changes import groups, namespaces, registries, roles, users
from authsvc.db.models import Grant, Membership, Namespace, Password
from authsvc.principal import Kind, Principal
from authsvc.protocol.names import parse_subject


@pytest.fixture
def filled(road):
    for name in ("alice", "bob"):
        road.user(name)
    road.registry("a")
    road.group("devs", "alice", "bob")
    road.group("all", "group:devs")
    road.role("mine", "repository:pull")
    road.namespace("team", visibility="public")
    road.namespace("team/app", registry="a", visibility="internal")
    for subject in ("user:alice", "group:devs", "group:all", "everyone"):
        road.grant(subject, "owner", "team", registry="a")
        road.grant(subject, "reader", "team", effect="deny")
    return road


def stored(road, column):
    with road.database.read() as session:
        return list(session.scalars(select(column)))


def rules(road, subject):
    with road.database.read() as session:
        return store.load_rules(session, subject)


def test_a_person(filled):
    filled.run(lambda tx: groups.set_members(tx, "all", ["group:devs", "user:alice"]))
    value = filled.run(lambda tx: users.remove(tx, parse_subject("user:alice")))
    assert (value["groups"], len(value["grants"])) == (["all", "devs"], 2)
    assert len(stored(filled, Password.hash)) == 1
    assert filled.topics() == ["name:alice", "subject:user:local:alice"]
    filled.user("alice")
    assert rules(filled, "user:local:alice").empty


def test_a_person_of_a_directory(filled):
    filled.grant("user:corp:zoe", "owner", "team")
    filled.run(lambda tx: groups.set_members(tx, "devs", ["corp:zoe"]))
    filled.run(lambda tx: users.remove(tx, parse_subject("user:corp:zoe")))
    filled.grant("user:corp:zoe", "reader", "other")
    held = rules(filled, "user:corp:zoe")
    assert (list(held.paths), held.groups) == (["other"], ())


def test_a_group_with_its_members_and_its_place_in_others(filled):
    members = len(stored(filled, Membership.group_id))
    filled.run(lambda tx: groups.remove(tx, "devs"))
    assert len(stored(filled, Membership.group_id)) == members - 3
    assert "subject:group:devs" in filled.topics()
    assert "subject:user:local:bob" in filled.topics()
    assert filled.group("devs")["members"] == []
    assert rules(filled, "group:devs").empty
    assert rules(filled, "user:local:bob").groups == ()
    with filled.database.read() as session:
        assert store.load_base(session).parents == {}


def test_a_namespace(filled):
    filled.run(lambda tx: namespaces.remove(tx, "team", None))
    assert stored(filled, Grant.pattern) == []
    assert stored(filled, Namespace.path) == []
    filled.namespace("team")
    with filled.database.read() as session:
        assert store.load_base(session).visibility == {"team": {None: Visibility.PRIVATE}}


def test_a_registry(filled):
    filled.run(lambda tx: registries.remove(tx, "a"))
    filled.registry("a")
    assert {each["registry"] for each in filled.grants()} == {None}
    assert {each["role"] for each in filled.grants()} == {"reader"}
    with filled.database.read() as session:
        assert store.load_base(session).visibility == {"team": {None: Visibility.PUBLIC}}


def test_a_role(filled):
    filled.run(lambda tx: roles.remove(tx, "mine"))
    filled.role("mine", "repository:delete")
    with filled.database.read() as session:
        assert store.load_base(session).roles["mine"].repository == {"delete"}


def test_an_owner_of_before_owns_nothing_of_a_later_namesake(filled):
    """Neither the namesake of a person nor that of a namespace or of a group."""
    old = Principal(Kind.USER, "local", "alice", filled.identity("alice"))
    filled.run(lambda tx: users.remove(tx, parse_subject("user:alice")))
    filled.run(lambda tx: groups.remove(tx, "devs"))
    filled.run(lambda tx: namespaces.remove(tx, "team", None))
    filled.user("alice")
    filled.group("devs")
    filled.namespace("team")
    new = Principal(Kind.USER, "local", "alice", filled.identity("alice"))
    for who in (old, new):
        with filled.database.read() as session:
            rights = store.load_rights(
                session, who, address="10.1.1.1", address_known=True, now=filled.clock.now()
            )
        assert rights.none

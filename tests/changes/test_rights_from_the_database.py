"""Rights are read in the edit's own transaction, and nothing of anybody else with them."""

import factories
import pytest
from sqlalchemy import event

from authsvc.access import store
from authsvc.access.rights import NOTHING, Owned
from authsvc.changes import groups, users
from authsvc.errors import NotFound
from authsvc.principal import ANONYMOUS, Kind, Principal
from authsvc.protocol.names import parse_subject


def rights(road, principal):
    with road.database.read() as session:
        return store.load_rights(
            session, principal, address="10.1.1.1", address_known=True, now=road.clock.now()
        )


def person(road, name, source="local", groups=()):
    return Principal(Kind.USER, source, name, road.identity(name, source), groups)


def test_rights_come_from_all_that_a_person_is(road):
    """Itself, groups, groups of groups, groups of its directory, and the two audiences."""
    road.user("alice")
    road.group("inner", "alice")
    road.group("outer", "group:inner", "group:corp:staff")
    for subject, path in [
        ("user:alice", "own"),
        ("group:inner", "inner"),
        ("group:outer", "outer"),
        ("authenticated", "signed-in"),
        ("everyone", "all"),
        ("group:corp:staff", "staff"),
        ("user:corp:alice", "corp"),
        ("group:file:staff", "file"),
    ]:
        road.grant(subject, "owner", path)
    road.grant("group:outer", "writer", "inner/x", effect="deny")

    def owned(principal):
        return {each.path for each in rights(road, principal).owned}

    alice = person(road, "alice")
    assert owned(alice) == {"own", "inner", "outer", "signed-in", "all"}
    assert [deny.pattern for deny in rights(road, alice).denied] == ["inner/x"]
    corp = person(road, "alice", "corp", ("group:corp:staff", "group:file:staff"))
    assert owned(corp) == {"corp", "staff", "outer", "signed-in", "all"}
    assert owned(person(road, "nobody", "file")) == {"signed-in", "all"}


def test_robots_and_the_anonymous_have_none(road):
    with road.database.write() as session:
        factories.subject(session, "robot", "ci")
    road.grant("everyone", "owner", "team")
    assert rights(road, Principal(Kind.ROBOT, "", "ci", "1")) == NOTHING
    assert rights(road, ANONYMOUS) == NOTHING


def test_who_was_disabled_or_removed_since_signing_in_has_none(road):
    road.user("alice")
    road.grant("user:alice", "owner", "team")
    road.grant("everyone", "owner", "all")
    alice = person(road, "alice")
    road.run(lambda tx: users.set_enabled(tx, parse_subject("user:alice"), enabled=False))
    assert rights(road, alice) == NOTHING
    road.run(lambda tx: users.remove(tx, parse_subject("user:alice")))
    assert rights(road, alice) == NOTHING
    road.user("alice")
    road.grant("user:alice", "owner", "team")
    assert rights(road, alice) == NOTHING  # the name is another person's now
    assert Owned("team", None, None) in rights(road, person(road, "alice")).owned


def test_an_edit_is_judged_by_what_holds_when_its_turn_comes(road):
    road.user("alice")
    road.group("leads", "alice")
    road.grant("group:leads", "owner", "team")
    alice = road.as_("alice")
    assert alice.grant("everyone", "reader", "team")
    road.run(lambda tx: groups.remove(tx, "leads"))
    with pytest.raises(NotFound):
        alice.grant("everyone", "reader", "team/x")


def test_neither_namespaces_nor_allows_of_other_roles_are_read(road):
    """Edits wait for each other, so each must be quick whatever is stored."""
    road.user("alice")
    road.grant("user:alice", "owner", "team")
    alice = person(road, "alice")
    said: list[str] = []

    def note(_connection, _cursor, statement, *_):
        said.append(statement)

    event.listen(road.database.engine, "after_cursor_execute", note)
    try:
        rights(road, alice)
    finally:
        event.remove(road.database.engine, "after_cursor_execute", note)
    assert said
    assert not [statement for statement in said if "namespaces" in statement]
    [reading] = [statement for statement in said if "FROM grants" in statement]
    assert "roles.name IN" in reading

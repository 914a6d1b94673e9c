"""What an apply changes is named to every worker, as the single edits name it."""

import pytest
from changes.policies import applied

from authsvc.changes import people
from authsvc.principal import Kind, Principal

PRUNE = True
ALICE, BOB = "subject:user:local:alice", "subject:user:local:bob"


@pytest.fixture
def held(road):
    road.registry("a")
    road.user("alice")
    road.user("bob")
    road.role("puller", "repository:pull")
    road.group("devs", "alice", "corp:yan")
    road.group("all", "group:devs")
    road.namespace("team")
    road.grant("group:devs", "writer", "team/app")
    road.grant("user:alice", "reader", "other", registry="a")
    return road


@pytest.mark.parametrize(
    ("text", "prune", "topics"),
    [
        pytest.param("registries: [{name: b}]", False, ["base"], id="a registry comes"),
        pytest.param("registries: [{name: a, ttl: 60}]", False, ["base"], id="or is another"),
        pytest.param(
            "registries: [{name: b}]", PRUNE, [ALICE, "base"], id="or goes, with its grants"
        ),
        pytest.param(
            "roles: [{name: puller, allow: ['repository:push']}]", False, ["base"], id="a role"
        ),
        pytest.param("roles: []", PRUNE, ["base"], id="a role goes"),
        pytest.param("namespaces: [{name: x}]", False, ["base"], id="a namespace comes"),
        pytest.param(
            "namespaces: [{name: team, visibility: public}]", False, ["base"], id="is another"
        ),
        pytest.param(
            "namespaces: []", PRUNE, ["base", "subject:group:devs"], id="goes, with its grants"
        ),
        pytest.param(
            "groups: [{name: new, members: [bob, 'group:devs']}]", False,
            [BOB, "base", "subject:group:devs", "subject:group:new"], id="a group comes",
        ),
        pytest.param("groups: [{name: new}]", False, ["base", "subject:group:new"], id="empty"),
        pytest.param(
            "groups: [{name: devs, members: [bob]}, {name: all}]", False, [BOB, "base"],
            id="somebody joins",
        ),
        pytest.param(
            "groups: [{name: devs, members: [bob, 'corp:yan']}, {name: all, members:"
            " ['group:devs']}]", PRUNE, [ALICE, BOB, "base"], id="in the place of another",
        ),
        pytest.param(
            "groups: [{name: devs, members: ['corp:zoe']}]", False,
            ["base", "name:zoe", "subject:user:corp:zoe"], id="somebody of a directory joins",
        ),
        pytest.param(
            "groups: [{name: all}]", PRUNE,
            [ALICE, "base", "name:yan", "subject:group:devs", "subject:user:corp:yan"],
            id="a group goes, out of another, with its members and grants",
        ),
        pytest.param(
            "grants: [{subject: 'user:bob', role: reader, on: x}]", False, [BOB], id="a grant comes"
        ),
        pytest.param(
            "grants: [{subject: 'user:corp:zoe', role: reader, on: x}]", False,
            ["name:zoe", "subject:user:corp:zoe"], id="to somebody who was never named",
        ),
        pytest.param(
            "grants: [{subject: 'group:corp:new', role: reader, on: x}]", False,
            ["subject:group:corp:new"], id="or a group that was not",
        ),
        pytest.param(
            "grants: [{subject: everyone, role: reader, on: x}]", PRUNE,
            ["subject:everyone", "subject:group:devs", ALICE], id="and others go",
        ),
        pytest.param(
            "grants: [{subject: 'group:devs', role: writer, on: team/app, reason: why}]", False,
            ["subject:group:devs"], id="a reason",
        ),
    ],
)  # fmt: skip
def test_what_is_to_be_forgotten_is_told(held, text, prune, topics):
    applied(held, text, prune=prune)
    assert held.topics() == sorted(topics)


def test_rows_carry_the_version_of_their_last_change(held):
    from sqlalchemy import select

    from authsvc.audit import changes as log
    from authsvc.db.models import Grant, Namespace, Subject

    applied(
        held,
        "groups: [{name: devs, members: [bob]}, {name: new}]\n"
        "namespaces: [{name: team, visibility: public}, {name: new}]\ngrants:\n"
        "- {subject: 'group:devs', role: writer, on: team/app, reason: why}\n"
        "- {subject: 'user:corp:zoe', role: writer, on: new}",
    )
    with held.database.read() as session:
        now = log.head(session)
        changed = {
            *session.scalars(select(Subject.name).where(Subject.changed_in == now)),
            *session.scalars(select(Namespace.path).where(Namespace.changed_in == now)),
            *session.scalars(select(Grant.pattern).where(Grant.changed_in == now)),
        }
    assert changed == {"devs", "new", "team", "team/app", "zoe"}


def test_who_joins_is_bound_to_the_entry_that_signs_in_next(held):
    """Their password is verified anew, and not remembered past it."""
    applied(held, "groups: [{name: devs, members: ['corp:zoe']}]")
    who = Principal(Kind.USER, "corp", "zoe", "id-1")
    with held.database.read() as session:
        assert not people.is_settled(session, who)
    held.run(lambda tx: people.settle(tx, who))
    with held.database.read() as session:
        assert people.is_settled(session, who)

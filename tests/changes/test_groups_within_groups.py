"""Membership: who may be a member, and that groups never hold themselves."""

import pytest

from authsvc.changes import groups
from authsvc.changes.spec import checked
from authsvc.errors import Conflict, Invalid, NotFound
from authsvc.protocol.names import parse_member


def join(road, group, *members):
    refs = tuple(map(parse_member, members))
    return road.run(lambda tx: groups.add_members(tx, group, refs))


def test_members_are_people_groups_and_groups_of_a_directory(road):
    road.user("alice")
    road.group("ops")
    road.group("devs")
    item = join(road, "devs", "alice", "file:zoe", "group:ops", "group:corp:staff", "user:alice")
    assert item["members"] == [
        "group:corp:staff",
        "group:ops",
        "user:file:zoe",
        "user:local:alice",
    ]


@pytest.mark.parametrize(
    ("chain", "closing"),
    [
        pytest.param([], ("a", "group:a"), id="itself"),
        pytest.param([("a", "group:b")], ("b", "group:a"), id="two"),
        pytest.param([("a", "group:b"), ("b", "group:c")], ("c", "group:a"), id="three"),
    ],
)
def test_a_loop_is_refused(road, chain, closing):
    for name in "abc":
        road.group(name)
    for group, member in chain:
        join(road, group, member)
    with pytest.raises(Conflict, match="member of itself"):
        join(road, *closing)


def test_a_diamond_is_no_loop(road):
    for name in "abcd":
        road.group(name)
    for group, member in [("a", "b"), ("a", "c"), ("b", "d"), ("c", "d")]:
        assert f"group:{member}" in join(road, group, f"group:{member}")["members"]


@pytest.mark.parametrize(
    ("member", "error"),
    [
        pytest.param("nobody", NotFound, id="no such local person"),
        pytest.param("group:nobody", NotFound, id="no such group"),
        pytest.param("elsewhere:zoe", Invalid, id="no such source"),
    ],
)
def test_a_member_must_be_known(road, member, error):
    road.group("devs")
    with pytest.raises(error):
        join(road, "devs", member)


@pytest.mark.parametrize("text", ["", "robot:ci", "everyone", "group:local:devs", "a:b:c"])
def test_what_is_no_member_is_refused(text):
    with pytest.raises(Invalid):
        checked(groups.GroupSpec, {"name": "devs", "members": [text]})

"""Roles of one's own: contract sections 3 (role) and 5 (what a custom role is)."""

import factories
import pytest

from authsvc.access.roles import BUILT_IN
from authsvc.changes import grants, reads, roles
from authsvc.changes.spec import checked
from authsvc.errors import Conflict, Invalid, NotFound


@pytest.mark.parametrize(
    ("allow", "kept"),
    [
        (["repository:pull"], ["repository:pull"]),
        (["repository:push,pull"], ["repository:pull,push"]),
        (["repository:push", "repository:pull,push"], ["repository:pull,push"]),
        (
            ["registry:catalog:*", "repository:delete"],
            ["repository:delete", "registry:catalog:*"],
        ),
        (["registry:catalog:*"], ["registry:catalog:*"]),
    ],
)
def test_what_a_role_allows_is_kept_in_one_form(road, allow, kept):
    item = road.role("mine", *allow)
    assert item == {"id": item["id"], "name": "mine", "allow": kept}
    assert road.records()[-1]["after"] == {"role": item}
    assert road.topics() == ["base"]


@pytest.mark.parametrize(
    ("members", "places"),
    [
        pytest.param({"name": "Mine", "allow": ["repository:pull"]}, ["/name"], id="name"),
        pytest.param({"name": "a/b", "allow": ["repository:pull"]}, ["/name"], id="path"),
        pytest.param({"name": "mine", "allow": []}, ["/allow"], id="nothing"),
        pytest.param({"name": "mine"}, ["/allow"], id="none"),
        pytest.param(
            {"name": "mine", "allow": ["repository:pull", "repository:*", "x"]},
            ["/allow/1", "/allow/2"],
            id="unknown actions",
        ),
        pytest.param({"name": "mine", "allow": ["repository:"]}, ["/allow/0"], id="no action"),
        pytest.param({"name": "mine", "allow": ["admin"]}, ["/allow/0"], id="management"),
        pytest.param({"name": "mine", "allow": "repository:pull"}, ["/allow"], id="no list"),
        pytest.param(
            {"name": "mine", "allow": ["repository:pull"], "builtin": True},
            ["/builtin"],
            id="mass assignment",
        ),
    ],
)
def test_what_is_no_role_is_refused_with_its_place(members, places):
    with pytest.raises(Invalid) as refused:
        checked(roles.RoleSpec, members)
    assert [place for place, _ in refused.value.faults] == places


@pytest.mark.parametrize("name", sorted(BUILT_IN))
def test_those_built_in_stay_as_they_are(road, name):
    for edit in (
        lambda: road.role(name, "repository:pull"),
        lambda: road.run(lambda tx: roles.change(tx, name, ["repository:pull"])),
        lambda: road.run(lambda tx: roles.remove(tx, name)),
    ):
        with pytest.raises(Conflict):
            edit()


def test_lists_show_those_built_in_as_this_release_says(road):
    road.role("mine", "repository:pull")
    with road.database.read() as session:
        held = {item["name"]: item["allow"] for item in reads.roles(session)}
    assert held["owner"] == ["repository:delete,pull,push"]
    assert held["admin"] == ["repository:delete,pull,push", "registry:catalog:*"]
    assert held["auditor"] == []
    assert held.keys() == {*BUILT_IN, "mine"}
    assert list(held) == sorted(held)


def test_a_change_counts_for_every_grant_of_it(road):
    road.role("mine", "repository:pull")
    road.grant("everyone", "mine", "team")
    after = road.run(lambda tx: roles.change(tx, "mine", ["repository:push"]))
    assert after["allow"] == ["repository:push"]
    assert road.topics() == ["base"]
    count = len(road.records())
    road.run(lambda tx: roles.change(tx, "mine", ["repository:push,push"]))
    assert len(road.records()) == count


def test_a_role_in_use_stays_and_says_by_how_many(road):
    road.role("mine", "repository:pull")
    one = road.grant("everyone", "mine", "team")
    two = road.grant("authenticated", "mine", "team", effect="deny")
    for left, says in ((two, "2 grants"), (one, "one grant is")):
        with pytest.raises(Conflict, match=says):
            road.run(lambda tx: roles.remove(tx, "mine"))
        road.take_back(left)
    assert road.run(lambda tx: roles.remove(tx, "mine"))["removed"]["name"] == "mine"
    assert road.topics() == ["base"]
    with pytest.raises(Invalid, match="no role"):
        road.grant("everyone", "mine", "team")


def test_what_is_not_there_is_not_found(road):
    for edit in (
        lambda tx: roles.remove(tx, "nosuch"),
        lambda tx: roles.change(tx, "nosuch", ["repository:pull"]),
    ):
        with pytest.raises(NotFound, match="no role"):
            road.run(edit)


@pytest.mark.parametrize("effect", ["allow", "deny"])
@pytest.mark.parametrize(
    ("role", "taken"),
    [
        pytest.param("reader", True, id="repository actions"),
        pytest.param("maintainer", True, id="all repository actions"),
        pytest.param("pusher", True, id="a custom role"),
        pytest.param("owner", False, id="RB-17 owner"),
        pytest.param("admin", False, id="RB-17 admin"),
        pytest.param("auditor", False, id="RB-17 auditor"),
        pytest.param("catalog-reader", False, id="RB-17 catalog-reader"),
        pytest.param("lister", False, id="RB-17 a custom role with the catalog"),
    ],
)
def test_robots_hold_repository_actions_only(road, role, taken, effect):
    with road.database.write() as session:
        factories.subject(session, "robot", "ci")
    road.role("pusher", "repository:push")
    road.role("lister", "repository:pull", "registry:catalog:*")
    on = None if role in grants.EVERYWHERE_ROLES else "team"
    if taken:
        assert road.grant("robot:ci", role, on, effect=effect)
        return
    made = road.grant("everyone", role, on, effect=effect)
    for edit in (
        lambda: road.grant("robot:ci", role, on, effect=effect),
        lambda: road.change(made, subject="robot:ci"),
    ):
        with pytest.raises(Invalid) as refused:
            edit()
        assert [place for place, _ in refused.value.faults] == ["/role"]


def test_a_role_of_robots_does_not_grow_beyond_repository_actions(road):
    with road.database.write() as session:
        factories.subject(session, "robot", "ci")
    road.role("mine", "repository:pull")
    road.grant("robot:ci", "mine", "team")
    road.run(lambda tx: roles.change(tx, "mine", ["repository:pull,push"]))
    with pytest.raises(Conflict, match="robots"):
        road.run(lambda tx: roles.change(tx, "mine", ["repository:pull", "registry:catalog:*"]))

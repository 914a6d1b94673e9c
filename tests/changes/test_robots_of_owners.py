"""Contract section 5, rule 9, for robots: owners manage those at or below their paths."""

import pytest
from changes.machines import change, listed, remove, robot, rotate

from authsvc.changes import reads, roles
from authsvc.changes.guard import NOTHING_HERE
from authsvc.errors import Forbidden, Invalid, NotFound

HALF_DAY, DAY, TWO_DAYS = "2027-01-15T20:00:00Z", "2027-01-16T08:00:00Z", "2027-01-17T08:00:00Z"


@pytest.fixture
def filled(road):
    """`alice` owns `team` in registry a, `olga` in all, `dora` for a day, `otto` owns `other`."""
    for name in ("a", "b"):
        road.registry(name)
    for name in ("root", "alice", "olga", "dora", "otto", "audrey", "stranger"):
        road.user(name)
    road.role("pusher", "repository:push")
    road.role("lister", "repository:pull", "registry:catalog:*")
    road.grant("user:root", "admin")
    road.grant("user:audrey", "auditor")
    road.grant("user:alice", "owner", "team", registry="a")
    road.grant("user:olga", "owner", "team")
    road.grant("user:dora", "owner", "team", expires_at=DAY)
    road.grant("user:otto", "owner", "other")
    return road


# what is asked, and who of alice, olga, dora and otto may make, rotate, switch and remove it
ASKED = [
    pytest.param({"registry": "a"}, "alice olga", id="the path in A"),
    pytest.param({}, "olga", id="the path in all"),
    pytest.param({"registry": "b"}, "olga", id="the path in B"),
    pytest.param({"namespace": "team/app", "registry": "a"}, "alice olga", id="below"),
    pytest.param({"namespace": "team-x", "registry": "a"}, "", id="AD-03 a longer name"),
    pytest.param({"namespace": "te_m", "registry": "a"}, "", id="AD-03 an SQL wildcard"),
    pytest.param({"namespace": "tea", "registry": "a"}, "", id="AD-03 a letter less"),
    pytest.param({"namespace": "other", "registry": "a"}, "otto", id="of another owner"),
    pytest.param({"expires_at": DAY}, "olga dora", id="AD-29 as long as dora"),
    pytest.param({"expires_at": TWO_DAYS}, "olga", id="AD-29 longer than dora"),
    pytest.param({"role": "maintainer"}, "olga", id="maintainer"),
    pytest.param({"role": "pusher"}, "olga", id="a custom role"),
    pytest.param({"cidrs": ["10.0.0.0/8"]}, "olga", id="from a network"),
]
OWNERS = ("alice", "olga", "dora", "otto")


@pytest.mark.parametrize(("asked", "who_may"), ASKED)
def test_who_may_make_change_rotate_and_remove_a_robot(filled, asked, who_may):
    robot(filled, "there", **asked)
    for name in OWNERS:
        road = filled.as_(name)
        edits = (
            lambda road=road: change(road, "there", enabled=False),
            lambda road=road: change(road, "there", enabled=True),
            lambda road=road: rotate(road, "there"),
            lambda road=road: remove(road, "there"),
        )
        if name in who_may.split():
            mine = robot(road, f"of-{name}", **asked)
            assert [edit() for edit in edits]
            assert remove(road, f"of-{name}")["removed"] == mine
            robot(filled, "there", **asked)
            continue
        before = listed(filled)
        with pytest.raises(Forbidden):
            robot(road, "mine", **asked)
        for edit in edits:
            with pytest.raises((Forbidden, NotFound)):
                edit()
        assert listed(filled) == before


@pytest.mark.parametrize("role", ["owner", "admin", "auditor", "catalog-reader", "lister"])
def test_no_owner_gives_a_robot_more_than_repository_actions(filled, role):  # RB-17
    for name in ("olga", "root"):
        with pytest.raises(Invalid, match="repository actions only"):
            robot(filled.as_(name), role=role)
    item = robot(filled)
    for name in ("olga", "root"):
        with pytest.raises(Invalid, match="repository actions only"):
            change(filled.as_(name), "ci", role=role)
    assert listed(filled) == [item]


def test_the_role_of_robots_does_not_become_more(filled):  # RB-17
    robot(filled, role="pusher")
    with pytest.raises(Exception, match="robots have role"):
        filled.run(lambda tx: roles.change(tx, "pusher", ["registry:catalog:*"]))


@pytest.mark.parametrize(
    "members",
    [
        pytest.param({"expires_at": None}, id="AD-29 a lasting robot by an owner for a day"),
        pytest.param({"expires_at": TWO_DAYS}, id="AD-29 a longer one"),
    ],
)
def test_a_robot_becomes_no_longer_than_its_owner(filled, members):
    road = filled.as_("dora")
    item = robot(road, expires_at=HALF_DAY)
    with pytest.raises(Forbidden, match="ends before"):
        change(road, "ci", **members)
    assert listed(filled) == [item]
    assert change(road, "ci", expires_at=DAY)["expires_at"] == DAY


DENIED = [
    pytest.param({"on": "team"}, id="AD-29 there"),
    pytest.param({"on": "team/app"}, id="AD-29 below"),
    pytest.param({"on": "**"}, id="AD-29 everywhere"),
    pytest.param({"on": "team", "registry": "a"}, id="AD-29 in one registry"),
]


@pytest.mark.parametrize("deny", DENIED)
def test_who_may_not_push_hands_no_push_to_a_robot_nor_takes_its_secret(filled, deny):
    robot(filled, "there")
    filled.grant("user:olga", "writer", effect="deny", **deny)
    road = filled.as_("olga")
    for edit in (
        lambda: robot(road, "mine"),
        lambda: rotate(road, "there"),
        lambda: change(road, "there", role="reader"),
        lambda: change(road, "there", enabled=False),
        lambda: remove(road, "there"),
    ):
        with pytest.raises(Forbidden, match="a deny is for you too"):
            edit()


def test_a_robot_of_more_than_one_holds_is_not_made_less(filled):
    """What it is now must be theirs too, or an owner for a day could end what was to last."""
    filled.grant("user:olga", "pusher", "team", effect="deny")
    item = robot(filled)
    with pytest.raises(Forbidden, match="a deny is for you too"):
        change(filled.as_("olga"), "ci", role="reader")
    with pytest.raises(Forbidden, match="ends before"):
        change(filled.as_("dora"), "ci", expires_at=DAY)
    assert listed(filled) == [item]


def test_a_deny_of_less_leaves_roles_of_nothing_denied(filled):
    filled.grant("user:olga", "pusher", "team", effect="deny")
    assert robot(filled.as_("olga"), role="reader")
    with pytest.raises(Forbidden):
        change(filled.as_("olga"), "ci", role="writer")


def test_what_others_have_stays_unknown_to_who_may_not_write_there(filled):
    """The same words whether the registry, the role and the name are there or not."""
    robot(filled, "taken", namespace="other")
    said = set()
    for members in (
        {"name": "taken"}, {"name": "free"}, {"role": "nope"}, {"role": "owner"},
        {"expires_at": "2020-01-01T00:00:00Z"},
    ):  # fmt: skip
        with pytest.raises(Forbidden) as caught:
            robot(filled.as_("alice"), **{"namespace": "other", "registry": "a", **members})
        said.add(str(caught.value))
    assert len(said) == 1
    for name in ("taken", "free"):
        with pytest.raises(NotFound) as caught:
            rotate(filled.as_("alice"), name)
        assert str(caught.value).replace(name, "X").startswith("there is no robot 'X'")


def test_strangers_see_nothing_and_auditors_change_nothing(filled):
    robot(filled)
    with pytest.raises(NotFound, match=NOTHING_HERE):
        robot(filled.as_("stranger"), "mine")
    with pytest.raises(NotFound):
        rotate(filled.as_("stranger"), "ci")
    for edit in (
        lambda: robot(filled.as_("audrey"), "mine"),
        lambda: rotate(filled.as_("audrey"), "ci"),
        lambda: change(filled.as_("audrey"), "ci", enabled=False),
        lambda: remove(filled.as_("audrey"), "ci"),
    ):
        with pytest.raises(Forbidden):
            edit()


def test_of_the_grants_that_go_an_owner_is_told_those_that_they_see(filled):
    robot(filled, registry="a")
    elsewhere = filled.grant("robot:ci", "reader", "other")
    home = next(g for g in filled.grants() if g["subject"] == "robot:ci" and g != elsewhere)
    assert remove(filled.as_("alice"), "ci")["grants"] == [home["id"]]
    recorded = [each["id"] for each in filled.records()[-1]["before"]["grants"]]
    assert recorded == [home["id"], elsewhere["id"]]


def test_a_robot_stays_when_its_owner_leaves(filled):
    item = robot(filled.as_("olga"))
    for each in [each for each in filled.grants() if each["subject"] == "user:local:olga"]:
        filled.take_back(each)
    assert listed(filled) == [item]
    with pytest.raises(NotFound):
        rotate(filled.as_("olga"), "ci")


def test_what_an_owner_sees_of_robots(filled):
    for name, members in {
        "at": {"registry": "a"},
        "below": {"namespace": "team/app", "registry": "a"},
        "all": {},
        "b": {"registry": "b"},
        "longer": {"namespace": "team-x", "registry": "a"},
        "wildcard": {"namespace": "te_m", "registry": "a"},
    }.items():
        robot(filled, name, **members)

    def seen(tx):
        return [r.subject.name for r in reads.robot_rows(tx.session, reads.grants_seen(tx.rights))]

    def shown(who):
        return filled.unit_of_work.look(filled.as_(who).actor, seen)

    assert shown("alice") == ["all", "at", "below"]
    assert shown("olga") == ["all", "at", "b", "below"]
    assert shown("otto") == shown("stranger") == []
    assert len(shown("audrey")) == len(shown("root")) == 6

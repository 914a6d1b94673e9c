"""Robots in policy documents: made without a secret, changed with theirs, and gone with all."""

import pytest
from changes.machines import change, digests, listed, names, robot, rotate, secret_topics
from changes.policies import (
    applied,
    differing,
    document,
    export,
    named,
    outcomes,
    planned,
    stored,
)

from authsvc.changes.policy.export import exported
from authsvc.changes.policy.linted import linted, linted_alone, linted_stored
from authsvc.changes.robot_ends import warn_of_ends
from authsvc.clock import utc
from authsvc.errors import Conflict, Forbidden, Invalid, NotFound

CI = "{name: ci, namespace: team, role: writer}"
HOME = "{subject: 'robot:ci', role: writer, on: team}"
ELSEWHERE = "{subject: 'robot:ci', role: reader, on: base}"


@pytest.fixture
def held(road):
    """Alice owns team; a robot of it with a grant elsewhere, and a robot of somebody else."""
    road.registry("a")
    road.user("root")
    road.user("alice")
    road.grant("user:root", "admin")
    road.grant("user:alice", "owner", "team")
    road.role("puller", "repository:pull")
    road.namespace("team")
    robot(road, "ci")
    robot(road, "other", "ops", "puller", registry="a")
    road.grant("robot:ci", "reader", "base")
    return road


def looked(road, look):
    return road.unit_of_work.look(road.actor, look)


def test_a_robot_its_grants_and_tests_of_it_come_at_once(road):
    road.registry("a")
    text = f"""
robots:
  - {{name: robot.ci, namespace: team, role: mine, registry: a, cidrs: [10.0.0.0/8]}}
  - {{name: off, namespace: team, role: reader, enabled: false}}
grants: [{ELSEWHERE}]
roles: [{{name: mine, allow: ['repository:pull,push']}}]
tests:
  - robot:ci can pull,push team/app
  - robot:ci can pull base
  - robot:ci cannot push base
  - robot:off cannot pull team/app
"""
    applied(road, text)
    assert [(each["name"], each["role"], each["enabled"]) for each in listed(road)] == [
        ("ci", "mine", True), ("off", "reader", False),
    ]  # fmt: skip
    assert listed(road)[0]["cidrs"] == ["10.0.0.0/8"]
    assert digests(road) == []
    assert outcomes(road, 1) == [("policy", "granted")]
    assert differing(planned(road, text)) == {}
    rotate(road, "ci")
    assert differing(planned(road, text, prune=True)) == {}


@pytest.mark.parametrize("prune", [False, True])
def test_the_grant_that_a_robot_is_made_with_is_the_robots(held, prune):
    assert ["robot:ci", "base"] in [
        [each["subject"], each["on"]] for each in stored(held)["grants"]
    ]
    assert 'robot:ci", role: writer' not in export(held)
    assert differing(planned(held, export(held), prune=prune)) == {}
    plan = planned(held, f"grants: [{HOME}, {HOME}]")
    assert (differing(plan), plan["unchanged"]) == ({}, 1)
    plan = planned(held, f"robots: [{CI}]\ngrants: [{HOME}]")
    assert (differing(plan), plan["unchanged"]) == ({}, 2)


def test_pruned_grants_leave_what_robots_are_granted_by_being_there(held):
    applied(held, "grants: [{subject: 'user:root', role: admin}]", prune=True)
    assert names(held) == ["ci", "other"]
    assert named(stored(held)["grants"]) == [("user:local:root", "**")]


CHANGES = [
    pytest.param("role: reader", {"role": "reader"}, id="another role"),
    pytest.param(
        "role: writer, expires_at: '2030-01-01T00:00:00Z'",
        {"expires_at": "2030-01-01T00:00:00Z"}, id="an end",
    ),
    pytest.param("role: writer, cidrs: [10.0.0.0/8]", {"cidrs": ["10.0.0.0/8"]}, id="networks"),
    pytest.param("role: writer, enabled: false", {"enabled": False}, id="kept out"),
]  # fmt: skip


@pytest.mark.parametrize(("members", "moved"), CHANGES)
def test_a_stored_robot_changes_and_keeps_its_secrets(held, members, moved):
    before, known = listed(held)[0], digests(held)
    text = f"robots: [{{name: ci, namespace: team, {members}}}]"
    plan = planned(held, text)
    assert [each["after"] for each in plan["changed"]["robots"]] == [
        {k: v for k, v in before.items() if k not in ("id", "secrets")} | moved
    ]
    applied(held, text, plan=plan)
    assert listed(held)[0] == before | moved
    assert digests(held) == known
    assert secret_topics(held)[0] in held.topics()
    assert {"name:robot.ci", "subject:robot:ci"} <= {*held.topics()}
    assert differing(planned(held, text)) == {}


def test_a_new_end_is_warned_of_anew(held):
    change(held, "ci", expires_at="2027-01-20T00:00:00Z")
    now = utc(held.clock.now())
    warn_of_ends(held.database, held.unit_of_work, now)
    seen = len(held.records())
    warn_of_ends(held.database, held.unit_of_work, now)
    assert len(held.records()) == seen
    applied(
        held,
        "robots: [{name: ci, namespace: team, role: writer, expires_at: '2027-01-21T00:00:00Z'}]",
    )
    warn_of_ends(held.database, held.unit_of_work, now)
    assert len(held.records()) == seen + 2


FAULTS = [
    pytest.param("name: ci, namespace: ops, role: writer", "would move", id="another namespace"),
    pytest.param(
        "name: ci, namespace: team, role: writer, registry: a", "would move", id="another registry"
    ),
    pytest.param("name: x, namespace: team, role: owner", "repository actions", id="RB-07 owner"),
    pytest.param("name: x, namespace: team, role: lister", "no role", id="no role"),
    pytest.param("name: x, namespace: team, role: reader, registry: b", "no registry", id="none"),
    pytest.param("name: x, namespace: 'team/*', role: reader", "no glob", id="a glob"),
    pytest.param("name: X, namespace: team, role: reader", "a robot's name", id="capital"),
    pytest.param("name: x, namespace: team, role: reader, secrets: []", "unknown", id="secrets"),
    pytest.param(
        "name: x, namespace: team, role: reader, expires_at: 30d", "RFC 3339", id="a length"
    ),
    pytest.param(
        "name: x, namespace: team, role: reader, expires_at: '2020-01-01T00:00:00Z'", "in the past",
        id="ended",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("members", "text"), FAULTS)
def test_a_robot_that_cannot_be_is_a_fault_with_its_place(held, members, text):
    with pytest.raises(Invalid) as refused:
        applied(held, f"robots:\n  - {{{members}}}\n")
    ((place, said),) = refused.value.faults
    assert place.startswith("p.yaml:2:")
    assert text in said
    assert names(held) == ["ci", "other"]


def test_two_entries_of_one_name_are_a_fault(held):
    with pytest.raises(Invalid) as refused:
        planned(held, f"robots:\n  - {CI}\n  - {{name: robot.ci, namespace: x, role: reader}}\n")
    assert "there already, at p.yaml:2:" in refused.value.faults[0][1]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"grants: [{ELSEWHERE.replace('robot:ci', 'robot:c1')}]", id="grant"),
        pytest.param("tests: ['robot:c1 can pull team/x']", id="test"),
    ],
)
def test_a_robot_that_nobody_makes_is_missing(held, text):
    with pytest.raises(Invalid) as refused:
        planned(held, text)
    assert "there is no robot 'c1'" in refused.value.faults[0][1]


def test_a_grant_that_says_what_the_new_role_would_is_to_be_removed_first(held):
    grant = held.grant("robot:ci", "reader", "team")
    text = "robots: [{name: ci, namespace: team, role: reader}]"
    with pytest.raises(Conflict, match=rf"p.yaml:1:10: grant {grant['id']} says the same already"):
        applied(held, text)
    both = f"{text}\ngrants: [{{subject: 'user:root', role: admin}}]"
    applied(held, f"{both[:-1]}, {HOME}]", prune=True)
    assert named(stored(held)["grants"]) == [("user:local:root", "**"), ("robot:ci", "team")]
    assert stored(held)["grants"][1]["role"] == "writer"


def test_a_role_of_robots_may_not_come_to_list_the_catalog(held):
    wide = "roles: [{name: puller, allow: ['registry:catalog:*']}]"
    with pytest.raises(Conflict, match="robots have role 'puller'"):
        planned(held, wide)
    instead = "robots: [{name: other, namespace: ops, role: reader, registry: a}]"
    applied(held, f"{wide}\n{instead}")
    held.role("more", "repository:pull")
    held.grant("robot:ci", "more", "x")
    with pytest.raises(Conflict, match="robots have role 'more'"):
        planned(held, "roles: [{name: more, allow: ['registry:catalog:*']}]")


@pytest.mark.parametrize(
    ("text", "robots", "grants"),
    [
        pytest.param("grants: []", [], 3, id="robots that the files do not speak of stay"),
        pytest.param("robots: []", ["ci", "other"], 1, id="all go"),
        pytest.param(f"robots: [{CI}]", ["other"], 0, id="one goes"),
        pytest.param("namespaces: []", ["ci"], 2, id="with their namespace"),
        pytest.param("registries: []", ["other"], 0, id="with their registry"),
        pytest.param(
            f"namespaces: []\nrobots: [{CI}]", ["other"], 1, id="what the files name stays"
        ),
    ],
)
def test_what_goes_takes_robots_along_with_their_grants(held, text, robots, grants):
    plan = planned(held, f"{text}\n", prune=True)
    assert named(plan["removed"]["robots"]) == robots
    assert len(plan["removed"]["grants"]) == grants
    if text != "grants: []":  # the last administrator
        applied(held, text, prune=True, plan=plan)
        assert sorted({*names(held), *robots}) == ["ci", "other"]
        assert not {*names(held)}.intersection(robots)
        assert len(digests(held)) == len(names(held))


def test_a_role_goes_with_its_last_robot_and_not_before(held):
    with pytest.raises(Conflict, match="role 'puller' would go"):
        planned(held, "roles: []", prune=True)
    applied(held, f"roles: []\nrobots: [{CI}]", prune=True)
    assert stored(held)["roles"] == []


def test_a_role_goes_when_its_robot_gets_another(held):
    text = "{name: other, namespace: ops, role: reader, registry: a}"
    applied(held, f"roles: []\nrobots: [{CI}, {text}]", prune=True)
    assert [each["role"] for each in listed(held)] == ["writer", "reader"]


@pytest.mark.parametrize("text", [f"grants: [{ELSEWHERE}]", "tests: ['robot:ci can pull team/x']"])
def test_files_that_name_a_robot_hold_it_or_keep_it(held, text):
    with pytest.raises(Invalid) as refused:
        planned(held, f"{text}\nrobots: []", prune=True)
    assert "ci" in refused.value.faults[0][1]


def effects(road, text, **how):
    return [
        (each["subject"], each["on"], each["gains"], each["loses"])
        for each in planned(road, text, **how)["effects"]["by_name"]
    ]


def test_a_plan_tells_what_robots_gain_and_lose(held):
    change(held, "other", enabled=False)
    text = """robots:
  - {name: new, namespace: team/new, role: writer}
  - {name: asleep, namespace: team/new, role: writer, enabled: false}
  - {name: ci, namespace: team, role: reader}
  - {name: other, namespace: ops, role: puller, registry: a}
"""
    assert effects(held, text) == [
        ("robot:ci", "team", [], ["push"]),
        ("robot:new", "team/new", ["pull", "push"], []),
        ("robot:other", "ops", ["pull"], []),
    ]
    assert planned(held, text)["effects"]["others"] == 4
    lost = [each for each in effects(held, "robots: []", prune=True) if each[0] == "robot:ci"]
    assert lost == [
        ("robot:ci", "base", [], ["pull"]), ("robot:ci", "team", [], ["pull", "push"]),
    ]  # fmt: skip
    off = f"robots: [{CI[:-1]}, enabled: false}}]"
    assert effects(held, off)[-1] == ("robot:ci", "team", [], ["pull", "push"])


def test_a_plan_is_stale_by_what_robots_are_and_not_by_their_secrets(held):
    text = "namespaces: [{name: fresh}]"
    change(held, "ci", expires_at="2027-01-20T00:00:00Z")
    before = planned(held, text)["stored"]
    rotate(held, "ci")
    warn_of_ends(held.database, held.unit_of_work, utc(held.clock.now()))
    assert planned(held, text)["stored"] == before
    plan = planned(held, text)
    for members in ({"enabled": False}, {"role": "reader"}, {"cidrs": ["10.0.0.0/8"]}):
        change(held, "ci", **members)
        with pytest.raises(Conflict, match="changed since this plan"):
            applied(held, text, plan=plan)
        plan = planned(held, text)
    robot(held, "late")
    with pytest.raises(Conflict, match="changed since this plan"):
        applied(held, text, plan=plan)


def test_an_owner_writes_robots_of_their_namespace(held):
    alice = held.as_("alice")
    assert named(looked(alice, exported)["robots"]) == ["ci"]
    text = "robots: [{name: fresh, namespace: team/x, role: maintainer}]"
    plan = planned(alice, text, prune=True)
    assert (named(plan["added"]["robots"]), named(plan["removed"]["robots"])) == (["fresh"], ["ci"])
    assert plan["removed"]["grants"] == []  # what it had elsewhere is not hers to see
    applied(alice, text, prune=True, plan=plan)
    assert names(held) == ["fresh", "other"]
    assert [each["on"] for each in held.records()[-1]["after"]["grants_of_robots"]] == ["base"]


def test_who_may_remove_a_robot_removes_all_that_it_was_granted_there(held):
    held.role("eraser", "repository:delete")
    held.grant("user:alice", "eraser", "team/secret", effect="deny")
    held.grant("robot:ci", "maintainer", "team/secret")  # not hers to take back by itself
    alice = held.as_("alice")
    with pytest.raises(Forbidden, match="team/secret"):
        applied(alice, "grants: [{subject: 'user:alice', role: owner, on: team}]", prune=True)
    removed = applied(alice, "robots: []", prune=True)["removed"]
    assert named(removed["robots"]) == ["ci"]
    assert named(removed["grants"]) == [("robot:ci", "team/secret")]
    assert names(held) == ["other"]


@pytest.mark.parametrize(
    ("members", "error"),
    [
        pytest.param("name: x, namespace: ops, role: reader", Forbidden, id="AD-03 elsewhere"),
        pytest.param("name: x, namespace: team-x, role: reader", Forbidden, id="AD-03 longer"),
        pytest.param("name: other, namespace: ops, role: puller, registry: a", Forbidden,
                     id="one that is there, as it is"),
        pytest.param("name: other, namespace: team, role: reader", Invalid, id="taken"),
        pytest.param("name: x, namespace: team, role: owner", Invalid, id="RB-07"),
        pytest.param("name: ci, namespace: team, role: puller", Forbidden, id="denied to her"),
    ],
)  # fmt: skip
def test_an_owner_writes_no_other_robots(held, members, error):
    held.grant("user:alice", "puller", "team/secret", effect="deny")
    alice = held.as_("alice")
    with pytest.raises(error):
        applied(alice, f"robots: [{{{members}}}]")
    assert len(names(held)) == 2


def test_an_owner_is_told_that_a_name_is_taken_and_not_where(held):
    with pytest.raises(Invalid) as refused:
        planned(held.as_("alice"), "robots: [{name: other, namespace: team, role: reader}]")
    ((_, said),) = refused.value.faults
    assert said == "there is a robot 'other' already: choose another name"


def test_who_owns_nothing_is_told_nothing(held):
    held.user("bob")
    for text in ("robots: []", f"robots: [{CI}]"):
        with pytest.raises(NotFound):
            planned(held.as_("bob"), text)


def test_lint_names_robots_that_end_soon_and_what_nobody_has(held):
    text = """robots:
  - {name: ci, namespace: team, role: writer, expires_at: '2027-01-20T00:00:00Z'}
  - {name: x, namespace: team, role: writer, expires_at: '2027-03-20T00:00:00Z'}
  - {name: y, namespace: team, role: riter, registry: b}
grants:
  - {subject: 'robot:x', role: reader, on: base}
  - {subject: 'robot:z', role: reader, on: base}
"""
    found = looked(held, lambda tx: linted(tx, document(text)))
    assert [(each.place, each.rule, each.text.partition(":")[0]) for each in found] == [
        ("p.yaml:2:5", "ends", "this robot ends at 2027-01-20 00"),
        ("p.yaml:4:5", "unknown", "there is no role 'riter'"),
        ("p.yaml:4:5", "unknown", "there is no registry 'b'"),
        ("p.yaml:7:5", "unknown", "there is no robot 'z'"),
    ]
    now = held.clock.now()
    assert "ends" in {each.rule for each in linted_alone(document(text), now=now)}
    change(held, "ci", expires_at="2027-01-20T00:00:00Z")
    number = listed(held)[0]["id"]
    places = [(each.place, each.rule) for each in looked(held, linted_stored)]
    assert places == [(f"robot {number}", "ends")]

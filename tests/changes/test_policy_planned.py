"""`policy plan`: what would become different, said before anything is written."""

import pytest
from changes.policies import applied, differing, named, planned, stored

from authsvc.audit import changes as log
from authsvc.errors import Conflict, Invalid

GRANT = {
    "subject": "group:devs", "role": "writer", "on": "team", "registry": "a", "effect": "allow",
    "expires_at": None, "cidrs": [], "reason": "",
}  # fmt: skip


@pytest.fixture
def held(road):
    """Something of each kind."""
    road.registry("a", ttl=600)
    road.role("puller", "repository:pull")
    road.user("alice")
    road.user("bob")
    road.group("devs", "alice")
    road.namespace("team", registry="a", visibility="internal")
    road.grant("group:devs", "writer", "team", registry="a", reason="they build it")
    return road


@pytest.mark.parametrize(
    ("text", "prune", "differs"),
    [
        pytest.param("registries: [{name: a, ttl: 600}]", False, {}, id="as it is"),
        pytest.param(
            "registries: [{name: a}]", False,
            {"changed": {"registries": [({"ttl": 600}, {"ttl": None})]}},
            id="a default that is left out",
        ),
        pytest.param(
            "registries: [{name: b}]", False, {"added": {"registries": ["b"]}}, id="registry comes"
        ),
        pytest.param(
            "namespaces: [{name: team, registry: a}]", False,
            {"changed": {"namespaces": [({"visibility": "internal"}, {"visibility": "private"})]}},
            id="visibility at its default",
        ),
        pytest.param(
            "namespaces: [{name: team, visibility: public}]", False,
            {"added": {"namespaces": ["team"]}},
            id="namespace for all beside one for a registry",
        ),
        pytest.param(
            "roles: [{name: puller, allow: ['repository:push,pull']}]", False,
            {"changed": {"roles": [
                ({"allow": ["repository:pull"]}, {"allow": ["repository:pull,push"]})
            ]}},
            id="role allows more",
        ),
        pytest.param(
            "roles: [{name: lister, allow: ['registry:catalog:*']}]", False,
            {"added": {"roles": ["lister"]}},
            id="role comes",
        ),
        pytest.param("groups: [{name: devs}]", False, {}, id="members stay without prune"),
        pytest.param(
            "groups: [{name: devs}]", True,
            {"changed": {"groups": [({"members": ["user:local:alice"]}, {"members": []})]}},
            id="and go with it",
        ),
        pytest.param(
            "groups: [{name: devs, members: [bob]}]", False,
            {"changed": {"groups": [(
                {"members": ["user:local:alice"]},
                {"members": ["user:local:alice", "user:local:bob"]},
            )]}},
            id="members come beside others",
        ),
        pytest.param(
            "groups: [{name: devs, members: [bob]}]", True,
            {"changed": {"groups": [
                ({"members": ["user:local:alice"]}, {"members": ["user:local:bob"]})
            ]}},
            id="members take the place of others with prune",
        ),
        pytest.param(
            "groups: [{name: devs, members: [alice, user:local:alice]}]", True, {},
            id="a member named twice",
        ),
        pytest.param(
            "groups: [{name: ops, members: ['group:devs']}]", False, {"added": {"groups": ["ops"]}},
            id="group comes",
        ),
        pytest.param(
            "grants: [{subject: 'group:devs', role: writer, on: team, registry: a,"
            " reason: they build it}]",
            False, {}, id="grant as it is",
        ),
        pytest.param(
            "grants: [{subject: 'group:devs', role: writer, on: team, registry: a}]", False,
            {"changed": {"grants": [({"reason": "they build it"}, {"reason": ""})]}},
            id="reason alone",
        ),
        pytest.param(
            "grants: [{subject: alice, role: reader, on: x}, {subject: 'user:alice', role: reader,"
            " on: x, reason: again}, {subject: 'user:local:alice', role: reader, on: x}]"
            .replace("alice, role", "user:alice, role", 1), False,
            {"added": {"grants": [("user:local:alice", "x")]}},
            id="equal ones count once",
        ),
        pytest.param(
            "grants: [{subject: everyone, role: reader, on: x, cidrs: [10.0.0.0/8, 192.0.2.0/24]},"
            " {subject: everyone, role: reader, on: x, cidrs: [192.0.2.0/24, 10.0.0.0/8],"
            " effect: allow}]", False,
            {"added": {"grants": [("everyone", "x")]}},
            id="equal ones in another order of networks",
        ),
        pytest.param(
            "grants: [{subject: everyone, role: reader, on: x, expires_at: 2030-01-01T00:00:00Z},"
            " {subject: everyone, role: reader, on: x, expires_at: '2030-01-01T01:00:00+01:00'}]",
            False, {"added": {"grants": [("everyone", "x")]}},
            id="equal ones of one moment in two zones",
        ),
        pytest.param(
            "grants: [{subject: 'group:devs', role: reader, on: team, registry: a}]", False,
            {"added": {"grants": [("group:devs", "team")]}},
            id="another grant takes nobody's place without prune",
        ),
        pytest.param(
            "grants: [{subject: 'group:devs', role: reader, on: team, registry: a}]", True,
            {"added": {"grants": [("group:devs", "team")]},
             "removed": {"grants": [("group:devs", "team")]}},
            id="and does with it",
        ),
        pytest.param("{}", True, {}, id="nothing is spoken of"),
        pytest.param(
            "tests: [anonymous cannot pull x on a]", True, {}, id="of tests alone nothing is pruned"
        ),
        pytest.param(
            "grants: []", True, {"removed": {"grants": [("group:devs", "team")]}},
            id="an empty list speaks of its kind",
        ),
        pytest.param(
            "grants:\n", True, {"removed": {"grants": [("group:devs", "team")]}},
            id="and so does a member without a value",
        ),
    ],
)  # fmt: skip
def test_a_plan_says_what_becomes_different(held, text, prune, differs):
    before = stored(held)
    with held.database.read() as session:
        head = log.head(session)
    plan = planned(held, text, prune=prune)
    assert _told(plan) == differs
    assert plan["prune"] is prune
    with held.database.read() as session:
        assert log.head(session) == head
    assert stored(held) == before


def _told(plan):
    """Of what changes the members that change, of the rest who it is."""
    told = differing(plan)
    for word in ("added", "removed"):
        if word in told:
            told[word] = {kind: named(items) for kind, items in told[word].items()}
    if "changed" in told:
        told["changed"] = {
            kind: [_moved(each["before"], each["after"]) for each in items]
            for kind, items in told["changed"].items()
        }
    return told


def _moved(before, after):
    assert before.keys() == after.keys()
    names = [name for name in before if before[name] != after[name]]
    return {name: before[name] for name in names}, {name: after[name] for name in names}


def test_what_is_added_is_told_whole_with_its_defaults(held):
    plan = planned(held, "grants: [{subject: 'group:devs', role: reader, on: x}]")
    item = {**GRANT, "role": "reader", "on": "x", "registry": None}
    assert plan["added"]["grants"] == [item]
    assert plan["unchanged"] == 0


def test_what_is_as_it_should_be_is_counted(held):
    text = """
    registries: [{name: a, ttl: 600}, {name: b}]
    groups: [{name: devs, members: [alice]}]
    grants:
      - {subject: 'group:devs', role: writer, on: team, registry: a, reason: they build it}
      - {subject: 'group:devs', role: writer, on: team, registry: a, reason: twice}
    """
    assert planned(held, text)["unchanged"] == 3


def test_two_files_are_one_plan(held):
    from authsvc.changes.policy.apply import Wish
    from authsvc.changes.policy.apply import planned as plan_of
    from authsvc.changes.policy.document import parse

    files = [
        ("a.yaml", b"groups: [{name: ops, members: ['group:leads']}]"),
        ("b.yaml", b"groups: [{name: leads, members: [bob]}]"),
    ]
    wish = Wish(parse(files), prune=True)
    made, _ = held.unit_of_work.look(held.actor, lambda tx: plan_of(tx, wish))
    assert named(made.shape["added"]["groups"]) == ["ops", "leads"]
    assert named(made.shape["removed"]["groups"]) == ["devs"]


@pytest.mark.parametrize(
    ("text", "places"),
    [
        pytest.param(
            "groups:\n- {name: new, members: [zoe, yan, bob]}\ngrants:\n"
            "- {subject: 'user:zoe', role: reader, on: x}\n- {subject: 'group:no', role: reader,"
            " on: x}\n- {subject: 'robot:ci', role: reader, on: x}",
            [2, 2, 4, 5, 6],
            id="people, groups, robots",
        ),
        pytest.param(
            "namespaces:\n- {name: x, registry: no}\ngrants:\n"
            "- {subject: everyone, role: reader, on: x, registry: no}",
            [2, 4],
            id="registries",
        ),
        pytest.param(
            "grants:\n- {subject: everyone, role: no, on: x}\n- {subject: everyone, role: reeder,"
            " on: x}",
            [2, 3],
            id="roles",
        ),
        pytest.param(
            "grants:\n- {subject: 'user:elsewhere:x', role: reader, on: x}\n"
            "- {subject: 'group:elsewhere:x', role: reader, on: x}\n"
            "groups:\n- {name: x, members: ['elsewhere:x']}",
            [2, 3, 5],
            id="sources",
        ),
        pytest.param(
            "grants:\n- {subject: 'user:user', role: reader, on: x}\n"
            "- {subject: 'group:group', role: reader, on: x}\n"
            "- {subject: 'robot:robot', role: reader, on: x}\n"
            "groups:\n- {name: new, members: [user]}",
            [2, 3, 4, 6],
            id="names that are first words of subjects",
        ),
        pytest.param(
            "grants:\n- {subject: 'user:zoe', role: no, on: x, registry: no}\n"
            "tests:\n- zoe can pull x on no",
            [2, 2, 2, 4, 4],
            id="all of one entry",
        ),
        pytest.param(
            "tests:\n- zoe can pull x\n- user:elsewhere:x can pull x\n- bob can pull x on no",
            [2, 3, 4],
            id="tests",
        ),
        pytest.param(
            "grants:\n- {subject: everyone, role: reader, on: x, expires_at: 2026-01-01T00:00:00Z}",
            [2],
            id="an end in the past",
        ),
        pytest.param(
            "grants:\n- {subject: 'robot:ci', role: admin}\n- {subject: 'robot:ci', role: reader,"
            " on: x}",
            [2, 2, 3],
            id="robots that are not there, with a role that none may have",
        ),
    ],
)
def test_all_that_is_missing_is_named_at_once_with_its_place(held, text, places):
    before = stored(held)
    for attempt in (planned, applied):
        with pytest.raises(Invalid) as caught:
            attempt(held, text)
        lines = [int(place.split(":")[1]) for place, _ in caught.value.faults]
        assert sorted(lines) == places
        assert all(place.startswith("p.yaml:") for place, _ in caught.value.faults)
    assert stored(held) == before


def test_the_nearest_name_is_told(held):
    text = """
    grants:
    - {subject: 'user:alcie', role: reader, on: x}
    - {subject: 'group:dev', role: reeder, on: x}
    - {subject: everyone, role: reeder, on: x, registry: aa}
    """
    with pytest.raises(Invalid) as caught:
        planned(held, text)
    told = [said for _, said in caught.value.faults]
    near = ["alice", "devs", "reader", "a", "reader"]
    assert [said.rpartition("did you mean ")[2] for said in told] == [f"'{n}'?" for n in near]


def test_directory_people_and_groups_need_not_have_been_seen(held):
    text = """
    groups: [{name: devs, members: ["file:zoe", "group:corp:builders"]}]
    grants:
    - {subject: "user:corp:yan", role: reader, on: x}
    - {subject: "group:corp:builders", role: reader, on: x}
    """
    applied(held, text)
    assert differing(planned(held, text)) == {}
    assert {"group:corp:builders", "user:file:zoe"} < set(stored(held)["groups"][0]["members"])
    applied(held, 'groups: [{name: devs, members: ["file:new"]}]')
    assert {"user:file:new", "user:file:zoe"} < set(stored(held)["groups"][0]["members"])


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("groups: [{name: devs, members: ['group:devs']}]", id="itself"),
        pytest.param("groups: [{name: ops, members: ['group:ops']}]", id="itself, a new one"),
        pytest.param(
            "groups: [{name: b, members: ['group:devs']}, {name: devs, members: ['group:c']},"
            " {name: c, members: ['group:b']}]",
            id="through new ones",
        ),
        pytest.param("groups: [{name: inner, members: ['group:outer']}]", id="through stored ones"),
    ],
)
def test_a_loop_of_groups_is_refused_before_anything_is_written(held, text):
    held.group("inner")
    held.group("outer", "group:inner")
    before = stored(held)
    for attempt in (planned, applied):
        with pytest.raises(Conflict, match=r"p\.yaml:1:\d+: .* member of itself"):
            attempt(held, text)
    assert stored(held) == before


def test_what_would_be_a_loop_with_what_goes_is_none(held):
    """Who was above comes below, whichever of the two stands first in the files."""
    held.group("inner")
    held.group("outer", "group:inner")
    for text in (
        "groups: [{name: devs}, {name: inner, members: ['group:outer']}, {name: outer}]",
        "groups: [{name: devs}, {name: outer, members: ['group:inner']}, {name: inner}]",
    ):
        applied(held, text, prune=True)
        assert differing(planned(held, text, prune=True)) == {}


def test_a_built_in_role_cannot_be_written(held):
    with pytest.raises(Conflict, match=r"p\.yaml:1:9.*built in"):
        planned(held, "roles: [{name: reader, allow: ['repository:push']}]")


def test_who_is_in_a_group_gains_by_its_grant_and_is_named(held):
    effects = planned(held, "grants: [{subject: 'group:devs', role: reader, on: x}]")["effects"]
    assert (effects["people"], effects["groups"]) == (1, 1)
    told = {(each["subject"], each["on"]): each["gains"] for each in effects["by_name"]}
    assert told == {("group:devs", "x"): ["pull"], ("user:local:alice", "x"): ["pull"]}


def test_who_comes_into_a_group_gains_and_who_goes_loses(held):
    plan = planned(held, "groups: [{name: devs, members: [bob]}]", prune=True)
    told = {
        each["subject"]: (each["gains"], each["loses"])
        for each in plan["effects"]["by_name"]
        if each["on"] == "team"
    }
    assert told == {
        "user:local:alice": ([], ["push"]),
        "user:local:bob": (["push"], []),
    }, "whoever signed in may pull from it"


def test_who_is_in_a_group_of_the_group_is_named_too(held):
    held.group("all", "group:devs")
    effects = planned(held, "grants: [{subject: 'group:all', role: reader, on: x}]")["effects"]
    subjects = {each["subject"] for each in effects["by_name"]}
    assert subjects == {"group:all", "group:devs", "user:local:alice"}


def test_a_role_that_changes_is_a_loss_for_all_who_hold_it(held):
    held.grant("user:bob", "puller", "x")
    text = "roles: [{name: puller, allow: ['repository:push']}]"
    (effect,) = planned(held, text)["effects"]["by_name"]
    assert (effect["subject"], effect["gains"], effect["loses"]) == (
        "user:local:bob", ["push"], ["pull"],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("grants", "named_ones"), [pytest.param(1_000, True, id="1,000"),
                               pytest.param(1_001, False, id="1,001")],
)  # fmt: skip
def test_beyond_a_thousand_grants_effects_are_counts(held, grants, named_ones):
    lines = "\n".join(f"- {{subject: everyone, role: reader, on: x/n{i}}}" for i in range(grants))
    effects = planned(held, f"grants:\n{lines}")["effects"]
    assert (effects["by_name"] is not None) is named_ones
    assert effects["others"] == 1


def test_beyond_a_thousand_people_effects_are_counts(held):
    names = ", ".join(f"'file:u{n}'" for n in range(1_001))
    effects = planned(held, f"groups: [{{name: devs, members: [{names}]}}]")["effects"]
    assert (effects["by_name"], effects["people"]) == (None, 1_001)

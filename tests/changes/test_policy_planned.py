"""`policy plan`: what would become different, said before anything is written."""

import pytest
from changes.policies import differing, named, planned, something_of_each, stored

from authsvc.audit import changes as log

GRANT = {
    "subject": "group:devs", "role": "writer", "on": "team", "registry": "a", "effect": "allow",
    "expires_at": None, "cidrs": [], "reason": "",
}  # fmt: skip


@pytest.fixture
def held(road):
    return something_of_each(road)


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

"""`--prune`: what goes when the files leave it out, and what goes along (contract 5, rule 10)."""

import pytest
from changes.policies import applied, differing, named, planned, stored

from authsvc.changes import reads
from authsvc.errors import Conflict, Invalid
from authsvc.protocol.names import parse_subject

ADMIN = "{subject: 'user:root', role: admin}"


@pytest.fixture
def held(road):
    """Two registries with namespaces and grants in each, for each, and for all; nested groups."""
    road.user("root")
    road.grant("user:root", "admin")
    road.registry("a")
    road.registry("b")
    road.role("puller", "repository:pull")
    road.role("unused", "repository:pull")
    road.group("devs", "root", "file:zoe")
    road.group("all", "group:devs")
    for registry in (None, "a", "b"):
        road.namespace("team", registry=registry)
        road.namespace("team/sub", registry=registry, visibility="public")
        road.grant("group:devs", "writer", "team/app", registry=registry)
    road.grant("everyone", "reader", "team-x")
    road.grant("group:all", "puller", "team/*")
    road.grant("group:corp:devs", "reader", "other")
    return road


SPACES = [("team", None), ("team", "a"), ("team", "b"),
          ("team/sub", None), ("team/sub", "a"), ("team/sub", "b")]  # fmt: skip
TO_DEVS = [("group:devs", "team/app", registry) for registry in (None, "a", "b")]
OTHERS = [
    ("everyone", "team-x", None), ("group:all", "team/*", None), ("group:corp:devs", "other", None),
    ("user:local:root", "**", None),
]  # fmt: skip


def kept(spaces=SPACES, grants=(*TO_DEVS, *OTHERS)):
    """What a plan leaves, by short names."""
    return {"namespaces": sorted(spaces, key=str), "grants": sorted(grants, key=str)}


def left(road):
    held = stored(road)
    spaces = [(each["name"], each["registry"]) for each in held["namespaces"]]
    grants = [(each["subject"], each["on"], each["registry"]) for each in held["grants"]]
    return kept(spaces, grants)


def within(items, registry, word=-1):
    return [each for each in items if each[word] == registry]


def besides(items, *gone):
    return [each for each in items if each not in gone]


@pytest.mark.parametrize(
    ("text", "stays"),
    [
        pytest.param("roles: [{name: puller, allow: ['repository:pull']}]", kept(), id="a role"),
        pytest.param(
            "registries: [{name: a}]",
            kept(besides(SPACES, *within(SPACES, "b")),
                 [*besides(TO_DEVS, *within(TO_DEVS, "b")), *OTHERS]),
            id="a registry, with its own namespaces and grants",
        ),
        pytest.param("registries: []", kept(within(SPACES, None),
                                            [*within(TO_DEVS, None), *OTHERS]), id="all of them"),
        pytest.param(
            "namespaces: [{name: team}, {name: team, registry: b}, {name: team/sub, registry: b},"
            " {name: team/sub, visibility: public}]",
            kept(besides(SPACES, ("team", "a"), ("team/sub", "a")),
                 [*besides(TO_DEVS, TO_DEVS[1]), *OTHERS]),
            id="a namespace for one registry, with what is in that one",
        ),
        pytest.param(
            "namespaces: [{name: team, registry: b}]",
            kept([("team", "b")], besides(OTHERS, OTHERS[1])),
            id="a namespace for all, with what is in any and no file names",
        ),
        pytest.param(
            "namespaces: [{name: team, registry: b}]\n"
            "grants: [{subject: everyone, role: reader, on: team-x}, " + ADMIN
            + ", {subject: 'group:devs', role: writer, on: team/app, registry: b}]",
            kept([("team", "b")], [TO_DEVS[2], OTHERS[0], OTHERS[3]]),
            id="but not what a file names",
        ),
        pytest.param(
            "namespaces: [" + ", ".join(
                f"{{name: {name}, registry: {registry or 'null'}}}" for name, registry in SPACES
                if name == "team") + "]",
            kept([each for each in SPACES if each[0] == "team"]), id="namespaces within others",
        ),
        pytest.param(
            "groups: [{name: all}]", kept(SPACES, OTHERS),
            id="a group, with its grants and out of others",
        ),
        pytest.param(
            "groups: []", kept(SPACES, besides(OTHERS, OTHERS[1])),
            id="but no group of a directory",
        ),
        pytest.param(f"grants: [{ADMIN}]", kept(SPACES, [OTHERS[3]]), id="grants alone"),
        pytest.param(
            f"roles: []\ngrants: [{ADMIN}]", kept(SPACES, [OTHERS[3]]), id="grants and their role"
        ),
        pytest.param("tests: []", kept(), id="tests alone"),
        pytest.param("", kept(), id="nothing"),
    ],
)  # fmt: skip
def test_what_goes_is_what_the_plan_says(held, text, stays):
    before = stored(held)
    plan = planned(held, text, prune=True)
    assert stored(held) == before
    assert not any(plan["removed"][kind] for kind in plan["removed"] if not before[kind])
    applied(held, text, prune=True)
    assert left(held) == stays
    for kind, items in stored(held).items():
        gone = [each for each in before[kind] if each not in items]
        said = [*plan["removed"][kind], *(each["before"] for each in plan["changed"][kind])]
        assert sorted(gone, key=str) == sorted(said, key=str)
    assert differing(planned(held, text, prune=True)) == {}


@pytest.mark.parametrize(
    "text",
    ["registries: []", "namespaces: []", "roles: []", "groups: []", "grants: []", "tests: []"],
)
def test_without_prune_nothing_goes(held, text):
    before = stored(held)
    assert differing(planned(held, text)) == {}
    applied(held, text)
    assert stored(held) == before


def test_a_group_that_goes_leaves_the_groups_it_was_in(held):
    plan = planned(held, "groups: [{name: all}]", prune=True)
    assert named(plan["removed"]["groups"]) == ["devs"]
    assert [each["after"]["members"] for each in plan["changed"]["groups"]] == [[]]
    applied(held, "groups: [{name: all}]", prune=True)
    assert stored(held)["groups"] == [{"name": "all", "members": []}]


def test_people_and_built_in_roles_never_go(held):
    with held.database.read() as session:
        before = [each["name"] for each in reads.roles(session)], reads.users(session)
    applied(held, f"registries: []\nroles: []\ngroups: []\ngrants: [{ADMIN}]", prune=True)
    with held.database.read() as session:
        after = [each["name"] for each in reads.roles(session)], reads.users(session)
    assert after[1] == before[1]
    assert set(before[0]) - set(after[0]) == {"puller", "unused"}


@pytest.mark.parametrize(
    ("text", "places"),
    [
        pytest.param(
            "groups: [{name: all, members: ['group:devs']}]",
            ["1:10"],
            id="a group in one that stays",
        ),
        pytest.param(
            "groups: [{name: all}]\ngrants:\n"
            "- {subject: 'group:devs', role: writer, on: team/app}\n"
            "- {subject: 'group:devs', role: writer, on: new}\n- " + ADMIN,
            ["3:3", "4:3"],
            id="a group that grants are to, stored and new",
        ),
        pytest.param(
            "registries: [{name: b}]\n"
            "namespaces: [{name: team, registry: a}, {name: new, registry: a}]\n"
            "grants: [{subject: 'group:devs', role: writer, on: team/app, registry: a}, "
            + ADMIN
            + "]",
            ["2:14", "2:41", "3:10"],
            id="a registry that namespaces and grants are for",
        ),
        pytest.param(
            "roles: [{name: unused, allow: ['repository:pull']}]\ngrants: ["
            "{subject: everyone, role: puller, on: x}, "
            "{subject: 'group:all', role: puller, on: team/*}, " + ADMIN + "]",
            ["2:10", "2:52"],
            id="a role that grants are of, new and stored",
        ),
    ],
)
def test_what_a_file_names_must_not_go(held, text, places):
    """Or it would go along with that, against what the same file says."""
    before = stored(held)
    for attempt in (planned, applied):
        with pytest.raises(Invalid) as caught:
            attempt(held, text, prune=True)
        assert [place for place, _ in caught.value.faults] == [f"p.yaml:{at}" for at in places]
        assert all("would go" in said for _, said in caught.value.faults)
    assert stored(held) == before


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param("roles: []", "role 'puller' would go", id="a role that grants are of"),
        pytest.param("grants: []", "no administrator", id="AD-31 the last admin"),
        pytest.param(
            "grants: [{subject: 'group:devs', role: admin}]", "no administrator",
            id="AD-31 the last admin but by a group",
        ),
    ],
)  # fmt: skip
def test_what_a_rule_keeps_is_refused_whole_with_one_record(held, text, says):
    before, records = stored(held), len(held.records())
    with pytest.raises(Conflict, match=says):
        applied(held, text, prune=True)
    assert stored(held) == before
    assert [each["outcome"] for each in held.records()[records:]] == ["refused"]


def test_a_later_namesake_inherits_nothing(held):
    applied(held, "registries: []\ngroups: []\nnamespaces: []", prune=True)
    text = "registries: [{name: a}]\ngroups: [{name: devs}]\nnamespaces: [{name: team}]"
    applied(held, text)
    held.run(_joined)
    assert left(held) == kept([("team", None)], besides(OTHERS, OTHERS[1]))


def _joined(tx):
    from authsvc.changes import groups

    return groups.add_members(tx, "devs", (parse_subject("user:root"),))

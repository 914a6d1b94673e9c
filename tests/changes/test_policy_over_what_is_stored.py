"""Tests beside a policy are about what is stored with the files' differences over it."""

import pytest
from changes.policies import applied, document, stored

from authsvc.access.questions import People
from authsvc.changes.policy import apply as applying
from authsvc.changes.policy.apply import NOBODY, Wish, planned, trials
from authsvc.errors import Invalid
from authsvc.principal import Kind, Principal


@pytest.fixture
def held(road):
    road.registry("a")
    road.user("alice")
    road.user("bob")
    road.user("off", enabled=False)
    road.role("puller", "repository:pull")
    road.group("devs", "alice")
    road.group("all", "group:devs")
    road.namespace("open", visibility="public")
    road.namespace("home")
    road.grant("group:all", "writer", "team")
    road.grant("user:bob", "puller", "tools")
    road.grant("user:off", "writer", "team")
    road.grant("group:corp:builders", "writer", "built")
    road.grant("authenticated", "maintainer", "home/{username}/**")
    road.grant("user:bob", "reader", "old", expires_at="2027-02-01T00:00:00Z")
    road.grant("user:bob", "writer", "net", cidrs=["10.0.0.0/8"])
    return road


def held_tests(road, text, *, prune=False, people=NOBODY):
    """Which tests of a document hold once it is applied, by the overlay alone."""
    wish = Wish(document(text), prune)

    def look(tx):
        made = planned(tx, wish)[0]
        return [each.held for each in trials(tx, made, wish.document.tests, people)]

    return road.unit_of_work.look(road.actor, look)


TRUE_BEFORE = [
    "alice can pull,push team/app", "bob cannot pull team/app", "bob can pull tools/x",
    "bob cannot push tools/x", "anonymous can pull open/x", "off cannot pull team/app",
    "alice can delete home/alice/x", "bob can pull old/x", "bob can push net/x from 10.1.1.1",
    "bob cannot push net/x from 192.0.2.1", "bob cannot push net/x",
]  # fmt: skip


BOB_READS = "grants: [{subject: 'user:bob', role: reader, on: team}]"


def files(name, text, *tests, prune=False):
    """Files, and what holds once they are applied."""
    return pytest.param(text, prune, list(tests), id=name)


WOULD_BE = [
    files("nothing changes", "", *TRUE_BEFORE),
    files("nothing is spoken of", "", *TRUE_BEFORE, prune=True),
    files(
        "a grant comes",
        BOB_READS,
        "bob can pull team/app",
        "bob cannot push team/app",
        "alice can push team/app",
    ),
    files(
        "a grant comes and all others go",
        BOB_READS,
        "bob can pull team/app",
        "alice cannot pull team/app",
        "bob cannot pull tools/x",
        "anonymous can pull open/x",
        prune=True,
    ),
    files(
        "a deny comes",
        "grants: [{subject: 'user:alice', role: reader, on: team, effect: deny}]",
        "alice cannot pull team/app",
        "alice can push team/app",
    ),
    files(
        "somebody comes into a group within a group",
        "groups: [{name: devs, members: [bob]}]",
        "bob can push team/app",
        "alice can push team/app",
    ),
    files(
        "and somebody else goes",
        "groups: [{name: devs, members: [bob]}, {name: all, members: ['group:devs']}]",
        "bob can push team/app",
        "alice cannot pull team/app",
        prune=True,
    ),
    files(
        "the inner group goes",
        "groups: [{name: devs, members: [alice]}, {name: all}]",
        "alice cannot pull team/app",
        prune=True,
    ),
    files(
        "a new group within a stored one",
        "groups: [{name: new, members: [bob]}, {name: all, members: ['group:new']}]",
        "bob can push team/app",
        "alice can push team/app",
    ),
    files("a group is removed", "groups: [{name: all}]", "alice cannot pull team/app", prune=True),
    files(
        "a role is another one",
        "roles: [{name: puller, allow: ['repository:push']}]",
        "bob can push tools/x",
        "bob cannot pull tools/x",
    ),
    files(
        "a role and a grant of it",
        "roles: [{name: new, allow: ['repository:delete']}]\n"
        "grants: [{subject: 'user:bob', role: new, on: tools}]",
        "bob can pull,delete tools/x",
        "bob cannot push tools/x",
    ),
    files(
        "visibilities",
        "namespaces: [{name: team, visibility: internal}, {name: open}]",
        "bob can pull team/app",
        "anonymous cannot pull team/app",
        "anonymous cannot pull open/x",
    ),
    files(
        "a visibility is removed",
        "namespaces: [{name: home}]",
        "anonymous cannot pull open/x",
        prune=True,
    ),
    files(
        "somebody's own place is registered",
        "namespaces: [{name: home}, {name: home/alice}]",
        "alice cannot pull home/alice/x",
        "bob can delete home/bob/x",
    ),
    files(
        "a registry becomes read-only",
        "registries: [{name: a, read_only: true}]",
        "alice can pull team/app",
        "alice cannot push team/app",
    ),
    files(
        "a registry comes",
        "registries: [{name: b}]\ngrants: [{subject: 'user:bob', role: reader, on: b,"
        " registry: b}]",
        "bob can pull b/x on b",
        "bob cannot pull b/x on a",
        "alice can push team/x on b",
    ),
    files(
        "another takes its place", "registries: [{name: b}]", "alice can pull team/app", prune=True
    ),
]


@pytest.mark.parametrize(("text", "prune", "tests"), WOULD_BE)
def test_tests_are_about_what_would_be(held, text, prune, tests):
    before = stored(held)
    whole = text + "\ntests:\n" + "".join(f"- {each}\n" for each in tests)
    assert held_tests(held, whole, prune=prune) == [True] * len(tests)
    assert stored(held) == before
    applied(held, whole, prune=prune)
    assert held_tests(held, "tests:\n" + "".join(f"- {each}\n" for each in tests)) == [
        True for _ in tests
    ]


def test_a_test_that_fails_stops_the_apply_and_explains(held):
    before, records = stored(held), len(held.records())
    text = """
grants: [{subject: 'user:bob', role: reader, on: team}]
tests:
  - bob can pull team/app
  - bob can push team/app
  - alice cannot pull team/app
"""
    with pytest.raises(applying.TestsFail, match="2 tests fail, so nothing was changed") as caught:
        applied(held, text)
    assert [place for place, _ in caught.value.faults] == ["p.yaml:5:5", "p.yaml:6:5"]
    pushing, alice = caught.value.trials
    assert pushing.explanation.reasons == {"push": "no_grant"}
    assert alice.explanation.granted == ("pull",)
    assert stored(held) == before
    assert [each["outcome"] for each in held.records()[records:]] == ["refused"]
    assert held.records()[-1]["event"] == "policy"


def test_a_test_fails_also_where_nothing_would_change(held):
    with pytest.raises(applying.TestsFail, match="a test fails"):
        applied(held, "tests: [bob can pull team/app]")


def test_an_asker_of_a_directory_has_the_groups_that_it_says(held):
    def find(source, name):
        return Principal(Kind.USER, source, name, "id", ("group:corp:builders",))

    people = People(["corp"], find)
    text = """
grants: [{subject: 'group:corp:builders', role: reader, on: more}]
tests: ['user:corp:zoe can push built/x', 'user:corp:zoe can pull more/x']
"""
    assert held_tests(held, text, people=people) == [True, True]
    assert held_tests(held, text, people=People(["corp"])) == [False, False]


@pytest.mark.parametrize(
    "test",
    ["zoe can pull x", "robot:ci can pull x", "user:elsewhere:x can pull x", "bob can pull x on b"],
)
def test_who_and_what_is_not_there_is_a_fault_with_its_place(held, test):
    with pytest.raises(Invalid) as caught:
        applied(held, f"tests:\n- {test}")
    ((place, _),) = caught.value.faults
    assert place == "p.yaml:2:3"


def test_where_there_are_several_registries_a_test_names_one(held):
    with pytest.raises(applying.TestsFail) as caught:
        applied(held, "registries: [{name: b}]\ntests: [alice can pull team/app]")
    (trial,) = caught.value.trials
    assert "several registries" in trial.fault
    assert [each["name"] for each in stored(held)["registries"]] == ["a"]

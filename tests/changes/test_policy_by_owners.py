"""An owner's document speaks of their namespaces only, and gives what they hold (rule 9)."""

import pytest
from changes.policies import applied, differing, export, named, planned, stored

from authsvc.errors import Conflict, Forbidden, Invalid, NotFound


@pytest.fixture
def held(road):
    """Alice owns team everywhere, wanda only in registry a and for a while; others have more."""
    road.registry("a")
    road.registry("b")
    for name in ("root", "alice", "wanda", "audrey", "bob", "nobody"):
        road.user(name)
    road.role("puller", "repository:pull")
    road.role("lister", "registry:catalog:*")
    road.grant("user:root", "admin")
    road.grant("user:audrey", "auditor")
    road.grant("user:alice", "owner", "team")
    road.grant("user:wanda", "owner", "work", registry="a", expires_at="2028-01-01T00:00:00Z")
    road.group("devs", "bob", "group:corp:devs")
    for registry in (None, "a"):
        for place in ("team", "team-x", "work", "other"):
            road.namespace(place, registry=registry, visibility="internal")
            road.grant("group:devs", "writer", f"{place}/app", registry=registry)
    road.grant("user:bob", "reader", "**")
    road.grant("user:bob", "reader", "te*")
    road.grant("user:bob", "maintainer", "team/*", reason="they help")
    return road


TEXT = """
namespaces: [{name: team, visibility: public}, {name: team/new}]
grants:
  - {subject: 'user:bob', role: writer, on: team/new}
  - {subject: 'group:corp:devs', role: puller, on: team/**, registry: b}
tests:
  - bob can push team/new/app on a
  - anonymous can pull team/x on b
"""


def test_an_owner_plans_and_applies_what_is_theirs(held):
    alice = held.as_("alice")
    plan = planned(alice, TEXT)
    assert differing(applied(alice, TEXT, plan=plan)) == differing(plan)
    assert named(plan["added"]["grants"]) == [
        ("user:local:bob", "team/new"), ("group:corp:devs", "team/**"),
    ]  # fmt: skip
    assert held.records()[-1]["actor"]["name"] == "alice"
    assert differing(planned(alice, TEXT)) == {}


@pytest.mark.parametrize(
    ("text", "error"),
    [
        pytest.param("registries: [{name: a}]", Forbidden, id="a registry as it is"),
        pytest.param("roles: []", Forbidden, id="roles"),
        pytest.param("groups: []", NotFound, id="groups"),
        pytest.param("groups: [{name: devs}]", NotFound, id="a group that is there"),
        pytest.param("groups: [{name: none}]", NotFound, id="a group that is not"),
        pytest.param("namespaces: [{name: other}]", Forbidden, id="another namespace"),
        pytest.param("namespaces: [{name: team-x}]", Forbidden, id="one that begins alike"),
        pytest.param(
            "grants: [{subject: 'user:bob', role: reader, on: other}]", Forbidden, id="elsewhere"
        ),
        pytest.param(
            "grants: [{subject: 'group:devs', role: writer, on: other/app}]", Forbidden,
            id="elsewhere, what is there already",
        ),
        pytest.param(
            "grants: [{subject: 'user:bob', role: reader, on: te*}]", Forbidden, id="a wide glob"
        ),
        pytest.param(
            "grants: [{subject: 'user:bob', role: reader, on: '**'}]", Forbidden, id="everywhere"
        ),
        pytest.param("grants: [{subject: 'user:bob', role: admin}]", Forbidden, id="admin"),
        pytest.param(
            "grants: [{subject: 'user:bob', role: lister, on: team}]", Forbidden, id="the catalog"
        ),
        pytest.param("tests: [bob can pull other/x on a]", Forbidden, id="a test elsewhere"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("prune", [False, True])
def test_of_what_is_not_theirs_a_document_may_not_speak(held, text, error, prune):
    alice, before = held.as_("alice"), stored(held)
    for attempt in (planned, applied):
        with pytest.raises(error):
            attempt(alice, text, prune=prune)
    assert stored(held) == before


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(
            "grants: [{subject: 'user:bob', role: reader, on: work, registry: a}]",
            id="beyond the end of their own",
        ),
        pytest.param(
            "grants: [{subject: 'user:bob', role: reader, on: work, registry: b,"
            " expires_at: 2027-12-01T00:00:00Z}]",
            id="for another registry",
        ),
        pytest.param(
            "grants: [{subject: 'user:bob', role: reader, on: work,"
            " expires_at: 2027-12-01T00:00:00Z}]",
            id="for all registries",
        ),
        pytest.param("namespaces: [{name: work, registry: a}]", id="a setting, which has no end"),
        pytest.param("tests: [bob can pull work/x on b]", id="a test of another registry"),
        pytest.param("tests: [bob can pull work/x]", id="a test of any registry"),
    ],
)
def test_nor_of_what_their_right_does_not_reach(held, text):
    wanda, before = held.as_("wanda"), stored(held)
    for attempt in (planned, applied):
        with pytest.raises(Forbidden):
            attempt(wanda, text)
    assert stored(held) == before


def test_what_is_denied_to_an_owner_they_give_to_nobody(held):
    held.grant("user:alice", "writer", "team/locked", effect="deny")
    alice = held.as_("alice")
    for text in (
        "grants: [{subject: 'user:bob', role: writer, on: team/locked/x}]",
        "grants: [{subject: 'user:bob', role: writer, on: team}]",
        "namespaces: [{name: team, visibility: public}]",
    ):
        with pytest.raises(Forbidden, match="a deny is for you too"):
            planned(alice, text)
    applied(alice, "grants: [{subject: 'user:bob', role: writer, on: team/free}]")


def test_pruning_takes_what_is_theirs_and_nothing_else(held):
    before = stored(held)
    alice = held.as_("alice")
    text = "namespaces: []\ngrants: [{subject: 'user:alice', role: owner, on: team}]"
    plan = planned(alice, text, prune=True)
    assert named(plan["removed"]["namespaces"]) == ["team", "team"]
    assert sorted(each["on"] for each in plan["removed"]["grants"]) == [
        "team/*", "team/app", "team/app",
    ]  # fmt: skip
    applied(alice, text, prune=True)
    gone = {
        kind: [each for each in before[kind] if each not in items]
        for kind, items in stored(held).items()
    }
    assert {kind: items for kind, items in gone.items() if items} == {
        kind: items for kind, items in plan["removed"].items() if items
    }


def test_what_is_for_all_registries_is_not_the_owners_of_one(held):
    wanda, before = held.as_("wanda"), stored(held)
    keeps = "{subject: 'user:wanda', role: owner, on: work, registry: a,"
    keeps += " expires_at: 2028-01-01T00:00:00Z}"
    # What others granted without an end is not theirs to take, and they are told what it is.
    with pytest.raises(Forbidden, match="writer on 'work/app' in registry 'a' for group:devs") as e:
        planned(wanda, f"grants: [{keeps}]", prune=True)
    assert e.value.message.endswith(
        " would go: your own right at 'work/app' ends before this grant does"
    )
    assert e.value.advice == "keep it in the document, or ask an administrator"
    held.change(
        next(each for each in held.grants() if each["on"] == "work/app" and each["registry"]),
        expires_at="2027-06-01T00:00:00Z",
    )
    plan = applied(wanda, f"grants: [{keeps}]", prune=True)
    assert [(each["on"], each["registry"]) for each in plan["removed"]["grants"]] == [
        ("work/app", "a")
    ]
    left = [each for each in before["grants"] if each["on"] == "work/app" and not each["registry"]]
    assert [each for each in stored(held)["grants"] if each["on"] == "work/app"] == left


@pytest.mark.parametrize("name", ["alice", "wanda"])
def test_what_an_owner_exports_is_theirs_and_plans_nothing(held, name):
    owner = held.as_(name)
    text = export(owner)
    place, registry = {"alice": ("team", None), "wanda": ("work", "a")}[name]
    lines = [line for line in text.splitlines() if line.startswith("  - ")]
    assert len(lines) > 1
    assert all(f": {place}" in line or f'"{place}/*"' in line for line in lines)
    assert registry is None or all(f"registry: {registry}" in line for line in lines)
    assert not {"registries:", "roles:", "groups:"} & set(text.split())
    for prune in (False, True):
        assert differing(planned(owner, text, prune=prune)) == {}
        assert differing(planned(held, text)) == {}
        assert differing(applied(owner, text, prune=prune)) == {}


def test_effects_are_told_at_their_own_places_and_not_who_is_in_a_group(held):
    alice = held.as_("alice")
    effects = planned(alice, "grants: [{subject: 'group:devs', role: maintainer, on: team/app}]")
    told = effects["effects"]
    assert [(each["subject"], each["on"]) for each in told["by_name"]] == [
        ("group:devs", "team/app")
    ]
    assert (told["people"], told["groups"]) == (0, 1)
    assert "bob" not in str(told)


def test_advice_names_no_person_or_group_to_an_owner(held):
    text = """
grants:
  - {subject: 'user:bobb', role: reader, on: team}
  - {subject: 'group:dev', role: reader, on: team}
"""
    told = {}
    for name in ("alice", "root"):
        with pytest.raises(Invalid) as caught:
            planned(held.as_(name), text)
        told[name] = " ".join(said for _, said in caught.value.faults)
    assert "'devs'" in told["root"]
    assert "'bob'" in told["root"]
    assert "'devs'" not in told["alice"]
    assert "'bob'" not in told["alice"]


def test_who_has_no_rights_is_told_nothing_whatever_they_say(held):
    said = set()
    for text in ("", TEXT, "groups: []", "registries: [{name: a}]", "tests: [bob can pull team]",
                 "grants: [{subject: 'user:zoe', role: no, on: x, registry: no}]"):  # fmt: skip
        for attempt in (planned, applied):
            with pytest.raises(NotFound) as caught:
                attempt(held.as_("nobody"), text)
            said.add((caught.value.message, caught.value.advice))
    assert len(said) == 1


@pytest.mark.parametrize("text", ["", "groups: []", TEXT, "tests: [bob can pull team/x on a]"])
def test_an_auditor_reads_and_changes_nothing(held, text):
    before = stored(held)
    with pytest.raises(Forbidden):
        applied(held.as_("audrey"), text)
    assert stored(held) == before


def test_an_owner_who_would_lose_their_own_right_is_asked_twice(held):
    alice = held.as_("alice")
    text = "namespaces: [{name: team, visibility: internal}]"
    with pytest.raises(Conflict, match="own right: owner at 'team'"):
        applied(alice, "namespaces: []", prune=True)
    applied(alice, text, prune=True)
    assert ("user:local:alice", "team") in named(stored(held)["grants"])

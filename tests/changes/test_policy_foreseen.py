"""Who gains and who loses by a plan: everybody whom it means something to is named."""

import itertools

import pytest

from authsvc.access.questions import People
from authsvc.changes.policy import circles
from authsvc.changes.policy.apply import Wish, submit
from authsvc.changes.policy.document import parse
from authsvc.changes.policy.foreseen import foreseen
from authsvc.errors import Conflict
from authsvc.principal import SYSTEM


@pytest.fixture
def company(road):
    road.registry("a")
    for name in ("alice", "bob"):
        road.user(name)
    road.group("devs", "alice")
    road.grant("group:devs", "writer", "team")
    road.grant("authenticated", "writer", "home/{username}/**")
    return road


def effects(road, text, *, prune=False):
    wish = Wish(parse([("p.yaml", text.encode())]), prune)
    found = road.unit_of_work.look(SYSTEM, lambda tx: foreseen(tx, wish))["effects"]
    return {
        (each["subject"], each["on"], *each["gains"], *(f"-{word}" for word in each["loses"]))
        for each in found["by_name"]
    }


def test_a_registry_that_is_read_only_takes_push_from_all_who_hold_it(company):
    found = effects(company, "registries: [{name: a, read_only: true}]")
    assert ("group:devs", "team", "-push") in found
    assert ("user:local:alice", "team", "-push") in found


def test_a_registry_that_comes_gives_all_that_is_granted_everywhere(company):
    found = effects(company, "registries: [{name: b}]")
    assert ("user:local:alice", "team", "pull", "push") in found


def test_a_namespace_takes_the_place_of_a_template_from_its_namesake(company):
    """Contract section 5, rule 4."""
    found = effects(company, "namespaces: [{name: home/alice}]")
    assert ("user:local:alice", "home/alice/**", "-pull", "-push") in found or (
        "user:local:alice", "home/alice", "-pull", "-push",
    ) in found  # fmt: skip
    assert not any(subject == "user:local:bob" for subject, *_ in found)


def test_a_plan_is_of_its_tests_too(company):
    text = "groups: [{name: ops}]\ntests: [bob cannot push team/app on a]\n"
    wish = Wish(parse([("p.yaml", text.encode())]))
    plan = company.unit_of_work.look(SYSTEM, lambda tx: foreseen(tx, wish))
    other = Wish(parse([("p.yaml", b"groups: [{name: ops}]")]), given=plan)
    with pytest.raises(Conflict, match="other files"):
        submit(company.unit_of_work, SYSTEM, other, People(()))
    submit(company.unit_of_work, SYSTEM, Wish(wish.document, given=plan), People(()))


def test_long_chains_of_groups_are_gone_through_once():
    names = [f"g{number}" for number in range(20_000)]
    members = {one: [f"group:{other}"] for one, other in itertools.pairwise(names)}
    circles.refuse(members, dict.fromkeys(names, "p.yaml:1:1"))
    with pytest.raises(Conflict, match="group:g5 would"):
        circles.refuse({**members, names[-1]: ["group:g5"]}, {"g5": "p.yaml:1:1"})

"""Contract section 5, rule 10, for robots: they go with their namespace and their registry."""

import pytest
from changes.machines import digests, names, robot

from authsvc.changes import registries
from authsvc.errors import Forbidden


@pytest.fixture
def filled(road):
    for name in ("a", "b"):
        road.registry(name)
    for registry in (None, "a", "b"):
        road.namespace("team", registry=registry)
        for name, path in {
            "at": "team", "below": "team/app", "longer": "team-x", "wildcard": "te_m",
        }.items():  # fmt: skip
            robot(road, f"{name}-{registry or 'all'}", path, registry=registry)
    return road


def of(kinds, registries):
    return sorted(f"{kind}-{registry}" for kind in kinds for registry in registries)


ALL = of(("at", "below", "longer", "wildcard"), ("all", "a", "b"))


def test_a_namespace_of_one_registry_takes_its_robots_and_names_those_of_all(filled):
    value = filled.unregister("team", "a")
    gone = of(("at", "below"), ("a",))
    assert [each["name"] for each in value["robots"]] == gone
    assert [each["name"] for each in value["stays"]["robots"]] == of(("at", "below"), ("all",))
    assert names(filled) == sorted(set(ALL) - set(gone))
    assert len(digests(filled)) == len(names(filled))
    record = filled.records()[-1]["before"]
    assert [each["name"] for each in record["robots"]] == gone
    assert {f"name:robot.{name}" for name in gone} <= set(filled.topics())
    assert {f"subject:robot:{name}" for name in gone} <= set(filled.topics())
    assert len([each for each in filled.topics() if each.startswith("secret:")]) == len(gone)


def test_a_namespace_of_all_registries_takes_all_robots_there(filled):
    value = filled.unregister("team")
    gone = of(("at", "below"), ("all", "a", "b"))
    assert [each["name"] for each in value["robots"]] == gone
    assert value["stays"]["robots"] == []
    assert names(filled) == sorted(set(ALL) - set(gone))


def test_what_robots_had_elsewhere_goes_with_them_and_is_recorded(filled):
    elsewhere = filled.grant("robot:at-a", "reader", "other")
    filled.grant("robot:longer-a", "reader", "team/app", registry="a")
    value = filled.unregister("team", "a")
    assert elsewhere not in filled.grants()
    assert elsewhere not in value["grants"]
    assert elsewhere in filled.records()[-1]["before"]["grants_of_robots"]
    assert [each["subject"] for each in value["grants"]] == [
        "robot:at-a", "robot:below-a", "robot:longer-a",
    ]  # fmt: skip
    assert "longer-a" in names(filled)
    again = robot(filled, "at-a", "team", registry="a")
    mine = [each["on"] for each in filled.grants() if each["subject"] == "robot:at-a"]
    assert (mine, again["secrets"][0]["expires_at"]) == (["team"], None)


def test_a_registry_takes_the_robots_that_are_for_it_alone(filled):
    value = filled.run(lambda tx: registries.remove(tx, "a"))
    gone = of(("at", "below", "longer", "wildcard"), ("a",))
    assert value["robots"] == len(gone)
    assert names(filled) == sorted(set(ALL) - set(gone))
    assert [each["name"] for each in filled.records()[-1]["before"]["robots"]] == gone
    assert {f"name:robot.{name}" for name in gone} <= set(filled.topics())


def test_who_lacks_what_a_robot_holds_does_not_remove_its_namespace(filled):
    filled.user("olga")
    filled.grant("user:olga", "owner", "team")
    filled.grant("user:olga", "writer", "team/app", effect="deny")
    with pytest.raises(Forbidden):
        filled.as_("olga").unregister("team", "a")
    assert names(filled) == ALL

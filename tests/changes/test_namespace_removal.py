"""Contract section 5, rule 10: what goes with a namespace, and what stays and is named."""

import pytest

from authsvc.changes import namespaces, reads, registries
from authsvc.errors import NotFound


@pytest.fixture
def filled(road):
    for name in ("a", "b"):
        road.registry(name)
    for path, registry in [
        ("team", None),
        ("team", "a"),
        ("team/app", "a"),
        ("team/app", None),
        ("team-x", None),
        ("team/b", "b"),
    ]:
        road.namespace(path, registry=registry)
    for on in ("team", "team/app", "team/**", "team/a*", "team-x", "te*", "**", "{username}/**"):
        for registry in (None, "a", "b"):
            road.grant("everyone", "reader", on, registry=registry)
    return road


def places(items):
    return sorted(((item["on"], item["registry"]) for item in items), key=str)


WITHIN = ("team", "team/**", "team/a*", "team/app")


def test_a_namespace_of_one_registry_takes_only_what_is_of_that_registry(filled):
    value = filled.run(lambda tx: namespaces.remove(tx, "team", "a"))
    assert places(value["grants"]) == [(on, "a") for on in WITHIN]
    assert places(value["stays"]["grants"]) == [(on, None) for on in WITHIN]
    assert [each["name"] for each in value["namespaces"]] == ["team", "team/app"]
    assert [each["name"] for each in value["stays"]["namespaces"]] == ["team", "team/app"]
    left = places(filled.grants())
    assert not {(on, "a") for on in WITHIN} & set(left)
    assert {(on, r) for on in WITHIN for r in (None, "b")} <= set(left)
    with filled.database.read() as session:
        assert ("team/b", "b") in {(e["name"], e["registry"]) for e in reads.namespaces(session)}


def test_a_namespace_of_all_registries_takes_what_is_there_in_all(filled):
    value = filled.run(lambda tx: namespaces.remove(tx, "team", None))
    assert value["stays"] == {"namespaces": [], "grants": [], "robots": []}
    assert len(value["grants"]) == len(WITHIN) * 3
    assert {on for on, _ in places(filled.grants())} == {"team-x", "te*", "**", "{username}/**"}
    with filled.database.read() as session:
        assert [each["name"] for each in reads.namespaces(session)] == ["team-x"]
    record = filled.records()[-1]
    assert len(record["before"]["grants"]) == len(value["grants"])


def test_a_namespace_made_again_gives_nothing_of_before(filled):
    filled.run(lambda tx: namespaces.remove(tx, "team", None))
    assert filled.namespace("team")["visibility"] == "private"
    assert not [each for each in filled.grants() if each["on"].startswith("team/")]


def test_what_is_not_registered_there_says_where_it_is(filled):
    with pytest.raises(NotFound, match="it is for b"):
        filled.run(lambda tx: namespaces.remove(tx, "team/b", None))


def test_a_registry_goes_with_its_namespaces_and_grants_alone(filled):
    value = filled.run(lambda tx: registries.remove(tx, "a"))
    assert (value["namespaces"], value["grants"]) == (2, 8)
    assert {each["registry"] for each in filled.grants()} == {None, "b"}

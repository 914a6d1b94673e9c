"""`policy apply`: what a document says becomes so, in one change with one record."""

import importlib.resources
from pathlib import Path

import pytest

import authsvc
from authsvc.changes import reads, subjects
from authsvc.changes.policy.apply import submit_files
from authsvc.errors import Conflict, Invalid
from authsvc.principal import SYSTEM

DOCUMENT = b"""
registries: [{name: a}]
namespaces: [{name: team, registry: a, visibility: public}]
groups:
  - {name: devs, members: ["group:ops", "file:zoe"]}
  - {name: ops}
grants:
  - {subject: "group:devs", role: writer, on: team, registry: a}
  - {subject: "group:devs", role: writer, on: team, registry: a, reason: the same}
"""


def apply(road, *texts):
    files = [(f"{n}.yaml", text) for n, text in enumerate(texts)]
    return submit_files(road.unit_of_work, SYSTEM, files)


def test_what_is_missing_is_added_in_one_change(road):
    value = apply(road, DOCUMENT)
    counts = {kind: len(items) for kind, items in value["added"].items()}
    assert counts == {
        "registries": 1,
        "namespaces": 1,
        "roles": 0,
        "groups": 2,
        "grants": 1,
        "robots": 0,
    }
    (record,) = road.records()
    assert (record["event"], record["outcome"]) == ("policy", "granted")
    assert record["after"]["added"]["grants"][0]["subject"] == "group:devs"
    assert {"base", "subject:group:devs", "subject:user:file:zoe"} <= set(road.topics())


def test_a_second_time_changes_nothing_and_leaves_no_record(road):
    apply(road, DOCUMENT)
    value = apply(road, DOCUMENT)
    assert not any(value["added"].values())
    assert len(road.records()) == 1


def test_an_entry_becomes_as_it_is_written_what_it_leaves_out_included(road):
    """But members of a group stay: taking them out is a removal."""
    road.registry("a", ttl=600)
    road.namespace("team", registry="a", visibility="internal")
    road.user("alice")
    road.group("devs", "alice")
    value = apply(road, DOCUMENT)
    ttls = [
        (each["before"]["ttl"], each["after"]["ttl"]) for each in value["changed"]["registries"]
    ]
    assert ttls == [(600, None)]
    with road.database.read() as session:
        assert reads.registries(session)[0]["ttl"] is None
        assert reads.namespaces(session)[0]["visibility"] == "public"
        devs = subjects.found(session, "group", "", "devs")
        held = ["group:ops", "user:file:zoe", "user:local:alice"]
        assert reads.group(session, devs)["members"] == held


def test_faults_of_the_state_have_places_and_nothing_is_changed(road):
    with pytest.raises(Invalid) as caught:
        apply(
            road,
            b"""
groups: [{name: devs, members: [nobody]}]
grants:
  - {subject: everyone, role: reader, on: team}
  - {subject: "group:none", role: reader, on: team}
  - {subject: everyone, role: reeder, on: team}
  - {subject: everyone, role: reader, on: team, registry: none}
  - {subject: everyone, role: reader, on: team, expires_at: "2020-01-01T00:00:00Z"}
  - {subject: "user:elsewhere:x", role: reader, on: team}
""",
        )
    places = [place for place, _ in caught.value.faults]
    assert places == ["0.yaml:2:10", *(f"0.yaml:{line}:5" for line in (5, 6, 7, 8, 9))]
    assert road.grants() == []
    (record,) = road.records()
    assert (record["event"], record["outcome"]) == ("policy", "refused")


def test_a_file_that_does_not_parse_leaves_one_refused_record(road):
    with pytest.raises(Invalid):
        apply(road, b"grants: [")
    assert [(each["event"], each["outcome"]) for each in road.records()] == [("policy", "refused")]


def test_a_loop_of_groups_is_a_conflict_with_its_place(road):
    with pytest.raises(Conflict, match=r"0\.yaml:2:3"):
        apply(
            road,
            b"groups:\n- {name: a, members: ['group:b']}\n- {name: b, members: ['group:a']}",
        )


def test_a_long_policy_is_one_record_of_counts_and_a_hash(road):
    lines = "\n".join(f"- {{subject: everyone, role: reader, on: n{i}}}" for i in range(3_000))
    value = apply(road, f"grants:\n{lines}".encode())
    assert len(value["added"]["grants"]) == 3_000
    (record,) = road.records()
    assert record["after"]["counts"]["added"]["grants"] == 3_000
    assert len(record["after"]["sha256"]) == 64


def test_the_example_loads_into_a_fresh_installation(road):
    package = Path(str(importlib.resources.files(authsvc)))
    value = apply(road, (package.parent / "policies" / "example.yaml").read_bytes())
    assert [each["name"] for each in value["added"]["namespaces"]] == ["public", "internal", "team"]
    assert value["unchanged"] == 0

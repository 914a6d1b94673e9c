"""A docker_auth configuration made part of what is stored: all of it in one change, or nothing."""

import json

import pytest

from authsvc.changes import reads, users
from authsvc.changes.imports.docker_auth import configuration, edit
from authsvc.changes.imports.docker_auth.translation import translated
from authsvc.errors import Conflict

HASH = "$2y$05$LO.vzwpWC5LZGqThvEfznu8qhb5SGqvBSWY1J3yZ4AxtMRZ3kN5jC"
EXAMPLE = {
    "users": {"alice": {"password": HASH}, "bob": {"password": HASH}, "guest": {}, "": {}},
    "acl": [
        {"match": {"account": "alice", "service": "reg:5000"}, "actions": ["*"]},
        {"match": {"account": "alice", "service": "old"}, "actions": ["pull"]},
        {"match": {"account": "bob", "name": "app"}, "actions": ["pull"]},
        {"match": {"account": "", "name": "open/*"}, "actions": ["pull"], "comment": "Open"},
        {"match": {"account": "", "name": "open/*"}, "actions": ["pull"]},
    ],
}


def submitted(road, found=EXAMPLE, *, accept_wider=False):
    data = json.dumps(found, indent=0).encode()
    translation = translated(configuration.read("x.yml", data), accept_wider=accept_wider)
    return edit.submit(road.unit_of_work, road.actor, "x.yml", translation)


def test_users_registries_and_grants_are_one_change_with_one_record(road):
    road.registry("old", ttl=600, read_only=True)
    before = len(road.records())
    value = submitted(road)
    assert value["users"] == ["alice", "bob"]
    assert value["registries"] == ["reg:5000"]
    said = {(each["subject"], each["role"], each["on"], each["registry"]) for each in road.grants()}
    assert said == {
        ("user:local:alice", "maintainer", "**", "reg:5000"),
        ("user:local:alice", "catalog-reader", "**", "reg:5000"),
        ("user:local:alice", "reader", "**", "old"),
        ("everyone", "reader", "open/*", None),
    }
    (record,) = road.records()[before:]
    assert (record["event"], record["outcome"]) == ("policy", "granted")
    assert record["after"]["imported"] == {"users": ["alice", "bob"], "count": 2}
    assert HASH not in json.dumps(record)
    assert {"name:alice", "subject:user:local:alice", "subject:everyone", "base"} <= set(
        road.topics()
    )


def test_a_registry_that_is_there_stays_as_it_is(road):
    before = road.registry("old", ttl=600, read_only=True)
    submitted(road)
    with road.database.read() as session:
        assert before in reads.registries(session)
        assert users.stored_hash(session, "alice") == HASH


def test_the_value_tells_what_became_of_each_line(road):
    value = submitted(road)
    by_text = {line["entry"]: line for line in value["lines"]}
    assert by_text["user 'alice'"]["becomes"] == ["user alice"]
    assert by_text["account=alice service=reg:5000 actions=*"]["becomes"] == [
        "maintainer for user:local:alice on ** at reg:5000",
        "catalog-reader for user:local:alice on ** at reg:5000",
    ]
    listed = {line["entry"] for line in value["listed"]}
    assert listed == {
        "user 'guest'", "account=bob name=app actions=pull",
        "account='' name=open/* actions=pull",
    }  # fmt: skip
    assert all(line["place"].startswith("x.yml:") for line in value["lines"])
    assert len(value["grants"]) == len(road.grants())


def test_a_taken_name_refuses_everything(road):
    road.user("bob")
    with pytest.raises(Conflict, match="one name is taken: bob"):
        submitted(road)
    assert road.grants() == []
    with road.database.read() as session:
        assert users.stored_hash(session, "alice") == ""
        assert reads.registries(session) == []
    assert (road.records()[-1]["event"], road.records()[-1]["outcome"]) == ("policy", "refused")


def test_a_second_import_is_refused_and_changes_nothing(road):
    submitted(road)
    before = road.grants()
    with pytest.raises(Conflict, match="2 names are taken: alice, bob"):
        submitted(road)
    assert road.grants() == before


def test_a_configuration_of_nothing_leaves_no_record(road):
    value = submitted(road, {"users": {}, "acl": []})
    assert (value["users"], value["grants"], value["lines"]) == ([], [], [])
    assert road.records() == []


def test_grants_that_are_there_already_are_not_made_twice(road):
    road.grant("everyone", "reader", "open/*")
    submitted(road)
    assert [each["subject"] for each in road.grants()].count("everyone") == 1

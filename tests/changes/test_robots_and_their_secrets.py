"""Contract section 6: robots, their home grant, and at most two secrets each."""

import json
import threading
from datetime import timedelta

import factories
import pytest
from changes.machines import (
    change,
    digest,
    digests,
    listed,
    names,
    remove,
    robot,
    rotate,
    secret_topics,
)

from authsvc.changes import grants, robots, users
from authsvc.changes.robot_secrets import kept_for
from authsvc.changes.spec import checked
from authsvc.errors import Conflict, Dangling, Invalid, NotFound
from authsvc.principal import Actor, Kind, Principal
from authsvc.protocol.names import parse_subject

DAY = "2027-01-16T08:00:00Z"  # a day after the road's noon
PAST = "2027-01-14T08:00:00Z"


@pytest.fixture
def filled(road):
    for name in ("a", "b"):
        road.registry(name)
    road.user("root")
    road.grant("user:root", "admin")
    return road


@pytest.mark.parametrize("given", ["ci", "robot.ci"])
def test_a_robot_is_called_the_same_with_and_without_its_prefix(filled, given):
    item = robot(filled, given, registry="a", cidrs=["10.0.0.0/8"], expires_at=DAY)
    assert item == {
        "id": item["id"],
        "name": "ci",
        "namespace": "team",
        "role": "writer",
        "registry": "a",
        "enabled": True,
        "expires_at": DAY,
        "cidrs": ["10.0.0.0/8"],
        "secrets": [
            {"created_at": "2027-01-15T08:00:00Z", "expires_at": None, "last_used_at": None}
        ],
    }
    assert listed(filled) == [item]
    assert robots.name_of(given) == "ci"


def test_its_role_is_a_grant_without_end_and_networks(filled):
    robot(filled, registry="a", cidrs=["10.0.0.0/8"], expires_at=DAY)
    [home] = [each for each in filled.grants() if each["subject"] == "robot:ci"]
    assert home == {
        "id": home["id"], "subject": "robot:ci", "role": "writer", "on": "team", "registry": "a",
        "effect": "allow", "expires_at": None, "cidrs": [], "reason": "",
    }  # fmt: skip


WRONG = [
    pytest.param({"name": "CI"}, Invalid, id="capitals"),
    pytest.param({"name": "robot$ci"}, Invalid, id="a dollar sign"),
    pytest.param({"name": "robot.robot.ci"}, Invalid, id="the prefix twice"),
    pytest.param({"name": "robot."}, Invalid, id="the prefix alone"),
    pytest.param({"name": ""}, Invalid, id="nothing"),
    pytest.param({"name": "ci\n"}, Invalid, id="a line feed"),
    pytest.param({"name": "a" * 250}, Invalid, id="a login of more than 255 characters"),
    pytest.param({"namespace": "team/*"}, Invalid, id="a glob"),
    pytest.param({"namespace": "**"}, Invalid, id="everything"),
    pytest.param({"namespace": ""}, Invalid, id="nowhere"),
    pytest.param({"namespace": "Team"}, Invalid, id="no path"),
    pytest.param({"role": "nope"}, Invalid, id="no such role"),
    pytest.param({"registry": "nope"}, Dangling, id="no such registry"),
    pytest.param({"expires_at": PAST}, Invalid, id="an end in the past"),
    pytest.param({"expires_at": "30d"}, Invalid, id="an end that is no time"),
    pytest.param({"cidrs": ["10.1.2.3/8"]}, Invalid, id="host bits"),
    pytest.param({"enabled": "yes"}, Invalid, id="a word for a switch"),
    pytest.param({"secret": "mine"}, Invalid, id="a secret of their own"),
    *(
        pytest.param({"role": role}, Invalid, id=f"RB-17 {role}")
        for role in ("owner", "admin", "auditor", "catalog-reader", "lister")
    ),
]


@pytest.mark.parametrize(("members", "error"), WRONG)
def test_what_no_robot_can_be_is_refused(filled, members, error):
    filled.role("lister", "repository:pull", "registry:catalog:*")
    with pytest.raises(error):
        robot(filled, **members)
    assert listed(filled) == []
    assert digests(filled) == []


@pytest.mark.parametrize("name", ["system", "scanner-trivy", "anonymous", "admin", "root", "cli"])
def test_a_robot_named_like_somebody_of_the_system_is_only_a_robot(filled, name):  # RB-13
    item = robot(filled, name, role="reader")
    who = Principal(Kind.ROBOT, "", name, str(item["id"]))
    assert (who.subject, who.claim) == (f"robot:{name}", f"robot.{name}")
    as_it = Actor(Kind.ROBOT, "", name, who.id, principal=who)
    with pytest.raises(NotFound):
        filled.unit_of_work.run(as_it, lambda tx: users.revoke(tx, parse_subject("user:root")))
    assert filled.records()[-1]["actor"]["kind"] == "robot"


def test_a_person_and_a_robot_may_be_called_alike_and_have_nothing_in_common(filled):
    person, item = filled.user("ci"), robot(filled)
    assert person["id"] != item["id"]
    filled.run(lambda tx: users.remove(tx, parse_subject("user:ci")))
    assert names(filled) == ["ci"]


def test_a_name_is_given_once_in_the_installation(filled):
    robot(filled, namespace="team", registry="a")
    with pytest.raises(Conflict, match="already"):
        robot(filled, "robot.ci", namespace="other", registry="b")
    assert [item["namespace"] for item in listed(filled)] == ["team"]


def test_the_role_of_a_robot_is_changed_by_the_robot_alone(filled):
    robot(filled)
    [home] = [each for each in filled.grants() if each["subject"] == "robot:ci"]
    for edit in (
        lambda: filled.take_back(home),
        lambda: filled.change(home, role="reader"),
        lambda: filled.change(home, on="elsewhere"),
    ):
        with pytest.raises(Conflict, match=r"this is the role of robot 'ci'"):
            edit()
    assert filled.change(home) == home
    assert filled.grant("robot:ci", "writer", "team") == home
    assert change(filled, "ci", role="reader")["role"] == "reader"
    [now] = [each for each in filled.grants() if each["subject"] == "robot:ci"]
    assert now == {**home, "role": "reader"}
    assert filled.grant("robot:ci", "reader", "team") == now


def test_a_role_that_it_has_already_beside_its_own_is_a_conflict(filled):
    robot(filled)
    other = filled.grant("robot:ci", "reader", "team")
    with pytest.raises(Conflict, match=f"grant {other['id']}"):
        change(filled, "ci", role="reader")
    filled.take_back(other)
    assert change(filled, "ci", role="reader")["role"] == "reader"


@pytest.mark.parametrize(
    "members",
    [{"name": "cd"}, {"namespace": "other"}, {"registry": "b"}, {"registry": None}, {"id": 0}],
)
def test_what_makes_a_robot_what_it_is_does_not_change(filled, members):
    item = robot(filled, registry="a")
    with pytest.raises(Invalid):
        change(filled, "ci", **members)
    assert listed(filled) == [item]
    assert change(filled, "ci", **{name: item[name] for name in members}) == item


@pytest.mark.parametrize(
    "members",
    [
        {"enabled": False},
        {"role": "reader"},
        {"expires_at": DAY},
        {"cidrs": ["192.0.2.0/24"]},
        {"enabled": False, "role": "reader", "expires_at": DAY, "cidrs": ["192.0.2.0/24"]},
    ],
)
def test_a_change_is_told_to_whoever_remembers_the_robot(filled, members):
    item = robot(filled)
    rotate(filled, "ci")
    changed = change(filled, "ci", **members)
    assert members.items() <= changed.items()
    told = filled.topics()
    assert {"name:robot.ci", "subject:robot:ci"} < set(told)
    assert secret_topics(filled) == [each for each in told if each.startswith("secret:")]
    assert len(secret_topics(filled)) == 2
    record = filled.records()[-1]
    assert record["before"]["robot"]["id"] == item["id"]
    assert record["after"] == {"robot": changed}
    before = len(filled.records())
    assert change(filled, "ci", **members) == changed
    assert len(filled.records()) == before


def test_an_end_that_has_come_may_stay_while_something_else_changes(filled):
    robot(filled, expires_at=DAY)
    filled.clock.advance(2 * 86400)
    assert change(filled, "ci", enabled=False)["expires_at"] == DAY
    with pytest.raises(Invalid, match="past"):
        change(filled, "ci", expires_at=PAST)
    assert change(filled, "ci", expires_at=None)["expires_at"] is None


def test_the_previous_secret_lives_on_for_as_long_as_asked(filled):
    first = robot(filled)["secrets"]
    filled.clock.advance(60)
    second = rotate(filled, "ci")["secrets"]
    assert [each["created_at"] for each in second] == [
        first[0]["created_at"], "2027-01-15T08:01:00Z",
    ]  # fmt: skip
    assert [each["expires_at"] for each in second] == ["2027-01-16T08:01:00Z", None]
    assert len(filled.topics()) == 2
    assert all(each.startswith("secret:") for each in filled.topics())


def test_however_often_it_is_rotated_two_secrets_are_left(filled):
    robot(filled)
    made = [digest() for _ in range(4)]
    for each in made:
        item = rotate(filled, "ci", by=each)
    assert digests(filled) == made[-2:]
    assert [each["expires_at"] is None for each in item["secrets"]] == [False, True]
    assert len(filled.topics()) == 3  # the one that went, the one that ends, the new one


def test_keeping_nothing_leaves_the_new_secret_alone(filled):
    robot(filled)
    rotate(filled, "ci")
    last = digest()
    item = rotate(filled, "ci", kept=timedelta(), by=last)
    assert digests(filled) == [last]
    assert [each["expires_at"] for each in item["secrets"]] == [None]
    assert len(filled.topics()) == 3


def test_one_without_a_secret_gets_its_first_by_rotation(filled):
    spec = checked(robots.RobotSpec, {"name": "ci", "namespace": "team", "role": "reader"})
    assert filled.run(lambda tx: robots.add(tx, spec, None))["secrets"] == []
    assert len(rotate(filled, "ci")["secrets"]) == 1
    assert filled.topics() == secret_topics(filled)


def test_rotations_at_once_leave_two_secrets_of_which_one_has_no_end(filled):
    robot(filled)
    made, errors = [digest() for _ in range(6)], []
    start = threading.Barrier(len(made))

    def turn(each):
        start.wait(30)
        try:
            rotate(filled, "ci", by=each)
        except Exception as error:  # noqa: BLE001 - whatever it is fails the test
            errors.append(error)

    threads = [threading.Thread(target=turn, args=(each,)) for each in made]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []
    [item] = listed(filled)
    assert [each["expires_at"] is None for each in item["secrets"]] == [False, True]
    assert set(digests(filled)) < set(made)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("0", 0), ("0h", 0), ("90m", 5400), ("24h", 86400), ("7d", 604800), ("365d", 31536000)],
)
def test_lengths_that_the_old_secret_can_be_kept_for(text, seconds):
    assert kept_for(text).total_seconds() == seconds


@pytest.mark.parametrize(
    "text", ["", "00", "-1", "1", "1w", "366d", "999999999d", "1h ", "one", "٣h"]
)
def test_lengths_that_it_cannot_be_kept_for(text):
    with pytest.raises(Invalid):
        kept_for(text)


def test_a_robot_goes_with_its_secrets_and_all_its_grants(filled):
    item = robot(filled)
    rotate(filled, "ci")
    elsewhere = filled.grant("robot:ci", "reader", "other")
    ids = secret_topics(filled)
    item = listed(filled)[0]
    value = remove(filled, "ci")
    assert value["removed"] == item
    assert elsewhere["id"] in value["grants"]
    assert len(value["grants"]) == 2
    assert (names(filled), digests(filled)) == ([], [])
    assert not [each for each in filled.grants() if each["subject"] == "robot:ci"]
    assert set(ids) | {"name:robot.ci", "subject:robot:ci"} == set(filled.topics())
    again = robot(filled)
    assert again["id"] != item["id"]
    assert [g["on"] for g in filled.grants() if g["subject"] == "robot:ci"] == ["team"]


def test_a_robot_that_is_not_there_is_told_of_with_the_command_that_lists(filled):
    for edit in (
        lambda: change(filled, "ci", enabled=False),
        lambda: rotate(filled, "ci"),
        lambda: remove(filled, "ci"),
    ):
        with pytest.raises(NotFound, match="robot list"):
            edit()


def test_a_subject_that_was_no_robot_of_a_namespace_is_none(filled):
    with filled.database.write() as session:
        factories.subject(session, "robot", "bare")
    assert names(filled) == []
    with pytest.raises(NotFound):
        rotate(filled, "bare")


def test_no_record_holds_a_digest(filled):
    made = [digest() for _ in range(3)]
    spec = checked(robots.RobotSpec, {"name": "ci", "namespace": "team", "role": "reader"})
    filled.run(lambda tx: robots.add(tx, spec, made[0]))
    rotate(filled, "ci", by=made[1])
    rotate(filled, "ci", by=made[2])
    change(filled, "ci", enabled=False)
    remove(filled, "ci")
    text = json.dumps(filled.records())
    assert not [each for each in made if each.hex() in text]
    assert "digest" not in text


def test_equal_grants_of_others_are_no_home(filled):
    """A grant that says what a home grant says, but to somebody else, is anybody's to remove."""
    robot(filled)
    grant = filled.grant("user:root", "writer", "team")
    assert filled.run(lambda tx: grants.remove(tx, grant["id"]))["removed"] == grant

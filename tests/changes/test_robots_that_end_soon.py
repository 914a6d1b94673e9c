"""One warning 14 days before a robot ends, one 3 days before, whoever looks and however often."""

import threading
from datetime import timedelta

import pytest
from changes.machines import change, robot
from structlog.testing import capture_logs

from authsvc.changes.robot_ends import warn_of_ends
from authsvc.clock import utc

DAYS = 86400


@pytest.fixture
def looked(road):
    """Looks, and gives what was counted and the warnings as (robot, within)."""

    def look():
        with capture_logs() as said:
            counts = warn_of_ends(road.database, road.unit_of_work, utc(road.clock.now()))
        return dict(counts), [(line["robot"], line["within"]) for line in said]

    return look


def ending(road, name, *, days):
    end = utc(road.clock.now()) + timedelta(days=days)
    return robot(road, name, expires_at=end)


def warnings(road):
    return [
        (record["after"]["robot"]["name"], record["after"]["ends_within"])
        for record in road.records()
        if record["actor"]["kind"] == "system"
    ]


def test_each_threshold_is_told_once(road, looked):
    ending(road, "ci", days=20)
    robot(road, "endless")
    seen = []
    for _ in range(22):
        seen.append(looked())
        assert looked() == (seen[-1][0], [])
        road.clock.advance(1 * DAYS)
    told = [(day, each) for day, (_, said) in enumerate(seen) for each in said]
    assert told == [(6, ("ci", "14d")), (17, ("ci", "3d"))]
    assert warnings(road) == [("ci", "14d"), ("ci", "3d")]
    counted = [(day, counts) for day, (counts, _) in enumerate(seen) if any(counts.values())]
    assert counted == [
        *((day, {14: 1, 3: 0}) for day in range(6, 17)),
        *((day, {14: 1, 3: 1}) for day in range(17, 20)),
    ]


def test_the_record_names_the_robot_and_no_secret(road, looked):
    ending(road, "ci", days=2)
    assert looked() == ({14: 1, 3: 1}, [("ci", "3d")])
    record = road.records()[-1]
    assert (record["event"], record["outcome"]) == ("admin", "granted")
    assert record["actor"]["kind"] == "system"
    assert record["after"]["robot"]["namespace"] == "team"
    assert road.topics() == ["subject:robot:ci"]


def test_a_new_end_is_warned_of_anew_and_another_change_is_not(road, looked):
    ending(road, "ci", days=10)
    assert looked()[1] == [("ci", "14d")]
    change(road, "ci", role="reader")
    change(road, "ci", cidrs=["10.0.0.0/8"])
    assert looked()[1] == []
    change(road, "ci", expires_at=utc(road.clock.now()) + timedelta(days=40))
    assert looked() == ({14: 0, 3: 0}, [])
    road.clock.advance(30 * DAYS)
    assert looked()[1] == [("ci", "14d")]


def test_one_that_is_disabled_or_has_ended_is_warned_of_no_more(road, looked):
    ending(road, "off", days=10)
    change(road, "off", enabled=False)
    assert looked() == ({14: 0, 3: 0}, [])
    change(road, "off", enabled=True)
    assert looked() == ({14: 1, 3: 0}, [("off", "14d")])
    road.clock.advance(10 * DAYS)
    assert looked() == ({14: 0, 3: 0}, [])


def test_several_workers_at_once_warn_once(road):
    for number in range(3):
        ending(road, f"ci{number}", days=10)
    start = threading.Barrier(4)

    def look():
        start.wait(30)
        warn_of_ends(road.database, road.unit_of_work, utc(road.clock.now()))

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(warnings(road)) == [(f"ci{number}", "14d") for number in range(3)]

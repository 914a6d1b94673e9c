"""When minted secrets were used last: one write a minute at most, none lost, none waited for."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from identity.minted_parts import changed, left, minted, person, robot
from identity.parts import NOW
from inprocess import ANY, form, installation, serving
from sqlalchemy import select

from authsvc.changes import reads
from authsvc.clock import utc
from authsvc.db.engine import Database
from authsvc.db.models import Registry, Secret
from authsvc.errors import Unavailable
from authsvc.identity import last_use
from authsvc.identity.last_use import LastUses


def uses(database):
    """What one worker keeps."""
    return LastUses(partial(last_use.store, database))


def used(database, *secrets):
    """When those secrets were used last, in seconds from NOW; None for never."""
    with database.read() as session:
        times = [session.get(Secret, each.id).last_used_at for each in secrets]
    return [None if time is None else time.timestamp() - NOW for time in times]


@pytest.fixture
def secret(database):
    return minted(database, "pat", person(database))


def written(database, worker, secret, at):
    worker.saw(str(secret.id), NOW + at)
    worker.write()
    return used(database, secret)[0]


def test_uses_within_a_minute_are_one_write():
    stored = []
    worker = LastUses(lambda some: stored.append(list(some)))
    for tenth in range(1_200):
        worker.saw("7", NOW + tenth / 10)
        worker.saw("8", NOW + tenth / 10)
        if tenth % 50 == 0:
            worker.write()
    worker.write()
    assert [use for some in stored for use in some] == [
        (7, NOW), (8, NOW), (7, NOW + 60), (8, NOW + 60),
    ]  # fmt: skip


def test_no_use_is_written_before_the_job_comes_round(database, secret):
    worker = uses(database)
    worker.saw(str(secret.id), NOW)
    assert used(database, secret) == [None]
    worker.write()
    assert used(database, secret) == [0]


def test_two_workers_write_once_a_minute_together(database, secret):
    one, other = uses(database), uses(database)
    assert written(database, one, secret, 0) == 0
    assert written(database, other, secret, 30) == 0
    assert written(database, one, secret, 59) == 0
    assert written(database, other, secret, 90) == 90
    assert written(database, one, secret, 120) == 90
    assert written(database, one, secret, 180) == 180


def test_a_late_writer_puts_nothing_back(database, secret):
    """One whose database was away for long."""
    one, other = uses(database), uses(database)
    one.saw(str(secret.id), NOW)
    assert written(database, other, secret, 30) == 30
    one.write()
    assert used(database, secret) == [30]


@pytest.mark.parametrize(("wrong", "expected"), [(3_600, 0), (61, 0), (60, 60)])
def test_what_a_clock_that_was_ahead_left_behind_gives_way(database, secret, wrong, expected):
    changed(database, Secret, secret.id, last_used_at=utc(NOW + wrong))
    assert written(database, uses(database), secret, 0) == expected


def test_a_clock_that_is_put_back_stops_no_notes(database, secret):
    worker = uses(database)
    assert written(database, worker, secret, 3_600) == 3_600
    assert written(database, worker, secret, 0) == 0


def test_one_that_is_gone_spoils_no_other(database, secret):
    worker = uses(database)
    worker.saw(str(secret.id + 1), NOW)
    worker.saw(str(secret.id), NOW)
    worker.write()
    assert used(database, secret) == [0]


def test_workers_that_write_the_same_ones_at_once_are_in_no_ones_way(postgres_url):
    """Each in the order of its own uses, in which they would wait for each other."""
    database = Database(postgres_url)
    owner = person(database)
    secrets = [minted(database, "ref", owner) for _ in range(200)]
    workers = [uses(database), uses(database)]
    with ThreadPoolExecutor(2) as threads:
        for turn in range(5):
            for worker, order in zip(workers, (secrets, secrets[::-1]), strict=True):
                for each in order:
                    worker.saw(str(each.id), NOW + 100 * turn)
            list(threads.map(LastUses.write, workers))
            assert set(used(database, *secrets)) == {100 * turn}
    database.dispose()


def test_it_waits_for_no_row_and_nothing_that_changes_many_waits_for_it(postgres_url):
    """`user revoke`, while what it ends is in use."""
    database = Database(postgres_url)
    owner = person(database)
    ended, other = (minted(database, "ref", owner) for _ in range(2))
    with database.write() as session:
        session.delete(session.get(Secret, ended.id))
        session.flush()
        worker = uses(database)
        for each in (other, ended):
            worker.saw(str(each.id), NOW)
        worker.write()
        session.delete(session.get(Secret, other.id))
    assert left(database) == []
    database.dispose()


def test_none_is_lost_by_a_database_that_is_away_for_a_moment(postgres_of_its_own):
    database = Database(postgres_of_its_own.url("test"))
    owner = person(database)
    secrets = [minted(database, "pat", owner, name=str(number)) for number in range(3)]
    worker = uses(database)
    for late, each in enumerate(secrets):
        worker.saw(str(each.id), NOW + late)
    postgres_of_its_own.stop()
    for _ in range(2):
        with pytest.raises(Unavailable):
            worker.write()
    postgres_of_its_own.start()
    worker.write()
    assert used(database, *secrets) == [0, 1, 2]
    database.dispose()


def test_many_are_written_in_parts_in_their_order_also_after_a_failure(monkeypatch):
    monkeypatch.setattr(last_use, "AT_ONCE", 3)
    stored, fails = [], [False, True, False, False, False]

    def store(some):
        if fails.pop(0):
            raise Unavailable("away", what="database")
        stored.append([row for row, _ in some])

    worker = LastUses(store)
    for number in range(8):
        worker.saw(str(number), NOW)
    with pytest.raises(Unavailable):
        worker.write()
    worker.saw("8", NOW)
    worker.write()
    assert stored == [[0, 1, 2], [3, 4, 5], [6, 7, 8]]
    worker.write()
    assert len(stored) == 3


def test_what_is_kept_in_mind_is_bounded(monkeypatch):
    monkeypatch.setattr(last_use, "MOST", 5)
    stored = []
    worker = LastUses(stored.extend)
    for number in range(20):
        worker.saw(str(number), NOW)
    assert len(worker._seen) <= 5
    worker.write()
    assert [row for row, _ in stored] == [15, 16, 17, 18, 19]


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_the_use_of_each_kind_is_written_at_the_stop_and_shown(tmp_path, request, engine):
    url = "" if engine == "sqlite" else request.getfixturevalue("postgres_url")
    settings, base = installation(tmp_path, database_url=url)
    database = base.database
    machine, owner = robot(database), person(database, "dora")
    with database.read() as session:
        registry = session.scalar(select(Registry.id).where(Registry.name == "reg-a.test"))
    made = base.clock.now() - 100
    secrets = [
        minted(database, "rob", machine, at=made),
        minted(database, "pat", owner, at=made),
        minted(database, "ref", owner, at=made, registry_id=registry),
        minted(database, "rob", machine, at=made),
    ]

    async def story():
        async with serving(settings, base) as realm:
            token = form(
                grant_type="refresh_token", refresh_token=secrets[2].text, service="reg-a.test"
            )
            for _ in range(20):
                for who in (f"robot.ci:{secrets[0].text}", f"dora:{secrets[1].text}"):
                    assert (await realm.get(ANY, who)).status == 200
                assert (await realm.post(token)).status == 200

    asyncio.run(story())
    assert [time is not None for time in used(database, *secrets)] == [True, True, True, False]
    with database.read() as session:
        (item,) = reads.robots(session, reads.robot_rows(session))
    shown = [each["last_used_at"] for each in item["secrets"]]
    assert sorted(time is None for time in shown) == [False, True]
    database.dispose()

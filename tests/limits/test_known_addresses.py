"""Addresses known for an account: written once a day, known to every worker and the next start."""

import asyncio
import threading
from datetime import timedelta

import anyio.to_thread
import pytest
from db_fixtures import free_port
from sqlalchemy import func, select

from authsvc.clock import FrozenClock, utc
from authsvc.db.engine import Database
from authsvc.db.models import KnownAddress
from authsvc.errors import Unavailable
from authsvc.limits.known import DAY, LIFE, PER_ACCOUNT, KnownAddresses

NOW = 1_800_000_000.0
HERE, THERE = "192.0.2.1", "2001:db8::/64"


@pytest.fixture
def clock():
    return FrozenClock(NOW)


@pytest.fixture
def worker(database, clock):
    """Makes one more worker of the same installation."""
    return lambda: KnownAddresses(database, clock, anyio.to_thread.run_sync)


def knows(worker, account="alice", address=HERE):
    async def asked():
        return await worker.knows(account, address)

    return asyncio.run(asked())


def rows(database):
    with database.read() as session:
        found = session.execute(
            select(KnownAddress.account, KnownAddress.address, KnownAddress.seen_at)
        )
        return {(row.account, row.address): row.seen_at for row in found}


def test_a_success_is_known_here_at_once_and_everywhere_once_written(worker):
    one, other = worker(), worker()
    one.saw("alice", HERE)
    assert knows(one)
    assert not knows(other)
    one.flush()
    assert knows(worker())
    assert not knows(worker(), address=THERE)
    assert not knows(worker(), account="bob")


def test_another_worker_hears_of_it_within_seconds(worker, clock):
    one, other = worker(), worker()
    assert not knows(other)
    one.saw("alice", HERE)
    one.flush()
    clock.advance(3)
    assert knows(other)


def test_one_write_a_day_at_most_whichever_worker_sees_it(worker, clock, database):
    workers = [worker(), worker()]
    for hour in range(60):
        for each in workers:
            each.saw("alice", HERE)
            each.flush()
        seen = rows(database)["alice", HERE]
        assert utc(clock.now()) - seen < timedelta(seconds=DAY)
        assert (seen.timestamp() - NOW) % DAY == 0, hour
        clock.advance(3_600)


def test_after_thirty_days_without_a_success_it_is_known_no_longer(worker, clock, database):
    """RX-14: and no row stays."""
    one = worker()
    one.saw("alice", HERE)
    one.flush()
    clock.advance(LIFE.total_seconds() - 1)
    assert knows(worker())
    worker().forget_old()
    assert rows(database)
    clock.advance(2)
    assert not knows(worker())
    worker().forget_old()
    assert not rows(database)


def test_the_newest_hundred_of_an_account_are_kept(worker, clock, database):
    one = worker()
    one.saw("bob", HERE)
    for number in range(PER_ACCOUNT + 30):
        clock.advance(1)
        one.saw("alice", f"198.51.100.{number}")
    one.flush()
    for number in range(PER_ACCOUNT + 30, PER_ACCOUNT + 60):
        clock.advance(1)
        one.saw("alice", f"198.51.100.{number}")
        one.flush()
    with database.read() as session:
        counted = select(KnownAddress.account, func.count()).group_by(KnownAddress.account)
        assert dict(session.execute(counted).all()) == {"alice": PER_ACCOUNT, "bob": 1}
    assert knows(worker(), address=f"198.51.100.{PER_ACCOUNT + 59}")


def test_what_could_not_be_written_is_written_later(clock, database):
    away = Database(f"postgresql+psycopg://me@127.0.0.1:{free_port()}/x")
    one = KnownAddresses(away, clock, anyio.to_thread.run_sync)
    one.saw("alice", HERE)
    with pytest.raises(Unavailable):
        one.flush()
    assert knows(one)
    assert knows(one, address=THERE) is None  # and nobody learns of the database's absence
    one._database = database
    one.flush()
    assert list(rows(database)) == [("alice", HERE)]


def test_equal_questions_at_once_are_one(database, clock):
    asked = []

    async def thread(look_up, about):
        asked.append(about)
        await asyncio.sleep(0.01)
        return look_up(about)

    async def story():
        one = KnownAddresses(database, clock, thread)
        answers = [one.knows("alice", f"198.51.100.{number}") for number in range(50)]
        assert not any(await asyncio.gather(*answers))

    asyncio.run(story())
    assert asked == [(False, "alice")]


def test_workers_that_write_the_same_at_once_all_succeed(worker, database):
    workers = [worker() for _ in range(4)]
    faults = []

    def write(each):
        try:
            each.flush()
        except Exception as fault:  # noqa: BLE001 - shown below
            faults.append(fault)

    for each in workers:
        for number in range(40):
            each.saw(f"user{number % 7}", f"198.51.100.{number}")
    threads = [threading.Thread(target=write, args=(each,)) for each in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert len(rows(database)) == 40


def test_nobody_is_known_at_no_address(worker, database):
    one = worker()
    one.saw("alice", "")
    one.flush()
    assert not knows(one, address="")
    assert rows(database) == {}

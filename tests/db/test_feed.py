import asyncio
import math

import pytest
from db.processes import start
from factories import change
from sqlalchemy import text

from authsvc.clock import FrozenClock, SystemClock
from authsvc.db.engine import Database
from authsvc.db.feed import Feed
from authsvc.errors import Unavailable

EVERYTHING = None


class Heard(list):
    """What a subscriber was told, in order."""

    @property
    def topics(self):
        return sorted(topic for topics in self if topics for topic in topics)


def listening(database, clock=None):
    feed, heard = Feed(database, clock or SystemClock(), 1.0), Heard()
    feed.subscribe(heard.append)
    return feed, heard


def test_the_first_poll_forgets_everything_and_later_ones_what_was_touched(database):
    feed, heard = listening(database)

    async def story():
        change(database, "subject:user:local:alice")
        await feed.poll()
        assert heard == [EVERYTHING]
        assert feed.version == 1
        await feed.poll()
        change(database, "base")
        change(database, "name:bob", "base")
        await feed.poll()
        assert heard == [EVERYTHING, {"base", "name:bob"}]
        assert feed.version == 3

    asyncio.run(story())


def test_a_change_of_everything_forgets_everything(database):
    feed, heard = listening(database)

    async def story():
        await feed.poll()
        change(database, "base")
        change(database, "everything")
        change(database, "base")
        await feed.poll()
        assert heard == [EVERYTHING, EVERYTHING]
        assert feed.version == 3

    asyncio.run(story())


def test_a_subscriber_is_told_when_the_version_is_the_new_one(database):
    feed, _ = listening(database)
    versions = []
    feed.subscribe(lambda topics: versions.append(feed.version))

    async def story():
        for _ in range(3):
            await feed.poll()
            change(database, "base")

    asyncio.run(story())
    assert versions == [0, 1, 2]


def forget_a_row(session):
    session.execute(text("DELETE FROM changes WHERE seq = 4"))


def restore_an_older_backup(session):
    session.execute(text("DELETE FROM changes WHERE seq > 1"))
    session.execute(
        text("UPDATE change_head SET seq = 1, hash = (SELECT hash FROM changes WHERE seq = 1)")
    )


def restore_another_history_of_the_same_length(session):
    session.execute(text("UPDATE changes SET hash = :hash WHERE seq = 3"), {"hash": bytes(32)})


def lose_what_was_last_heard(session):
    session.execute(text("DELETE FROM changes WHERE seq <= 3"))


@pytest.mark.parametrize(
    "damage",
    [
        forget_a_row,
        restore_an_older_backup,
        restore_another_history_of_the_same_length,
        lose_what_was_last_heard,
    ],
)
def test_a_history_that_does_not_follow_forgets_everything(database, damage):
    feed, heard = listening(database)

    async def story():
        for _ in range(3):
            change(database, "base")
        await feed.poll()
        for _ in range(2):
            change(database, "base")
        with database.write() as session:
            damage(session)
        await feed.poll()
        assert heard == [EVERYTHING, EVERYTHING]
        change(database, "keys")
        await feed.poll()
        assert heard[2:] == [{"keys"}]

    asyncio.run(story())


def test_a_history_of_the_same_length_but_another_hash_forgets_everything(database):
    feed, heard = listening(database)

    async def story():
        change(database, "base")
        await feed.poll()
        with database.write() as session:
            session.execute(text("UPDATE change_head SET hash = :hash"), {"hash": bytes(32)})
        await feed.poll()

    asyncio.run(story())
    assert heard == [EVERYTHING, EVERYTHING]


def test_very_many_changes_at_once_forget_everything(database, monkeypatch):
    monkeypatch.setattr("authsvc.db.feed.MANY", 3)
    feed, heard = listening(database)

    async def story():
        await feed.poll()
        for _ in range(4):
            change(database, "base")
        await feed.poll()

    asyncio.run(story())
    assert heard == [EVERYTHING, EVERYTHING]


def test_a_subscriber_that_fails_is_told_again_and_the_others_are_told_nevertheless(database):
    feed, before = listening(database)
    faults = [ValueError("cannot forget")]

    def fail(topics):
        if topics and faults:
            raise faults.pop()

    feed.subscribe(fail)
    after = Heard()
    feed.subscribe(after.append)

    async def story():
        await feed.poll()
        change(database, "base")
        with pytest.raises(ValueError, match="cannot forget"):
            await feed.poll()
        await feed.poll()

    asyncio.run(story())
    assert before == after == [EVERYTHING, {"base"}, EVERYTHING]


def test_without_news_for_too_long_nothing_remembered_may_be_used(database):
    clock = FrozenClock(wall=0.0, ticks=1000.0)
    feed, _ = listening(database, clock)
    assert feed.age() == math.inf
    with pytest.raises(Unavailable):
        feed.require_fresh()
    asyncio.run(feed.poll())
    clock.advance(5.0)
    feed.require_fresh()
    assert feed.age() == 5.0
    clock.advance(0.1)
    with pytest.raises(Unavailable) as fault:
        feed.require_fresh()
    assert (fault.value.what, fault.value.retry_after) == ("database", 1)
    asyncio.run(feed.poll())
    feed.require_fresh()


def test_a_poll_of_a_stopped_database_is_unavailable_and_the_feed_goes_on(postgres_of_its_own):
    database = Database(postgres_of_its_own.url("test"))
    feed = Feed(database, SystemClock(), 0.05)
    heard = Heard()
    feed.subscribe(heard.append)

    async def until(count):
        while len(heard) < count:  # noqa: ASYNC110 - until it was told
            await asyncio.sleep(0.01)

    async def story():
        running = asyncio.create_task(feed.run())
        await until(1)
        await asyncio.to_thread(postgres_of_its_own.stop)
        with pytest.raises(Unavailable):
            await feed.poll()
        postgres_of_its_own.start()
        await asyncio.to_thread(change, database, "base")
        await until(2)
        running.cancel()

    asyncio.run(asyncio.wait_for(story(), 60))
    assert heard == [EVERYTHING, {"base"}]
    database.dispose()


def test_a_nudge_from_any_thread_is_a_poll_now(database):
    feed, heard = Feed(database, SystemClock(), 7200.0), Heard()
    feed.subscribe(heard.append)

    def edit():
        change(database, "base")
        feed.nudge()

    async def story():
        running = asyncio.create_task(feed.run())
        while not heard:  # noqa: ASYNC110 - until it was told
            await asyncio.sleep(0.01)
        await asyncio.to_thread(edit)
        while len(heard) < 2:  # noqa: ASYNC110 - likewise
            await asyncio.sleep(0.01)
        running.cancel()

    feed.nudge()  # before it runs there is nothing to do
    asyncio.run(asyncio.wait_for(story(), 60))
    feed.nudge()  # nor after it
    assert heard == [EVERYTHING, {"base"}]


CHANGES = """
import sys
sys.path.insert(0, sys.argv[3])
from authsvc.db.engine import Database
from factories import change
database = Database(sys.argv[1])
for number in range(60):
    change(database, f"secret:{sys.argv[2]}-{number}")
database.dispose()
"""


def test_nothing_is_missed_while_processes_write(database, database_url, pytestconfig):
    """A poller that remembered the highest number of a sequence missed 62 of 240 changes."""
    feed, heard = listening(database)
    writers = [
        start(CHANGES, database_url, name, pytestconfig.rootpath / "tests") for name in "abcd"
    ]

    async def story():
        await feed.poll()
        first = feed.version
        while any(writer.poll() is None for writer in writers):
            await feed.poll()
            await asyncio.sleep(0)
        await feed.poll()
        return first

    heard_from = asyncio.run(story()) + 1
    assert [writer.communicate()[1] for writer in writers] == [""] * 4
    assert feed.version == 240
    with database.read() as session:
        written = session.execute(
            text("SELECT topics FROM changes WHERE seq >= :seq"), {"seq": heard_from}
        )
        expected = {str(topics) for (topics,) in written}
    assert heard[0] is EVERYTHING
    assert None not in heard[1:]
    assert len(heard.topics) == len(expected) == 240 - heard_from + 1

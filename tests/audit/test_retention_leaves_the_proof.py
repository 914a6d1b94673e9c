"""What is kept no longer goes, and what is left still verifies; nobody can remove more."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from audit.logbook import BEGIN, logbook
from factories import change, record

from authsvc.audit import checkpoints, retention
from authsvc.audit.keeper import Keeper
from authsvc.audit.log import Entry, TokenLog
from authsvc.audit.records import print_body, time_ms
from authsvc.audit.retention import Keep
from authsvc.changes.policy.stored import last_touched
from authsvc.db.feed import Feed
from authsvc.errors import Unavailable

DAY = 86_400.0


@pytest.fixture
def log(database, tmp_path):
    return logbook(database, tmp_path, Keep(10 * DAY))


def counts(log):
    return dict(
        log.rows("SELECT writer, count(*) FROM token_records GROUP BY writer ORDER BY writer")
    )


def numbers(log):
    return [row.number for row in log.rows("SELECT number FROM checkpoints ORDER BY number")]


def days(log, count, *writers):
    """So many days on each of which each writer has ten records and there are two edits."""
    for _ in range(count):
        for writer in writers:
            log.write(writer, 10)
        log.edit(2)
        log.checkpoint(after=DAY - 10 * len(writers) - 2)


def test_what_is_older_than_the_retention_goes_and_the_rest_verifies(log):
    days(log, 5, "a", "dead")
    days(log, 12, "a", "b")
    assert counts(log) == {"a": 110, "b": 110}
    assert log.rows("SELECT count(*) FROM changes")[0][0] == 22
    assert (log.bad(), log.verify().records) == (None, 242)
    assert "were removed as audit.retention" in log.verify().covered
    # Of what is gone those checkpoints stay that a chain may have to go on from.
    assert numbers(log) == [5, *range(6, 18)]


def test_nothing_goes_before_its_time(log):
    days(log, 10, "a")
    assert counts(log) == {"a": 100}
    assert numbers(log) == list(range(1, 11))


def test_a_writer_that_was_idle_for_longer_than_the_retention_goes_on(log):
    log.write("idle", 5)
    days(log, 15, "a")
    assert "idle" not in counts(log)
    assert log.bad() is None
    log.write("idle", 3)
    assert log.bad() is None
    log.checkpoint()
    assert (log.bad(), counts(log)["idle"]) == (None, 3)
    log.run("DELETE FROM token_records WHERE writer = 'idle' AND seq = 6")
    assert log.bad() == ("idle", 6)


def test_without_new_records_the_last_ones_go_too_and_then_there_is_peace(log):
    days(log, 3, "a")
    for _ in range(40):
        log.checkpoint(after=DAY)
    assert counts(log) == {}
    assert log.rows("SELECT seq FROM changes") == [(6,)]  # what workers go on from
    assert log.bad() is None
    before = numbers(log)
    for _ in range(20):
        assert log.checkpoint(after=DAY) is None
    assert numbers(log) == before


def test_max_bytes_removes_the_oldest_before_its_time(log):
    days(log, 4, "a")
    with log.database.read() as session:
        whole = retention.kept(session)
    log.keep = Keep(10 * DAY, whole * 6 // 10)
    log.checkpoint()
    assert counts(log) == {"a": 20}
    with log.database.read() as session:
        assert 0 < retention.kept(session) <= whole * 6 // 10
    assert log.bad() is None
    days(log, 6, "a")
    assert counts(log)["a"] <= 30
    assert log.bad() is None


def test_edits_of_the_last_day_stay_whatever_room_there_is(log):
    log.keep = Keep(10 * DAY, 1)
    log.edit(3)
    log.write("a", 3)
    log.checkpoint()
    log.checkpoint()
    assert counts(log) == {}
    assert log.rows("SELECT count(*) FROM changes")[0][0] == 3
    assert log.bad() is None
    log.edit(2)
    log.checkpoint(after=2 * DAY)
    log.edit(1)
    log.checkpoint()
    log.checkpoint()
    assert [row.seq for row in log.rows("SELECT seq FROM changes ORDER BY seq")] == [6]
    assert log.bad() is None


def test_a_clock_that_stood_wrong_once_removes_nothing(log):
    days(log, 3, "a")
    right = log.clock.wall
    for wrong, keep in ((5.0, log.keep), (right + 1_000 * DAY, Keep(2_000 * DAY))):
        log.clock.wall = wrong
        log.write("a", 1, time=right)
        checkpoints.make(log.database, log.clock, log.folder.audit_keys(), keep)
    log.clock.wall = right
    log.write("a", 1)
    log.checkpoint()
    assert counts(log) == {"a": 33}


@pytest.fixture
def half_removed(log, monkeypatch):
    """A log of which ranges may go, and of which nothing has gone yet."""
    monkeypatch.setattr(retention, "AT_ONCE", 4)
    days(log, 4, "a", "b")
    made = checkpoints.make(log.database, _later(log, 13 * DAY), log.folder.audit_keys(), log.keep)
    assert made.removed > 0
    return log, made.removed


def _later(log, seconds):
    log.clock.advance(seconds)
    return log.clock


@contextmanager
def dying_after(database, transactions, monkeypatch):
    """The database takes so many transactions, and then the process is gone."""
    left = iter(range(transactions))
    write = database.write

    def counted():
        if next(left, None) is None:
            raise Unavailable("killed", what="test")
        return write()

    with monkeypatch.context() as patched:
        patched.setattr(database, "write", counted)
        yield


def test_killed_after_any_transaction_the_log_verifies_and_the_next_round_goes_on(
    half_removed, monkeypatch
):
    log, upto = half_removed
    before, steps = counts(log), 0
    while True:
        with dying_after(log.database, 1, monkeypatch):
            try:
                retention.remove(log.database, log.clock, upto)
                break
            except Unavailable:
                steps += 1
        assert log.bad() is None
    assert steps > 8
    assert sum(counts(log).values()) < sum(before.values())
    assert log.bad() is None


def test_two_that_remove_at_once_do_no_harm(half_removed):
    log, upto = half_removed
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: retention.remove(log.database, log.clock, upto), range(4)))
    assert log.bad() is None
    log.write("a", 3)
    log.checkpoint()
    assert log.bad() is None


GONE = "DELETE FROM checkpoints WHERE number = {}"
TAKEN = "DELETE FROM token_records WHERE writer = 'a' AND seq <= {}"


@pytest.mark.parametrize(
    ("statement", "first"),
    [
        pytest.param(TAKEN.format(51), ("a", 51), id="one more"),
        pytest.param(TAKEN.format(60), ("a", 51), id="a whole range more"),
        pytest.param(TAKEN.format(180), ("a", 51), id="all of a writer"),
        pytest.param(GONE.format(6), ("checkpoints", 7), id="the proof"),
        pytest.param(
            "UPDATE checkpoints SET signature = prev WHERE number = 6", ("checkpoints", 6),
            id="the proof's signature",
        ),
        pytest.param(GONE.format(16), ("checkpoints", 5), id="what says so"),
    ],
)  # fmt: skip
def test_nobody_can_remove_more_than_was_signed(log, statement, first):
    days(log, 16, "a")
    assert numbers(log) == list(range(5, 17))
    log.run(statement)
    assert log.bad() == first


def test_the_feed_goes_on_from_the_newest_edit(log):
    heard = []

    async def story():
        feed = Feed(log.database, log.clock, 1.0)
        feed.subscribe(heard.append)
        log.edit(3)
        await feed.poll()
        for _ in range(20):
            await asyncio.to_thread(log.checkpoint, after=DAY)
        assert log.rows("SELECT count(*) FROM changes")[0][0] == 1
        change(log.database, "name:bob", time=log.clock.now())
        await feed.poll()

    asyncio.run(story())
    assert heard == [None, frozenset({"name:bob"})]


def test_a_plan_from_before_the_edits_that_went_is_stale(log):
    change(log.database, "base", time=BEGIN, after={"user": {}})
    with log.database.read() as session:
        assert last_touched(session) == 0
    change(log.database, "base", time=BEGIN, after={"grant": {}})
    change(log.database, "base", time=BEGIN, after={"user": {}})
    with log.database.read() as session:
        assert last_touched(session) == 2
    log.run("DELETE FROM changes WHERE seq < 3")
    with log.database.read() as session:
        assert last_touched(session) == 2


def test_room_that_is_used_to_four_fifths_is_a_warning(log, capsys):
    log.write("a", 10)
    log.checkpoint()
    with log.database.read() as session:
        size = retention.kept(session)

    def degraded(most):
        keep = Keep(10 * DAY, most)
        rounds = Keeper(log.database, log.clock, log.folder, keep, disk_used=lambda: None)
        rounds.round()
        return rounds.degraded

    assert not degraded(int(size / 0.79))
    assert "max_bytes" not in "".join(capsys.readouterr())
    assert degraded(int(size / 0.81))
    assert "max_bytes is full to 81%" in "".join(capsys.readouterr())


def test_retention_under_load_loses_nothing_that_is_kept_and_delays_nobody_for_ever(log):
    """Records of the present are written, signed and verified while old ones go."""
    log.keep = Keep(100 * DAY)
    for _ in range(6):
        log.write("old", 400)
        log.checkpoint()
    log.clock.advance(11 * DAY)
    log.keep = Keep(10 * DAY)
    stop = threading.Event()

    def tend():
        while not stop.is_set():
            log.checkpoint(after=60)
            assert log.bad() is None

    async def write():
        tokens = TokenLog(log.database, "new", "refuse")
        tokens.start()
        written = 0
        while not tending.done() and written < 400:
            made = record(time=log.clock.now())
            entry = Entry(time_ms(made), None, print_body(made))
            await asyncio.gather(*[tokens.record(entry) for _ in range(20)])
            written += 20
        await tokens.stop()
        return written

    with ThreadPoolExecutor(1) as pool:
        tending = pool.submit(tend)
        try:
            written = asyncio.run(asyncio.wait_for(write(), 60))
        finally:
            stop.set()
        tending.result(60)
    log.checkpoint()
    assert counts(log)["new"] == written == 400
    assert "old" not in counts(log)

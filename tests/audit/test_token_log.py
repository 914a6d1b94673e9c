import asyncio
import json

import pytest
from audit.chains import token_records
from db.processes import start
from sqlalchemy import text

from authsvc.audit.log import ROWS, Entry, TokenLog
from authsvc.db.engine import Database
from authsvc.errors import Unavailable


def entry(number):
    return Entry(1_767_000_000_000 + number, f"jti-{number}", json.dumps({"n": number}).encode())


def numbers(database):
    return [json.loads(row.body)["n"] for row in token_records(database)]


def logging(database, story, on_failure="refuse", **options):
    """Run `story(log)` with a started log, and stop it."""

    async def main():
        log = TokenLog(database, "writer-1", on_failure, **options)
        log.start()
        await story(log)
        await log.stop()

    asyncio.run(asyncio.wait_for(main(), 120))


def test_a_record_is_there_when_record_comes_back(database):
    async def story(log):
        await log.record(entry(1))
        assert await asyncio.to_thread(numbers, database) == [1]
        assert (log.pending, log.degraded) == (0, False)
        await log.record(Entry(2, None, b'{"n":2}'))

    logging(database, story)
    with database.read() as session:
        columns = "writer, seq, time, decision_id"
        rows = session.execute(text(f"SELECT {columns} FROM token_records ORDER BY seq")).all()
    assert rows == [("writer-1", 1, 1_767_000_000_001, "jti-1"), ("writer-1", 2, 2, None)]


@pytest.mark.parametrize(
    "subjects", [(None, None), ("user:file:x", None), (None, "limit"), ("user:file:x", "limit")]
)
def test_records_written_together_keep_whom_they_concern(database, subjects):
    async def story(log):
        given = [entry(number)._replace(subject=who) for number, who in enumerate(subjects)]
        await asyncio.gather(*[log.record(each) for each in given])

    logging(database, story)
    with database.read() as session:
        rows = session.execute(text("SELECT subject FROM token_records ORDER BY seq")).all()
    assert tuple(row.subject for row in rows) == subjects


def test_any_number_may_wait_at_once(database):
    count = 2 * ROWS + 7

    async def story(log):
        await asyncio.gather(*[log.record(entry(number)) for number in range(count)])

    logging(database, story)
    assert numbers(database) == list(range(count))


def test_what_nobody_waits_for_is_written_soon_and_by_the_stop_at_last(database):
    async def story(log):
        for number in range(10):
            log.record_soon(entry(number))

    logging(database, story)
    assert numbers(database) == list(range(10))


def test_each_commit_is_timed(database):
    seconds = []

    async def story(log):
        await log.record(entry(1))
        await log.record(entry(2))

    logging(database, story, on_commit=seconds.append)
    assert len(seconds) == 2
    assert min(seconds) > 0


def test_two_writers_have_a_chain_each(database):
    async def main():
        logs = [TokenLog(database, name, "refuse") for name in ("a", "b")]
        for log in logs:
            log.start()
        await asyncio.gather(*[logs[n % 2].record(entry(n)) for n in range(20)])
        for log in logs:
            await log.stop()

    asyncio.run(main())
    assert sorted(numbers(database)) == list(range(20))
    assert [row.writer for row in token_records(database)] == ["a"] * 10 + ["b"] * 10


def test_a_connection_cut_between_records_is_not_noticed(postgres, postgres_url):
    database = Database(postgres_url)

    async def story(log):
        for number in range(5):
            await log.record(entry(number))
            await asyncio.to_thread(postgres.cut, postgres_url.rpartition("/")[2])

    logging(database, story)
    assert numbers(database) == list(range(5))
    database.dispose()


def test_connections_cut_at_any_moment_lose_and_double_nothing(postgres, postgres_url):
    database = Database(postgres_url)
    acknowledged = []

    async def keep_recording(log, start):
        for number in range(start, start + 150):
            try:
                await log.record(entry(number))
            except Unavailable:
                continue
            acknowledged.append(number)

    async def story(log):
        recording = asyncio.gather(*[keep_recording(log, start) for start in (0, 1000, 2000)])
        while not recording.done():
            await asyncio.to_thread(postgres.cut, postgres_url.rpartition("/")[2])
        await recording

    logging(database, story)
    stored = numbers(database)
    assert len(stored) == len(set(stored))
    assert set(acknowledged) <= set(stored)
    assert len(acknowledged) > 0
    database.dispose()


class CutAfterCommit:
    """A real writer whose connection is lost when the commit is done but not answered."""

    def __init__(self, rows):
        self.rows = rows
        self.placeholder = rows.placeholder
        self.cuts = 1

    def execute(self, statements):
        self.rows.execute(statements)
        if self.cuts:
            self.cuts -= 1
            self.rows.close()
            raise Unavailable("the connection was lost", what="database")

    def row(self, statement, values):
        return self.rows.row(statement, values)

    def close(self):
        self.rows.close()


def test_a_batch_that_was_committed_unanswered_is_found_and_not_written_again(database):
    rows = CutAfterCommit(database.raw_writer())
    database.raw_writer = lambda: rows

    async def story(log):
        await log.record(entry(1))
        assert not log.degraded
        rows.cuts = 1
        await asyncio.gather(log.record(entry(2)), log.record(entry(3)))
        rows.cuts = 2
        await log.record(entry(4))
        rows.cuts = 0
        await log.record(entry(5))

    logging(database, story)
    assert numbers(database) == [1, 2, 3, 4, 5]


def test_while_the_database_is_away_records_are_refused_and_then_work_again(postgres_of_its_own):
    database = Database(postgres_of_its_own.url("test"))

    async def story(log):
        await log.record(entry(1))
        await asyncio.to_thread(postgres_of_its_own.stop)
        for number in (2, 3):
            with pytest.raises(Unavailable) as fault:
                await log.record(entry(number))
            assert fault.value.retry_after == 1
        assert log.degraded
        postgres_of_its_own.start()
        await log.record(entry(4))
        assert not log.degraded

    logging(database, story)
    assert numbers(database) == [1, 4]
    database.dispose()


def test_where_that_is_allowed_tokens_go_on_and_what_was_lost_is_counted(postgres_of_its_own):
    """HA-26: what goes without a record shows, and is over when a write works again."""
    database = Database(postgres_of_its_own.url("test"))

    async def story(log):
        await log.record(entry(1))
        await asyncio.to_thread(postgres_of_its_own.stop)
        await log.record(entry(2))
        assert (log.degraded, log.lost) == (True, 1)
        await log.record(entry(3))
        assert (log.degraded, log.lost) == (True, 1)
        postgres_of_its_own.start()
        while log.degraded:  # noqa: ASYNC110 - it tries again by itself
            await asyncio.sleep(0.01)
        await log.record(entry(4))

    logging(database, story, "allow")
    assert numbers(database) == [1, 3, 4]
    database.dispose()


@pytest.mark.parametrize("on_failure", ["refuse", "allow"])
def test_records_that_wait_are_bounded(sqlite_url, on_failure):
    database = Database(sqlite_url)

    async def story(log):
        for number in range(3):
            log.record_soon(entry(number))
        if on_failure == "refuse":
            with pytest.raises(Unavailable):
                log.record_soon(entry(3))
        else:
            log.record_soon(entry(3))
            await log.record(entry(4))
            assert log.lost == 2

    logging(database, story, on_failure, limit=3)
    assert numbers(database) == [0, 1, 2]
    database.dispose()


RECORD = """
import asyncio, sys
from authsvc.audit.log import Entry, TokenLog
from authsvc.db.engine import Database

async def keep(log, first):
    for number in range(first, first + 1_000_000):
        await log.record(Entry(number, None, b'{"n":%d}' % number))
        print(number, flush=True)

async def main():
    log = TokenLog(Database(sys.argv[1]), sys.argv[2], "refuse")
    log.start()
    await asyncio.gather(*[keep(log, first * 1_000_000) for first in range(4)])

asyncio.run(main())
"""


def test_a_process_killed_in_mid_writing_loses_nothing_that_it_acknowledged(database_url):
    acknowledged = set()
    for life in range(3):
        process = start(RECORD, database_url, f"life-{life}")
        for _ in range(40 + 13 * life):
            acknowledged.add((f"life-{life}", int(process.stdout.readline())))
        process.kill()
        # Not communicate(): it passes over what readline has read ahead, and begins in mid line.
        lines = process.stdout.read().splitlines(keepends=True)
        process.communicate()
        acknowledged |= {(f"life-{life}", int(line)) for line in lines if line.endswith("\n")}
    database = Database(database_url)
    stored = {(row.writer, json.loads(row.body)["n"]) for row in token_records(database)}
    assert acknowledged <= stored
    database.dispose()

"""Several workers on one Redis: they count together, and each for itself while it is away."""

import asyncio
import re

import pytest
from identity.limited import HERE, elsewhere
from identity.parts import NOW

from authsvc.clock import FrozenClock
from authsvc.limits.counting import Counting
from authsvc.limits.failures import Attempt
from authsvc.limits.limiter import Limiter, Parts
from authsvc.limits.shared import SharedCounting
from authsvc.limits.windows import Claim

WRONG, RIGHT = "wrong_password", "right"
PAIR, ACCOUNT = "login_failures", "account_failures"


def test_failures_are_counted_over_all_workers(redis_server, tell):
    """BF-05."""

    async def story(one, other):
        assert await one.guesses("alice", 6) == [WRONG] * 6
        assert await other.guesses("alice", 6, begin=10) == [WRONG] * 4 + [PAIR] * 2
        assert await one.tries("alice") == PAIR
        assert await other.tries("alice", address=elsewhere(1)) == RIGHT

    tell(redis_server, story)


def test_a_success_at_one_worker_clears_for_the_others(redis_server, tell):
    async def story(one, other):
        assert await one.guesses("alice", 9) == [WRONG] * 9
        assert await other.tries("alice") == RIGHT
        assert await one.guesses("alice", 9, begin=50) == [WRONG] * 9

    tell(redis_server, story)


@pytest.mark.parametrize(
    ("spread", "most"),
    [
        pytest.param(lambda n: HERE, 10, id="one address"),
        pytest.param(elsewhere, 100, id="an address each"),
    ],
)
def test_two_hundred_guesses_at_once_never_pass_a_limit(redis_server, tell, spread, most):
    """F30."""

    async def story(one, other):
        attempts = [
            (one, other)[number % 2].tries("alice", f"guess {number}", spread(number))
            for number in range(200)
        ]
        answers = await asyncio.gather(*attempts)
        assert answers.count(WRONG) == most == len(one.book.checked)

    tell(redis_server, story)


def test_one_right_password_at_sixteen_workers_at_once_locks_nobody(redis_server, tell):
    async def story(*workers):
        for begin in range(3):
            pods = [
                workers[number % len(workers)].tries("alice", address=spread)
                for number in range(200)
                for spread in (HERE if begin else elsewhere(number),)
            ]
            assert set(await asyncio.gather(*pods)) == {RIGHT}
            for worker in workers:
                worker.house.authenticator.forget(None)

    tell(redis_server, story, workers=16, pair="2/5minutes", account="3/hour", address="3/hour")


@pytest.mark.parametrize("spread", [lambda _: HERE, elsewhere], ids=["one address", "their own"])
def test_one_rotated_secret_at_many_workers_is_one_failure(redis_server, tell, spread):
    async def story(*workers):
        pods = [
            workers[number % 8].tries("alice", "the old one", spread(number))
            for number in range(200)
        ]
        assert set(await asyncio.gather(*pods)) == {WRONG}
        assert await workers[0].tries("alice") == RIGHT

    tell(redis_server, story, workers=8, pair="2/5minutes", account="2/hour", address="2/hour")


def test_redis_names_nobody(redis_server, tell):
    async def story(one, _):
        await one.guesses("alice", 11)
        await one.tries("carol@example.com", "hunter2 hunter2", "2001:db8::1")

    tell(redis_server, story)
    keys = redis_server.say("KEYS *")
    assert keys.count(b"asv:") == 7  # three windows of each attempt, and that alice was told of
    held = keys + b"".join(
        redis_server.say(
            f"EVAL \"return redis.call('ZRANGE', redis.call('KEYS','*')[{n}],0,-1)\" 0"
        )
        for n in range(1, 8)
    )
    assert not re.search(rb"alice|carol|guess|hunter|192\.0|2001|db8", held)


def test_a_limit_is_told_once_for_all_workers(redis_server, tell):
    """AU-11."""

    async def story(one, other):
        await one.guesses("alice", 12)
        await other.guesses("alice", 3)
        assert one.told + other.told == [(PAIR, "alice", True)]

    tell(redis_server, story)


def test_while_redis_is_away_each_worker_counts_for_itself_and_knows_what_it_saw(
    redis_of_its_own, tell
):
    """F30: two replicas, at most twice the limit, and what was counted before is not forgotten."""

    async def story(one, other):
        assert await one.guesses("alice", 6) == [WRONG] * 6
        assert await other.guesses("alice", 3, begin=10) == [WRONG] * 3
        redis_of_its_own.stop()
        for worker, begin in ((one, 20), (other, 40)):
            await worker.guesses("alice", 20, begin=begin)
            assert await worker.tries("alice") == PAIR
            assert await worker.tries("bob") == RIGHT
        assert len([name for name, _ in one.book.checked if name == "alice"]) == 20

    tell(redis_of_its_own, story)


def test_a_redis_that_comes_back_is_asked_again(redis_of_its_own):
    async def story():
        shared = SharedCounting(redis_of_its_own.url, patience=2.0)
        counting = Counting(FrozenClock(NOW), workers=1, shared=shared)
        assert await counting.is_first(b"k", 60)
        redis_of_its_own.stop()
        assert await counting.is_first(b"k", 60)
        assert shared.away
        await asyncio.to_thread(shared.look)
        assert shared.away
        redis_of_its_own.start()
        await asyncio.to_thread(shared.look)
        assert not shared.away
        assert await counting.is_first(b"k", 60)
        assert not await counting.is_first(b"k", 60)
        await shared.close()

    asyncio.run(story())


def test_a_redis_that_was_started_anew_is_not_away_by_the_connections_it_has_closed(
    redis_of_its_own,
):
    async def story():
        shared = SharedCounting(redis_of_its_own.url, patience=2.0)
        counting = Counting(FrozenClock(NOW), workers=1, shared=shared)

        async def asked(word):
            return await asyncio.gather(
                *(counting.is_first(b"%s%d" % (word, number), 60) for number in range(64))
            )

        assert all(await asked(b"before"))
        shared.look()
        redis_of_its_own.stop()
        redis_of_its_own.start()
        assert all(await asked(b"after"))
        assert not any(await asked(b"after"))
        assert not shared.away
        shared.look()
        assert not shared.away
        await shared.close()

    asyncio.run(story())


@pytest.mark.parametrize(
    ("spoil", "mend"),
    [
        pytest.param("REPLICAOF 127.0.0.1 1", "REPLICAOF NO ONE", id="a replica"),
        pytest.param("CONFIG SET maxmemory 1", "CONFIG SET maxmemory 0", id="no memory to spare"),
        pytest.param(
            "CONFIG SET min-replicas-to-write 3", "CONFIG SET min-replicas-to-write 0",
            id="too few replicas",
        ),
        pytest.param(
            "ACL SETUSER default -evalsha -script", "ACL SETUSER default +@all", id="no scripts"
        ),
    ],
)  # fmt: skip
def test_a_redis_that_answers_but_takes_nothing_is_away_until_it_does(
    redis_of_its_own, spoil, mend
):
    async def story():
        shared = SharedCounting(redis_of_its_own.url, patience=2.0)
        counting = Counting(FrozenClock(NOW), workers=1, shared=shared)
        await asyncio.to_thread(shared.look)
        redis_of_its_own.say(spoil)
        await counting.take([Claim(b"p", b"m", 3, 60.0)])
        assert await counting.is_first(b"k", 60)
        assert shared.away
        await asyncio.to_thread(shared.look)
        assert shared.away
        redis_of_its_own.say(mend)
        await asyncio.to_thread(shared.look)
        assert not shared.away
        await shared.close()

    asyncio.run(story())


def test_a_redis_that_hangs_is_waited_for_once(redis_of_its_own, tell):
    """HA-08: the first one waits as long as is allowed, all others not at all."""

    async def story():
        shared = SharedCounting(redis_of_its_own.url)
        counting = Counting(FrozenClock(NOW), workers=1, shared=shared)
        assert await counting.is_first(b"k", 60)
        redis_of_its_own.freeze()
        try:
            asked = [counting.is_first(b"%d" % number, 60) for number in range(100)]
            assert all(await asyncio.gather(*asked))
            assert shared.away
        finally:
            redis_of_its_own.thaw()
        await asyncio.to_thread(shared.look)
        assert not await counting.is_first(b"k", 60)
        await shared.close()

    asyncio.run(story())


def test_who_is_remembered_never_needs_redis(redis_of_its_own, tell):
    """HA-09: nothing that Redis forgets makes anybody sign in again."""

    async def story(one, _):
        assert await one.tries("alice") == RIGHT
        before = len(one.book.checked)
        redis_of_its_own.say("FLUSHALL")
        assert await one.tries("alice") == RIGHT
        redis_of_its_own.stop()
        for _ in range(50):
            assert await one.tries("alice") == RIGHT
        assert not one.failures._counting._shared.away
        assert len(one.book.checked) == before

    tell(redis_of_its_own, story)


def test_what_is_cleared_is_cleared_in_redis_too(redis_server, tell):
    async def story(one, other):
        await one.guesses("alice", 10)
        await one.guesses("bob", 10)
        for worker in (one, other):
            await worker.failures.clear_here("ALICE", None)
            await worker.failures.clear_shared("ALICE", None)
        assert await one.guesses("alice", 9, begin=50) == [WRONG] * 9
        assert await other.tries("bob") == PAIR

    tell(redis_server, story)


MANY = (
    "EVAL \"for i=1,20000 do redis.call('SET','asv:'..string.sub('pai',i%3+1,i%3+1)..i,'') end\" 0"
)


def unlinks(server):
    found = re.search(rb"cmdstat_unlink:calls=(\d+)", server.say("INFO commandstats"))
    return int(found[1]) if found else 0


def test_clearing_asks_redis_for_many_keys_at_once_and_to_the_last(redis_server, tell, capfd):
    """A piece for each of 300,000 keys took so long that Redis counted as away, half cleared."""

    async def story(one, _):
        redis_server.say(MANY)
        redis_server.say("CONFIG RESETSTAT")
        await one.failures.clear_shared(None, None)
        assert redis_server.say("DBSIZE") == b":0\r\n"
        assert unlinks(redis_server) < 200
        assert "cleared" not in capfd.readouterr().err

    tell(redis_server, story)


def test_clearing_that_ends_half_done_is_said(redis_of_its_own, tell, capfd):
    async def story(one, _):
        redis_of_its_own.say(MANY)
        clearing = asyncio.create_task(one.failures.clear_shared(None, None))
        while not unlinks(redis_of_its_own):  # noqa: ASYNC110 - Redis alone can tell
            await asyncio.sleep(0)
        redis_of_its_own.stop()
        await clearing
        assert "Redis went away before all limits there were cleared" in capfd.readouterr().err

    tell(redis_of_its_own, story)


def test_a_limit_that_was_cleared_and_is_reached_again_is_told_again(redis_server, tell):
    async def story(one, other):
        await one.guesses("alice", 11)
        await one.guesses("bob", 11)
        await one.failures.clear_shared("alice", None)
        for worker in (one, other):
            await worker.failures.clear_here("alice", None)
            worker.refusing.clear()
        await other.guesses("bob", 1)
        await other.guesses("alice", 12, begin=50)
        assert other.told == [(PAIR, "alice", True)]

    tell(redis_server, story)


def test_a_client_that_retries_while_limits_are_cleared_does_not_keep_its_limit(redis_server, tell):
    async def story(one, _):
        await one.guesses("alice", 10)
        limiter = Limiter(Parts(one.failures, one.refusing, one.known, None, None, None))
        limiter.forget(frozenset({"limit:alice:"}))
        assert not isinstance(await one.failures.begin("alice", HERE, "retried"), Attempt)
        assert one.failures.noted
        await asyncio.gather(*limiter._clearing)
        assert not one.failures.noted
        assert await one.tries("alice") == RIGHT

    tell(redis_server, story)

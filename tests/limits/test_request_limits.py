"""Limits on requests: counted here, or in Redis by blocks, and never waited for needlessly."""

import asyncio

import pytest

from authsvc.clock import FrozenClock
from authsvc.limits.keys import Keys
from authsvc.limits.limit import limit
from authsvc.limits.requests import MOST, RequestLimit
from authsvc.limits.shared import SharedCounting

NOW = 1_800_000_000.0


def requests(text="100/minute", *, workers=1, shared=None, clock=None):
    return RequestLimit(
        limit("anonymous_requests", text), Keys(b"secret" * 4), clock or FrozenClock(NOW),
        workers=workers, shared=shared,
    )  # fmt: skip


async def passed(counted, caller, attempts):
    """How many of so many requests pass."""
    return [await counted.spend_or_wait(caller) for _ in range(attempts)].count(None)


def test_a_caller_has_what_the_limit_says_and_others_theirs():
    """BF-16."""

    async def story():
        clock = FrozenClock(NOW)
        counted = requests(clock=clock)
        assert await passed(counted, "a", 150) == 100
        reached = await counted.spend_or_wait("a")
        assert 0 < reached.wait <= 60
        assert reached.limit.name == "anonymous_requests"
        assert not counted.spend("a")
        assert counted.spend("b")
        clock.advance(reached.wait)
        assert await passed(counted, "a", 150) == 100

    asyncio.run(story())


@pytest.mark.parametrize(("workers", "share"), [(1, 100), (3, 33), (1_000, 1)])
def test_each_worker_has_its_share(workers, share):
    async def story():
        assert await passed(requests(workers=workers), "a", 150) == share

    asyncio.run(story())


def test_what_is_remembered_of_callers_is_bounded_and_the_greedy_are_not_forgotten():
    """F33."""

    async def story():
        counted = requests("10/day")
        assert await passed(counted, "greedy", 10) == 10
        for number in range(MOST * 2):
            counted.spend(f"{number}")
        assert len(counted._left) <= MOST
        assert not counted.spend("greedy")

    asyncio.run(story())


def run_shared(server, story, *, workers=2, **more):
    async def inside():
        clock = FrozenClock(NOW)
        shared = [SharedCounting(server.url, patience=2.0) for _ in range(workers)]
        await story(*(requests(shared=each, clock=clock, **more) for each in shared))
        for each in shared:
            await each.close()

    asyncio.run(inside())


def test_workers_on_one_redis_share_the_limit(redis_server):
    async def story(one, other):
        assert await passed(one, "a", 60) + await passed(other, "a", 60) == 100
        assert await passed(other, "b", 60) == 60

    run_shared(redis_server, story)


def test_requests_at_the_same_time_never_pass_the_limit_together(redis_server):
    async def story(one, other):
        asked = [(one, other)[number % 2].spend_or_wait("a") for number in range(300)]
        assert (await asyncio.gather(*asked)).count(None) == 100

    run_shared(redis_server, story)


def test_not_every_request_makes_the_trip(redis_server):
    """A hundredth of the limit at once."""

    async def story(one):
        before = commands(redis_server)
        assert await passed(one, "a", 1_000) == 1_000
        assert commands(redis_server) - before < 40

    run_shared(redis_server, story, workers=1, text="10000/minute")


def commands(server):
    """How many commands this Redis has had, those of this question too."""
    text = server.say("INFO stats").decode()
    return int(text.partition("total_commands_processed:")[2].split()[0])


def test_without_redis_each_takes_its_share_once_and_goes_on_with_redis_later(redis_of_its_own):
    async def story():
        clock = FrozenClock(NOW)
        shared = SharedCounting(redis_of_its_own.url, patience=2.0)
        counted = requests(shared=shared, clock=clock, workers=4)
        assert await passed(counted, "a", 10) == 10
        redis_of_its_own.stop()
        assert await passed(counted, "a", 60) == 25
        assert await passed(counted, "b", 60) == 25
        clock.advance(60)
        assert await passed(counted, "a", 60) == 25
        redis_of_its_own.start()
        await asyncio.to_thread(shared.look)
        clock.advance(60)
        assert await passed(counted, "a", 200) == 100
        await shared.close()

    asyncio.run(story())


def test_redis_names_no_caller(redis_server):
    async def story(one):
        await one.spend_or_wait("192.0.2.77")
        assert b"192" not in redis_server.say("KEYS *")

    run_shared(redis_server, story, workers=1)


def test_who_is_let_go_begins_anew_here_and_in_redis(redis_server):
    async def story(one, other):
        for caller in ("a", "b"):
            assert await passed(one, caller, 101) == 100
        refused = one.forget(lambda caller: caller == "a")
        assert refused == ("a",)
        await one.forget_shared(refused)
        assert await passed(other, "a", 101) == 100
        assert await passed(one, "b", 1) == 0

    run_shared(redis_server, story)

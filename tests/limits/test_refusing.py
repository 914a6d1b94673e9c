"""What is told of a limit that refuses, and for how long no more will be."""

import asyncio

import pytest

from authsvc.clock import FrozenClock
from authsvc.errors import Limited
from authsvc.limits.counting import Counting
from authsvc.limits.limit import Reached, limit
from authsvc.limits.refusing import Refused, Refusing
from authsvc.limits.shared import SharedCounting

NOW = 1_800_000_000.0
ALICE = Refused("alice", "192.0.2.1", exists=True)
HOURLY = limit("account_failures", "100/hour")


class Replica:
    """A `Refusing` whose telling is kept."""

    def __init__(self, clock, shared=None):
        self.told = []
        counting = Counting(clock, workers=1, shared=shared)
        self._refusing = Refusing(counting, clock, lambda *told: self.told.append(told), _no_sleep)

    async def refuse(self, wait, *, certain=True):
        with pytest.raises(Limited) as refusal:
            await self._refusing.refuse(Reached(HOURLY, b"a", wait, certain), _alice)
        return refusal.value.retry_after


async def _no_sleep(_):
    pass


async def _alice():
    return ALICE


def test_what_is_told_lasts_until_it_would_be_told_again():
    """An account whose oldest failure ends soon is limited again at once, and then untold."""

    async def story():
        clock = FrozenClock(NOW)
        replica = Replica(clock)
        assert await replica.refuse(10.0) == 10
        clock.advance(3_599)
        await replica.refuse(3_000.0)
        assert [reached.wait for reached, _ in replica.told] == [3_600.0]
        clock.advance(1)
        await replica.refuse(3_000.0)
        assert len(replica.told) == 2

    asyncio.run(story())


def test_a_limit_that_may_not_be_reached_is_not_told_of():
    async def story():
        replica = Replica(FrozenClock(NOW))
        assert await replica.refuse(1.0, certain=False) == 1
        assert replica.told == []

    asyncio.run(story())


def test_a_replica_that_need_not_tell_is_not_silent_for_longer_than_the_others(redis_server):
    async def story():
        clock, shared = FrozenClock(NOW), SharedCounting(redis_server.url, patience=2.0)
        one, other = Replica(clock, shared), Replica(clock, shared)
        await one.refuse(10.0)
        await other.refuse(10.0)
        assert (len(one.told), len(other.told)) == (1, 0)
        redis_server.say("FLUSHALL")  # the hour is over there
        clock.advance(5)
        await other.refuse(10.0)
        assert len(other.told) == 1
        await shared.close()

    asyncio.run(story())

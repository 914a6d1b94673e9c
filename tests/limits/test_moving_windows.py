"""Windows of different members: the same rules in memory, in Redis, and in a model of them."""

import asyncio
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from authsvc.limits.redis_windows import PREFIX, RedisWindows
from authsvc.limits.windows import LATELY, Claim, Full, LocalWindows

START = 1_800_000_000.0


def one(member=b"m", most=3, window=600.0, key=b"k", *, binding=True):
    return Claim(key, member, most, window, binding)


@dataclass
class Local:
    """`LocalWindows` as the others are called."""

    windows: LocalWindows

    async def take(self, claims, now):
        return self.windows.take(claims, now)

    async def count(self, claims, now):
        return self.windows.count(claims, now)

    async def full(self, claims, now):
        return self.windows.full(claims, now)

    async def drop(self, claims):
        self.windows.drop(claims)

    async def forgive(self, claims, emptied):
        self.windows.forgive(claims, emptied)

    async def clear(self, **ends):
        await self.windows.clear(**ends)


class Shared(RedisWindows):
    """`RedisWindows` that are cleared as the others are."""

    async def clear(self, *, starts=b"", ends=b""):
        cursor = await self.clear_some(0, starts=starts, ends=ends)
        while cursor:
            cursor = await self.clear_some(cursor, starts=starts, ends=ends)


@pytest.fixture(params=["memory", "redis"])
def run(request):
    """Runs a story with windows of either kind."""
    if request.param == "memory":
        return lambda story: asyncio.run(story(Local(LocalWindows())))
    server = request.getfixturevalue("redis_server")

    def running(story):
        async def inside():
            client = Redis.from_url(server.url)
            try:
                await story(Shared(client))
            finally:
                await client.aclose()

        asyncio.run(inside())

    return running


def test_what_is_in_doubt_fills_a_place_but_says_nothing_of_how_long(run):
    async def story(windows):
        for number in range(3):
            places = await windows.take([one(b"%d" % number)], START + number)
            assert [place.added for place in places] == [True]
        assert await windows.take([one(b"new")], START + 10) == Full(0, 0.0)
        await windows.drop([one(b"1")])
        assert (await windows.take([one(b"new")], START + 10))[0].full_for == 0.0

    run(story)


def test_who_finds_no_place_hears_how_long_what_counts_will_leave_none(run):
    async def story(windows):
        for number in range(3):
            await windows.take([one(b"%d" % number)], START + number)
        for number in range(2):
            assert await windows.count([one(b"%d" % number)], START + number) == (0.0,)
        assert await windows.take([one(b"new")], START + 10) == Full(0, 0.0)
        assert await windows.count([one(b"2")], START + 2) == (598.0,)
        assert await windows.take([one(b"new")], START + 10) == Full(0, 590.0)

    run(story)


def test_the_same_one_fills_one_place_while_it_is_in_doubt_and_when_it_counted_lately(run):
    async def story(windows):
        for _ in range(200):
            (place,) = await windows.take([one(most=1)], START)
            assert place.full_for == 0.0
        await windows.count([one(most=2)], START)
        assert not (await windows.take([one(most=2)], START + LATELY - 1))[0].added
        await windows.count([one(most=2)], START + LATELY - 1)
        assert (await windows.take([one(b"other", most=2)], START + LATELY))[0].added

    run(story)


def test_the_same_one_later_is_another_one(run):
    async def story(windows):
        await windows.take([one()], START)
        await windows.count([one()], START)
        later = START + LATELY + 1
        assert (await windows.take([one()], later))[0].added
        assert await windows.count([one(most=2)], later) == (600.0 - LATELY - 1,)

    run(story)


def test_a_full_window_refuses_what_counted_there_but_not_what_is_in_doubt(run):
    async def story(windows):
        await windows.take([one(most=1)], START)
        assert not isinstance(await windows.take([one(most=1)], START), Full)
        await windows.count([one(most=1)], START)
        assert isinstance(await windows.take([one(most=1)], START), Full)

    run(story)


def test_all_claims_or_none(run):
    async def story(windows):
        await windows.take([one(key=b"full", most=1)], START)
        refused = await windows.take([one(b"x"), one(b"x", key=b"full", most=1)], START)
        assert refused == Full(1, 0.0)
        for number in range(3):
            (place,) = await windows.take([one(b"%d" % number)], START)
            assert place.added

    run(story)


def test_who_is_not_bound_passes_a_full_window_and_fills_it_no_further(run):
    async def story(windows):
        await windows.take([one(most=1)], START)
        await windows.count([one(most=1)], START)
        loose = one(b"x", most=1, binding=False)
        (place,) = await windows.take([loose], START + 100)
        assert not place.added
        assert await windows.count([loose], START + 100) == (500.0,)
        assert isinstance(await windows.take([one(b"y", most=1)], START + 599), Full)
        assert not isinstance(await windows.take([one(b"y", most=1)], START + 600), Full)

    run(story)


def test_what_failed_counts_even_when_somebody_dropped_its_place(run):
    """Two replicas check one password: one could not, the other found it wrong."""

    async def story(windows):
        await windows.take([one(most=1)], START)
        await windows.take([one(most=1)], START)
        await windows.drop([one(most=1)])
        await windows.count([one(most=1)], START)
        assert isinstance(await windows.take([one(b"x", most=1)], START), Full)

    run(story)


def test_forgiving_empties_a_window_and_takes_one_member_out_of_others(run):
    async def story(windows):
        for claims in ([one(key=b"pair", most=1), one(most=2)], [one(b"other", most=2)]):
            await windows.take(claims, START)
            await windows.count(claims, START)
        await windows.forgive([one()], [b"pair"])
        assert (await windows.take([one(b"new", key=b"pair", most=1)], START))[0].added
        assert (await windows.take([one(b"new", most=2)], START))[0].added
        assert isinstance(await windows.take([one(b"third", most=2)], START), Full)

    run(story)


@pytest.mark.parametrize(
    ("ends", "left"),
    [
        ({"starts": b"p*"}, {b"pa[x]z"}),
        ({"starts": b"p", "ends": b"]z"}, {b"p*yz"}),
        ({}, set()),
    ],
)
def test_clearing_takes_keys_as_they_are_written(run, ends, left):
    async def story(windows):
        keys = [b"p*yz", b"pa[x]z"]
        for key in keys:
            await windows.take([one(key=key, most=1)], START)
        await windows.clear(**ends)
        full = {
            key
            for key in keys
            if isinstance(await windows.take([one(b"x", key=key, most=1)], START), Full)
        }
        assert full == left

    run(story)


def test_memory_is_bounded_and_those_used_last_are_kept():
    """F33."""
    windows = LocalWindows(most_keys=1_000)
    for number in range(5_000):
        windows.take([one(key=b"%d" % number, most=1), one(key=b"attacked", most=1)], START)
    assert len(windows) == 1_000
    assert isinstance(windows.take([one(b"x", key=b"attacked", most=1)], START), Full)


def test_clearing_very_many_windows_lets_others_go_on_meanwhile():
    async def story():
        windows, turns = LocalWindows(), 0
        for number in range(50_000):
            windows.take([one(key=b"%d" % number)], START)
        clearing = asyncio.create_task(windows.clear())
        while not clearing.done():
            await asyncio.sleep(0)
            turns += 1
        assert len(windows) == 0
        assert turns >= 25

    asyncio.run(story())


@pytest.mark.parametrize(
    ("jump", "wait"),
    [pytest.param(-3_600, 600.0, id="HA-23 back"), pytest.param(3_600, None, id="HA-23 ahead")],
)
def test_a_clock_that_jumps_an_hour_lets_no_limit_last_beyond_its_window(redis_server, jump, wait):
    """The windows of one process go by the time since its start, which does not jump."""

    async def story():
        client = Redis.from_url(redis_server.url)
        windows = RedisWindows(client)
        await windows.take([one(most=1)], START)
        await windows.count([one(most=1)], START)
        found = await windows.take([one(b"other", most=1)], START + jump)
        assert (found.wait if isinstance(found, Full) else None) == wait
        assert await client.pttl(PREFIX + b"k") <= 600_000
        await client.aclose()

    asyncio.run(story())


def test_redis_keeps_nothing_beyond_the_window(redis_server):
    """RX-14."""

    async def story():
        client = Redis.from_url(redis_server.url)
        windows = RedisWindows(client)
        await windows.take([one(window=5.0)], START)
        await windows.count([one(key=b"other", window=700.0)], START)
        assert 0 < await client.pttl(PREFIX + b"k") <= 5_000
        assert 600_000 < await client.pttl(PREFIX + b"other") <= 700_000
        await client.aclose()

    asyncio.run(story())


MEMBERS = st.sampled_from([b"a", b"b", b"c", b"d"])
CLAIMS = st.lists(
    st.builds(
        one, member=MEMBERS, most=st.integers(1, 3), window=st.sampled_from([100.0, 400.0]),
        key=st.just(b"k"), binding=st.booleans(),
    ),
    min_size=1, max_size=1,
)  # fmt: skip
PAIRS = st.tuples(CLAIMS, CLAIMS).map(
    lambda two: [two[0][0], Claim(b"l", two[1][0].member, two[1][0].most, 400.0)]
)
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["take", "take", "count", "full", "drop", "forgive"]),
        PAIRS,
        st.integers(0, 150),
    ),
    max_size=25,
)


@settings(max_examples=60, deadline=None)
@given(STEPS)
def test_memory_and_redis_never_differ(one_redis, steps):
    async def story():
        client = Redis.from_url(one_redis.url)
        await client.flushall()
        shared, local, now = RedisWindows(client), Local(LocalWindows()), START
        for what, claims, passed in steps:
            now += passed
            told = []
            for windows in (shared, local):
                if what in ("take", "count", "full"):
                    told.append(await getattr(windows, what)(claims, now))
                elif what == "drop":
                    await windows.drop(claims)
                else:
                    await windows.forgive(claims[1:], [claims[0].key])
            assert told[:1] == told[1:]
        await client.aclose()

    asyncio.run(story())


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.booleans(), st.integers(0, 12), st.integers(0, 90)), max_size=80),
    st.integers(1, 4),
)
def test_no_window_ever_admits_more_different_ones_than_it_has_places(attempts, most):
    """Whatever the order: of all that were admitted and counted, never more in any window."""
    windows, now, counted = LocalWindows(), START, []
    for ends, member, passed in attempts:
        now += passed
        claim = one(b"%d" % member, most=most, window=300.0)
        if isinstance(windows.take([claim], now), Full):
            continue
        if ends:
            windows.count([claim], now)
            counted.append((now, member))
        else:
            windows.drop([claim])
        lately = {who for at, who in counted if at > now - 300.0}
        assert len(lately) <= most

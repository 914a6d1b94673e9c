"""Threads for slow hashes: few, polite, and with a bounded queue."""

import asyncio
import os
import sys
import threading
from contextlib import closing

import pytest

from authsvc.errors import Unavailable
from authsvc.identity.bulkhead import Bulkhead


def test_a_call_gives_what_it_returns_and_raises_what_it_raises():
    async def story():
        with closing(Bulkhead("work", threads=1, queue=1)) as bulkhead:
            assert await bulkhead.run(divmod, 7, 2) == (3, 1)
            with pytest.raises(ZeroDivisionError):
                await bulkhead.run(divmod, 7, 0)

    asyncio.run(story())


def test_no_more_run_at_once_than_there_are_threads():
    running, most = set(), []

    def work(ended):
        running.add(threading.get_native_id())
        most.append(len(running))
        ended.wait(0.01)
        running.discard(threading.get_native_id())

    async def story():
        with closing(Bulkhead("work", threads=2, queue=20)) as bulkhead:
            await asyncio.gather(*(bulkhead.run(work, threading.Event()) for _ in range(20)))

    asyncio.run(story())
    assert max(most) <= 2


def test_what_does_not_fit_is_refused_at_once_and_fits_again_later():
    async def story():
        go = threading.Event()
        with closing(Bulkhead("work", threads=1, queue=2)) as bulkhead:
            waiting = [asyncio.ensure_future(bulkhead.run(go.wait)) for _ in range(3)]
            await asyncio.sleep(0)
            with pytest.raises(Unavailable) as refusal:
                await bulkhead.run(go.wait)
            assert refusal.value.what == "work"
            go.set()
            await asyncio.gather(*waiting)
            assert await bulkhead.run(go.wait)

    asyncio.run(story())


def test_a_caller_that_goes_away_keeps_its_place_taken_until_its_call_ends():
    async def story():
        go, begun = threading.Event(), threading.Event()

        def work():
            begun.set()
            go.wait()

        with closing(Bulkhead("work", threads=1, queue=0)) as bulkhead:
            gone = asyncio.ensure_future(bulkhead.run(work))
            await asyncio.get_running_loop().run_in_executor(None, begun.wait)
            gone.cancel()
            await asyncio.sleep(0)
            with pytest.raises(Unavailable):
                await bulkhead.run(go.wait)
            go.set()
            while True:
                try:
                    assert await bulkhead.run(go.wait)
                    break
                except Unavailable:
                    await asyncio.sleep(0.001)

    asyncio.run(story())


def test_no_caller_takes_the_places_of_all_others():
    async def story():
        go = threading.Event()
        with closing(Bulkhead("work", threads=1, queue=3, each=2)) as bulkhead:
            calls = [asyncio.ensure_future(bulkhead.run(go.wait, caller="a")) for _ in range(2)]
            await asyncio.sleep(0)
            with pytest.raises(Unavailable, match="2 of your calls") as refusal:
                await bulkhead.run(go.wait, caller="a")
            assert refusal.value.retry_after > 0
            calls[1].cancel()  # who goes away has not given its place back
            await asyncio.sleep(0)
            with pytest.raises(Unavailable):
                await bulkhead.run(go.wait, caller="a")
            others = [asyncio.ensure_future(bulkhead.run(go.wait, caller="b")) for _ in range(2)]
            await asyncio.sleep(0)
            with pytest.raises(Unavailable, match="too many calls"):
                await bulkhead.run(go.wait, caller="c")
            go.set()
            await asyncio.gather(calls[0], *others)
            assert await bulkhead.run(go.wait, caller="a")

    asyncio.run(story())


def test_threads_of_slow_hashes_yield_to_all_others():
    def nice():
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    async def story(*, low_priority):
        with closing(Bulkhead("w", threads=1, queue=1, low_priority=low_priority)) as bulkhead:
            return await bulkhead.run(nice)

    before = nice()
    assert asyncio.run(story(low_priority=False)) == before
    lower = asyncio.run(story(low_priority=True))
    assert lower == (min(19, before + 10) if sys.platform == "linux" else before)
    assert nice() == before


def test_a_call_that_hangs_or_waits_too_long_is_given_up_and_its_place_comes_back():
    go = threading.Event()
    ran = []

    async def story():
        with closing(Bulkhead("work", threads=1, queue=5, patience=0.1)) as bulkhead:
            hanging = asyncio.create_task(bulkhead.run(go.wait, 10))
            await asyncio.sleep(0)
            waiting = asyncio.create_task(bulkhead.run(ran.append, "late"))
            answers = await asyncio.gather(hanging, waiting, return_exceptions=True)
            assert [type(answer) for answer in answers] == [Unavailable, Unavailable]
            go.set()
            assert await bulkhead.run(divmod, 7, 2) == (3, 1)
            assert not bulkhead._taken

    asyncio.run(story())
    assert ran == []

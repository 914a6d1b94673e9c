"""Evaluations that equal requests share, and what becomes of one for which nobody waits."""

import asyncio
import contextlib
import gc

from authsvc.errors import Unavailable
from authsvc.identity.flights import Flights


def test_what_an_evaluation_raises_when_all_who_asked_have_gone_is_no_alarm():
    alarms = []

    async def story():
        asyncio.get_running_loop().set_exception_handler(
            lambda _loop, context: alarms.append(context)
        )
        flights, fails = Flights(), asyncio.Event()

        async def evaluate(_flight):
            await fails.wait()
            raise Unavailable("no server answers", what="source corp")

        asked = asyncio.create_task(flights.join(b"key", "192.0.2.1", "name:lana", evaluate))
        await asyncio.sleep(0)
        asked.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asked
        fails.set()
        for _ in range(3):
            await asyncio.sleep(0)
        gc.collect()

    asyncio.run(story())
    assert alarms == []

"""How a refused password is answered: at one time, whatever was wrong with it."""

import asyncio
from collections.abc import Awaitable, Callable

from authsvc.clock import Clock
from authsvc.identity.bulkhead import Bulkhead
from authsvc.identity.costs import HashCosts


class Refusals:
    """Waits until `costs.refusal_after` has passed since a request's arrival.

    Waiting costs nothing, so a flood of refusals does not take the processor. `threads` are those
    of slow hashes.
    """

    def __init__(
        self,
        costs: HashCosts,
        threads: Bulkhead,
        clock: Clock,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._costs = costs
        self._threads = threads
        self._clock = clock
        self._sleep = sleep

    async def spend(self, password: str) -> None:
        """The work of a wrong password, for a name that nobody knows. Raises Unavailable."""
        await self._threads.run(self._costs.spend, password)

    async def due(self, arrived: float) -> None:
        """Back when what arrived at `arrived` (monotonic seconds) may be told its refusal."""
        left = arrived + self._costs.refusal_after - self._clock.monotonic()
        if left > 0:
            await self._sleep(left)

"""How a refused password is answered: at one time, whatever was wrong with it."""

import asyncio
from collections.abc import Awaitable, Callable

from authsvc.clock import Clock
from authsvc.identity.costs import HEADROOM, MOST, HashCosts

_LATELY = 60.0  # seconds a check that took longer than measured is taken for what checks take


class Refusals:
    """Waits until `costs.refusal_after` has passed since a request's arrival.

    Under load a slow hash ends later than that, and a quick one, of a name in another source,
    would still be answered in time and so tell the two apart. Therefore one that came late makes
    all refusals of the next minute wait as long, up to `MOST`.

    Waiting costs nothing, so a flood of refusals does not take the processor.
    """

    def __init__(
        self,
        costs: HashCosts,
        clock: Clock,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._costs = costs
        self._clock = clock
        self._sleep = sleep
        self._late = 0.0  # seconds after its arrival
        self._late_until = 0.0

    async def due(self, arrived: float) -> None:
        """Back when what arrived at `arrived` (monotonic seconds) may be told its refusal."""
        now = self._clock.monotonic()
        after = self._costs.refusal_after
        if now < self._late_until:
            after = max(after, self._late)
        if now - arrived > after:
            self._late = min((now - arrived) * HEADROOM, MOST)
            self._late_until = now + _LATELY
        elif arrived + after > now:
            await self._sleep(arrived + after - now)

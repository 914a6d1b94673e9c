"""How a limit refuses: counted each time, told once per key and window, and answered late."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import NoReturn

from authsvc import metrics
from authsvc.clock import Clock

from .counting import Counting
from .limit import Reached

LATE = 0.25  # seconds; waiting costs nothing, so a flood of refusals does not take the processor
ASKED = 5.0  # seconds after which it is asked again whether others still need not be told
TOLD = 20_000  # keys that were told of and are remembered, about 150 bytes each


@dataclass(frozen=True, slots=True)
class Refused:
    """Whom a limit refused: the name that was shown, None for nobody, and where it came from.

    `exists` says that an account of that name is known to exist.
    """

    name: str | None
    address: str
    exists: bool


Whom = Callable[[], Awaitable[Refused]]
"""Whom a limit refused, found out when there is a record to be written."""

Tell = Callable[[Reached, Refused], None]
"""Writes the audit record of a limit that was reached; none follows within its `wait`."""


class Refusing:
    """Refuses for the limits of one process."""

    def __init__(
        self, counting: Counting, clock: Clock, tell: Tell,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:  # fmt: skip
        self._counting = counting
        self._clock = clock
        self._tell = tell
        self._sleep = sleep
        self._told: dict[bytes, float] = {}

    async def refuse(self, reached: Reached, whom: Whom) -> NoReturn:
        """Raise Limited, in a quarter of a second.

        What telling of it takes is within that time: it would say whether there is the account.
        """
        metrics.LIMITED.labels(reached.limit.name).inc()
        if reached.certain and self._may_be_news(reached):
            await asyncio.gather(self._tell_if_first(reached, whom), self._sleep(LATE))
        else:
            await self._sleep(LATE)
        raise reached.error()

    def _may_be_news(self, reached: Reached) -> bool:
        """Whether this process has not told of this key within the window of its limit."""
        now = self._clock.monotonic()
        if now < self._told.get(reached.key, 0.0):
            return False
        if len(self._told) >= TOLD:
            self._told = {key: until for key, until in self._told.items() if now < until}
        if len(self._told) >= TOLD:
            self._told.clear()
        self._told[reached.key] = now + reached.limit.window
        return True

    async def _tell_if_first(self, reached: Reached, whom: Whom) -> None:
        now, window = self._clock.monotonic(), reached.limit.window
        if await self._counting.is_first(reached.key, window):
            self._tell(replace(reached, wait=max(reached.wait, window)), await whom())
        else:
            self._told[reached.key] = now + min(window, ASKED)

    def clear(self) -> None:
        """Tell again of what is reached again."""
        self._told.clear()

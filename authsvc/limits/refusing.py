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

    async def refuse(self, reached: Reached, refused: Refused) -> NoReturn:
        """Raise Limited, in a quarter of a second."""
        metrics.LIMITED.labels(reached.limit.name).inc()
        if reached.certain and await self._is_news(reached):
            silent = max(reached.wait, reached.limit.window)
            self._tell(replace(reached, wait=silent), refused)
        await self._sleep(LATE)
        raise reached.error()

    async def _is_news(self, reached: Reached) -> bool:
        """Whether this key was not told of within the window of its limit."""
        now = self._clock.monotonic()
        if now < self._told.get(reached.key, 0.0):
            return False
        if len(self._told) >= TOLD:
            self._told = {key: until for key, until in self._told.items() if now < until}
        if len(self._told) >= TOLD:
            self._told.clear()
        window = reached.limit.window
        self._told[reached.key] = now + window
        first = await self._counting.is_first(reached.key, window)
        if not first:
            self._told[reached.key] = now + min(window, ASKED)
        return first

    def clear(self) -> None:
        """Tell again of what is reached again."""
        self._told.clear()

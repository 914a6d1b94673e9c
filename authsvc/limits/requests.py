"""A limit on requests: counted in this process, in blocks taken from Redis when there is one.

Counting a request costs one dictionary; only who has none left is waited for.
"""

import asyncio
from collections.abc import Callable, Iterable
from functools import partial

from limits import RateLimitItem, parse
from limits.aio.strategies import FixedWindowRateLimiter

from authsvc.clock import Clock

from .keys import Keys
from .limit import Limit, Reached
from .redis_windows import PREFIX, TOLD
from .shared import Away, SharedCounting

BLOCKS = 100  # parts of a limit that one process takes at once
MOST = 50_000  # callers counted apart in one window, about 150 bytes each


class RequestLimit:
    """How many requests each caller may make in windows of `limit.window` seconds.

    A caller is known by a text, such as an address. Used from one event loop.
    """

    def __init__(
        self, limit: Limit, keys: Keys, clock: Clock, *, workers: int,
        shared: SharedCounting | None,
    ) -> None:  # fmt: skip
        self._limit = limit
        self._keys = keys
        self._clock = clock
        self._now = clock.monotonic
        self._share = limit.shared_out(workers).amount
        self._shared = shared
        self._item: RateLimitItem = parse(limit.text)
        self._block = max(1, limit.amount // BLOCKS)
        self._strategy = None if shared is None else FixedWindowRateLimiter(shared.storage)
        self._first = self._share if shared is None else 0
        self._ends = 0.0
        self._left: dict[str, int] = {}
        self._used_up: dict[str, float] = {}
        self._alone: set[str] = set()  # who was given a share of this process without Redis
        self._taking: dict[str, asyncio.Task[None]] = {}

    def spend(self, caller: str) -> bool:
        """Count a request; False when the caller has none left here, and nothing was counted."""
        if self._now() >= self._ends:
            self._begin()
        left = self._left.get(caller)
        if left is None:
            self._make_room()
            left = self._first
        if left < 1:
            return False
        self._left[caller] = left - 1
        return True

    async def spend_or_wait(self, caller: str) -> Reached | None:
        """Count a request, waiting for Redis if need be; or the limit that refuses it."""
        while not self.spend(caller):
            now = self._now()
            wait = self._wait(caller, now)
            if wait > 0:
                return Reached(self._limit, self._key(caller), wait)
            await self._take(caller)
        return None

    def forget(self, whom: Callable[[str], bool]) -> tuple[str, ...]:
        """Let these callers begin anew here; those of them that are refused here now."""
        for caller in [each for each in self._left if whom(each)]:
            del self._left[caller]
            self._alone.discard(caller)
        refused = tuple(each for each in self._used_up if whom(each))
        for caller in refused:
            del self._used_up[caller]
        return refused

    async def forget_shared(self, callers: Iterable[str]) -> None:
        """Let callers begin anew in Redis."""
        if self._shared is not None and self._strategy is not None:
            for caller in callers:
                key = self._key(caller)
                await self._shared.told(partial(self._strategy.clear, self._item, key.hex()))
                await self._shared.told(partial(self._shared.client.unlink, PREFIX + TOLD + key))

    def _wait(self, caller: str, now: float) -> float:
        """Seconds until the caller may come again; 0 when there may be a block to be had."""
        if self._shared is None:
            return self._ends - now
        return self._used_up.get(caller, 0.0) - now

    def _begin(self) -> None:
        """Begin the next window; windows follow each other without a gap."""
        now, window = self._now(), self._limit.window
        self._ends = now - now % window + window
        self._left.clear()
        self._alone.clear()
        self._used_up = {each: until for each, until in self._used_up.items() if now < until}

    async def _take(self, caller: str) -> None:
        """Take a block for the caller; who comes meanwhile waits for the same one."""
        if caller not in self._taking:
            task = asyncio.get_running_loop().create_task(self._taken(caller))
            self._taking[caller] = task
            task.add_done_callback(lambda _: self._taking.pop(caller, None))
        await asyncio.shield(self._taking[caller])

    async def _taken(self, caller: str) -> None:
        shared, strategy = self._shared, self._strategy
        if shared is None or strategy is None:
            return
        key, now = self._key(caller).hex(), self._now()
        try:
            if await shared.ask(partial(strategy.hit, self._item, key, cost=self._block)):
                self._left[caller] = self._left.get(caller, 0) + self._block
                return
            stats = await shared.ask(partial(strategy.get_window_stats, self._item, key))
            self._used_up[caller] = now + max(1.0, stats.reset_time - self._clock.now())
        except Away:
            if caller in self._alone:
                self._used_up[caller] = self._ends
            else:
                self._alone.add(caller)
                self._left[caller] = self._left.get(caller, 0) + self._share

    def _make_room(self) -> None:
        """Callers that have asked for little are forgotten when there are too many."""
        if len(self._left) >= MOST:
            much = self._share // 2
            self._left = {each: left for each, left in self._left.items() if left <= much}
        if len(self._left) >= MOST:
            self._left.clear()

    def _key(self, caller: str) -> bytes:
        return self._keys.of(self._limit.name, caller)

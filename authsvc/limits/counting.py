"""Where failures are counted: in Redis for all replicas, else in this process for its share.

What is counted in Redis is noted in this process too, so that it knows what it has seen when
Redis goes away.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial

from authsvc import logs
from authsvc.clock import Clock

from .redis_windows import PREFIX, TOLD, RedisWindows
from .shared import Away, SharedCounting
from .windows import Claim, Full, LocalWindows, Place

CLEARING = 1.0  # seconds that each step of clearing may take, of which there are many

_log = logs.get("limits")


class Counting:
    """The `Windows` of one worker of `workers`; `shared` is None without Redis."""

    def __init__(self, clock: Clock, *, workers: int, shared: SharedCounting | None) -> None:
        self._clock = clock
        self._workers = workers
        self._local = LocalWindows()
        self._shared = shared
        self._redis = None if shared is None else RedisWindows(shared.client)

    async def take(self, claims: Sequence[Claim]) -> Full | tuple[Place, ...]:
        """As `Windows.take`."""
        if self._shared is not None and self._redis is not None:
            take = partial(self._redis.take, claims, self._clock.now())
            try:
                found = await self._shared.ask(take)
            except Away:
                pass
            else:
                if not isinstance(found, Full):
                    noted = [replace(claim, binding=False) for claim in claims]
                    self._local.take(noted, self._clock.monotonic())
                return found
        return self._local.take(self._shares(claims), self._clock.monotonic())

    async def count(self, claims: Sequence[Claim]) -> tuple[float, ...]:
        """As `Windows.count`."""
        mine = self._local.count(self._shares(claims), self._clock.monotonic())
        if self._shared is not None and self._redis is not None:
            count = partial(self._redis.count, claims, self._clock.now())
            try:
                return await self._shared.ask(count)
            except Away:
                pass
        return mine

    async def full(self, claims: Sequence[Claim]) -> tuple[float, ...]:
        """As `Windows.full`."""
        if self._shared is not None and self._redis is not None:
            with suppress(Away):
                return await self._shared.ask(partial(self._redis.full, claims, self._clock.now()))
        return self._local.full(self._shares(claims), self._clock.monotonic())

    async def drop(self, claims: Sequence[Claim]) -> None:
        """As `Windows.drop`."""
        self._local.drop(claims)
        if self._shared is not None and self._redis is not None:
            await self._shared.told(partial(self._redis.drop, claims))

    async def forgive(self, claims: Sequence[Claim], emptied: Sequence[bytes]) -> None:
        """As `Windows.forgive`."""
        self._local.forgive(claims, emptied)
        if self._shared is not None and self._redis is not None:
            await self._shared.told(partial(self._redis.forgive, claims, emptied))

    async def clear_here(self, *, starts: bytes = b"", ends: bytes = b"") -> None:
        """Empty the windows of this process whose keys start and end so."""
        await self._local.clear(starts=starts, ends=ends)

    async def clear_shared(self, *, starts: bytes = b"", ends: bytes = b"") -> None:
        """Empty those in Redis; if it is away it keeps them for no longer than they last.

        They are told of again when they are full again.
        """
        try:
            for begins in (starts, TOLD + starts):
                await self._clear_shared(begins, ends)
        except Away:
            _log.warning(
                "Redis went away before all limits there were cleared: clear again when it answers,"
                " or let the rest end with its windows"
            )

    async def _clear_shared(self, starts: bytes, ends: bytes) -> None:
        """In steps, between which Redis answers others. Raises Away."""
        if self._shared is None or self._redis is None:
            return
        clear, cursor = partial(self._redis.clear_some, starts=starts, ends=ends), 0
        while True:
            cursor = await self._shared.ask(partial(clear, cursor), CLEARING)
            if not cursor:
                return

    async def is_first(self, key: bytes, seconds: float) -> bool:
        """Whether nobody of all who count together has said so of `key` within `seconds`."""
        if self._shared is None:
            return True
        setting = partial(
            self._shared.client.set, PREFIX + TOLD + key, b"", nx=True, px=int(seconds * 1000)
        )
        try:
            return bool(await self._shared.ask(setting))
        except Away:
            return True

    def _shares(self, claims: Sequence[Claim]) -> list[Claim]:
        return [replace(one, most=max(1, one.most // self._workers)) for one in claims]

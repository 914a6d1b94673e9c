"""The windows of `windows.LocalWindows`, held in Redis or Valkey: one script for each call."""

import re
from collections.abc import Sequence
from typing import Any

from redis.asyncio import Redis

from .windows import LATELY, Claim, Full, Place

PREFIX = b"asv:"
AT_ONCE = 1_000  # keys that are looked at in one step: Redis does nothing else meanwhile
TOLD = b"r:"  # then the key of a window: it was told of

# A window is a sorted set of members by time. Per claim come what stands in doubt, what stands when
# it counts, most, window and binding.
_COMMON = """
local now, lately = tonumber(ARGV[1]), tonumber(ARGV[2])
local function claim(i)
  local at = 3 + (i - 1) * 5
  local window = tonumber(ARGV[at + 3])
  redis.call('ZREMRANGEBYSCORE', KEYS[i], '-inf', string.format('%.6f', now - window))
  return ARGV[at], ARGV[at + 1], tonumber(ARGV[at + 2]), window, ARGV[at + 4] == '1'
end
local function wait(key, most, window)
  if redis.call('ZCARD', key) < most then return '0' end
  local held, counted = redis.call('ZRANGE', key, 0, -1, 'WITHSCORES'), 0
  for i = #held - 1, 1, -2 do
    if string.sub(held[i], 1, 1) ~= '?' then counted = counted + 1 end
    if counted == most then
      -- No longer than a window, also when the clock of this host was set back.
      return string.format('%.6f', math.min(tonumber(held[i + 1]) - now, 0) + window)
    end
  end
  return '0'
end
local function time(key, member)
  return tonumber(redis.call('ZSCORE', key, member) or nil)
end
local function add(key, member, window)
  redis.call('ZADD', key, ARGV[1], member)
  redis.call('PEXPIRE', key, math.ceil(window * 1000))
end
"""
_TAKE = (
    _COMMON
    + """
for i = 1, #KEYS do
  local doubt, _, most, window, binding = claim(i)
  if binding and redis.call('ZCARD', KEYS[i]) >= most and not time(KEYS[i], doubt) then
    return {'full', i - 1, wait(KEYS[i], most, window)}
  end
end
local found = {'taken'}
for i = 1, #KEYS do
  local doubt, counted, most, window = claim(i)
  local last = time(KEYS[i], counted)
  local added = 0
  if not time(KEYS[i], doubt) and (not last or last <= now - lately)
      and redis.call('ZCARD', KEYS[i]) < most then
    add(KEYS[i], doubt, window)
    added = 1
  end
  found[#found + 1] = added
  found[#found + 1] = wait(KEYS[i], most, window)
end
return found
"""
)
_COUNT = (
    _COMMON
    + """
local found = {}
for i = 1, #KEYS do
  local doubt, counted, most, window = claim(i)
  local taken = redis.call('ZREM', KEYS[i], doubt)
  local last = time(KEYS[i], counted)
  if last and last <= now - lately then
    redis.call('ZREM', KEYS[i], counted)
    redis.call('ZADD', KEYS[i], last, string.format('%.0f', last * 1000) .. counted)
    last = nil
  end
  if last or taken == 1 or redis.call('ZCARD', KEYS[i]) < most then
    add(KEYS[i], counted, window)
  end
  found[#found + 1] = wait(KEYS[i], most, window)
end
return found
"""
)
_FULL = (
    _COMMON
    + """
local found = {}
for i = 1, #KEYS do
  local _, _, most, window = claim(i)
  found[i] = wait(KEYS[i], most, window)
end
return found
"""
)


class RedisWindows:
    """As `LocalWindows`; whatever the client raises passes through."""

    def __init__(self, client: Redis) -> None:
        self._client = client
        self._take = client.register_script(_TAKE)
        self._count = client.register_script(_COUNT)
        self._full = client.register_script(_FULL)

    async def take(self, claims: Sequence[Claim], now: float) -> Full | tuple[Place, ...]:
        """As `Windows.take`; `now` is wall clock seconds, alike on all replicas."""
        found = await self._take(*_arguments(claims, now))
        if found[0] == b"full":
            return Full(found[1], float(found[2]))
        pairs = zip(found[1::2], found[2::2], strict=True)
        return tuple(Place(bool(added), float(wait)) for added, wait in pairs)

    async def count(self, claims: Sequence[Claim], now: float) -> tuple[float, ...]:
        """As `Windows.count`."""
        return tuple(map(float, await self._count(*_arguments(claims, now))))

    async def full(self, claims: Sequence[Claim], now: float) -> tuple[float, ...]:
        """As `Windows.full`."""
        return tuple(map(float, await self._full(*_arguments(claims, now))))

    async def drop(self, claims: Sequence[Claim]) -> None:
        """As `Windows.drop`."""
        async with self._client.pipeline(transaction=False) as commands:
            for claim in claims:
                commands.zrem(PREFIX + claim.key, claim.doubt)
            await commands.execute()

    async def forgive(self, claims: Sequence[Claim], emptied: Sequence[bytes]) -> None:
        """As `Windows.forgive`."""
        async with self._client.pipeline(transaction=False) as commands:
            for key in emptied:
                commands.delete(PREFIX + key)
            for claim in claims:
                commands.zrem(PREFIX + claim.key, claim.doubt, claim.counted)
            await commands.execute()

    async def clear_some(self, cursor: int, *, starts: bytes, ends: bytes) -> int:
        """As `LocalWindows.clear` for some of the keys; where to go on, 0 when that was all.

        Begin with 0.
        """
        pattern = _literal(PREFIX + starts) + b"*" + _literal(ends)
        following, keys = await self._client.scan(cursor, match=pattern, count=AT_ONCE)
        if keys:
            await self._client.unlink(*keys)
        return int(following)


def _arguments(claims: Sequence[Claim], now: float) -> tuple[list[bytes], list[Any]]:
    values: list[Any] = [f"{now:.6f}", LATELY]
    for claim in claims:
        values += (claim.doubt, claim.counted, claim.most, claim.window, int(claim.binding))
    return [PREFIX + claim.key for claim in claims], values


def _literal(text: bytes) -> bytes:
    """A text as a pattern of Redis that means nothing but itself."""
    return re.sub(rb"([*?\[\]\\^-])", rb"\\\1", text)

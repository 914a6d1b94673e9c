"""Limits that a worker has noted, told to all workers of all replicas through Redis.

Who is remembered is answered without Redis, so each worker has to know by itself who is limited.
What one says holds only while the window that it was said of is full: one that was cleared, or
emptied by a success, is passed over, however late its news are read.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

from .redis_windows import PREFIX
from .shared import Away, SharedCounting

STREAM = PREFIX + b"n"
START = b"0-0"
MOST = 20_000  # pieces of news that are kept, about 100 bytes each
AT_ONCE = 500  # that are read, or written, in one step
MARGIN = 60.0  # seconds that they are kept beyond the longest limit

_READ = """
local found, last, news = redis.call('XREAD', 'COUNT', ARGV[2], 'STREAMS', KEYS[1], ARGV[1]), '', {}
for _, piece in ipairs(found and found[1][2] or {}) do
  last = piece[1]
  local key, most, ends = piece[2][2], piece[2][4], piece[2][6]
  if redis.call('ZCARD', ARGV[3] .. key) >= tonumber(most) then
    news[#news + 1] = {key, most, ends}
  end
end
return {last, news}
"""


class Said(NamedTuple):
    """That the window of `key` is full with `most`, until then in wall clock seconds."""

    key: bytes
    most: int
    until: float


class News:
    """What one worker says and hears. Used from one event loop.

    `longest` is the window of the longest limit, in seconds.
    """

    def __init__(self, shared: SharedCounting, longest: float) -> None:
        self._shared = shared
        self._keeps = int(longest + MARGIN)
        self._read = shared.client.register_script(_READ)
        self._unsaid: dict[bytes, Said] = {}
        self._read_to = START
        self._clears = 0

    def say(self, said: Said) -> None:
        """Have it told at the next exchange."""
        if len(self._unsaid) < MOST:
            self._unsaid[said.key] = said

    def clear(self) -> None:
        """Something was cleared: read all again, since what is being read now may be over."""
        self._clears += 1
        self._read_to = START

    async def exchange(self, hear: Callable[[Said], None]) -> None:
        """Tell what is to be told, and hear what is new; neither while Redis is away.

        After that all is new again: a Redis that comes back may have begun anew.
        """
        try:
            await self._tell()
            while await self._read_on(hear):
                pass
        except Away:
            self._read_to = START

    async def _read_on(self, hear: Callable[[Said], None]) -> bool:
        """Hear some of what is new; whether there may be more."""
        clears = self._clears
        reading = partial(self._read, [STREAM], [self._read_to, AT_ONCE, PREFIX])
        last, found = await self._shared.ask(reading)
        if clears != self._clears:
            return True
        for key, most, until in found:
            hear(Said(key, int(most), float(until)))
        self._read_to = last or self._read_to
        return bool(last)

    async def _tell(self) -> None:
        said, self._unsaid = list(self._unsaid.values()), {}
        for begin in range(0, len(said), AT_ONCE):
            await self._shared.ask(partial(self._write, said[begin : begin + AT_ONCE]))

    async def _write(self, said: Sequence[Said]) -> None:
        async with self._shared.client.pipeline(transaction=False) as commands:
            for each in said:
                fields: dict[Any, Any] = {
                    "key": each.key,
                    "most": each.most,
                    "until": f"{each.until:.3f}",
                }
                commands.xadd(STREAM, fields, maxlen=MOST)
            commands.expire(STREAM, self._keeps)
            await commands.execute()

"""Moving windows of different things: who holds which, how many there are, and for how long.

A thing is taken before it is known whether it counts (a password before its check), so that
attempts at the same time never pass a limit together. While it is in doubt it fills a place; then
it is counted or dropped. A thing that counted lately is not counted again.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

MOST_KEYS = 50_000  # windows held by a process, about 500 bytes each
AT_ONCE = 2_000  # windows that are looked at in one step of clearing, which takes some 2 ms
LATELY = 300.0  # seconds: the same wrong password within them is no new failure

DOUBT, COUNTED = b"?", b"!"


@dataclass(frozen=True, slots=True)
class Claim:
    """A place for `member` in the window of `key`, of `most` places and `window` seconds.

    One that is not `binding` refuses nothing: it fills a place when there is one.
    """

    key: bytes
    member: bytes
    most: int
    window: float
    binding: bool = True

    @property
    def doubt(self) -> bytes:
        """What stands there while it is in doubt."""
        return DOUBT + self.member

    @property
    def counted(self) -> bytes:
        """What stands there when it counts."""
        return COUNTED + self.member


class Place(NamedTuple):
    """A claim that was met: whether it fills a place of its own, and what there is then.

    `full_for` is how long what counts leaves no place to any other member, in seconds, or 0.
    """

    added: bool
    full_for: float


class Full(NamedTuple):
    """The first binding claim without a place, by its number.

    `wait` is how long what counts leaves none, in seconds; 0 when places in doubt take the rest,
    of which nobody knows how soon they will be free.
    """

    claim: int
    wait: float


class Windows(Protocol):
    """Where windows are kept. Each call does all of its claims or, when it refuses, none."""

    async def take(self, claims: Sequence[Claim]) -> Full | tuple[Place, ...]:
        """A place for each claim, in doubt; or which one is refused."""
        ...

    async def count(self, claims: Sequence[Claim]) -> tuple[float, ...]:
        """What was in doubt counts. How long each window is full of what counts, in seconds."""
        ...

    async def full(self, claims: Sequence[Claim]) -> tuple[float, ...]:
        """How long each window is full of what counts, in seconds."""
        ...

    async def drop(self, claims: Sequence[Claim]) -> None:
        """What was in doubt never was."""
        ...

    async def forgive(self, claims: Sequence[Claim], emptied: Sequence[bytes]) -> None:
        """These members count nowhere any more, and the windows `emptied` hold nothing."""
        ...


class LocalWindows:
    """Windows of one process, by the time that `now` tells in seconds. Those used last are kept."""

    def __init__(self, most_keys: int = MOST_KEYS) -> None:
        self._most_keys = most_keys
        self._windows: OrderedDict[bytes, dict[bytes, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._windows)

    def take(self, claims: Sequence[Claim], now: float) -> Full | tuple[Place, ...]:
        """As `Windows.take`."""
        for number, claim in enumerate(claims):
            held = self._held(claim, now)
            if claim.binding and len(held) >= claim.most and claim.doubt not in held:
                return Full(number, _wait(held, claim, now))
        return tuple(self._place(claim, now) for claim in claims)

    def _place(self, claim: Claim, now: float) -> Place:
        held = self._made(claim, now)
        doubt, counted = claim.doubt, claim.counted
        new = doubt not in held and (counted not in held or held[counted] <= now - LATELY)
        added = new and len(held) < claim.most
        if added:
            held[doubt] = now
        return Place(added, _wait(held, claim, now))

    def count(self, claims: Sequence[Claim], now: float) -> tuple[float, ...]:
        """As `Windows.count`."""
        return tuple(self._count(claim, now) for claim in claims)

    def _count(self, claim: Claim, now: float) -> float:
        held = self._made(claim, now)
        counted = claim.counted
        taken = held.pop(claim.doubt, None)
        last = held.get(counted)
        if last is not None and last <= now - LATELY:
            held[b"%d" % (last * 1000) + counted] = held.pop(counted)
            last = None
        if last is not None or taken is not None or len(held) < claim.most:
            held.pop(counted, None)  # the newest stand last
            held[counted] = now
        return _wait(held, claim, now)

    def full(self, claims: Sequence[Claim], now: float) -> tuple[float, ...]:
        """As `Windows.full`."""
        return tuple(_wait(self._held(claim, now), claim, now) for claim in claims)

    def drop(self, claims: Sequence[Claim]) -> None:
        """As `Windows.drop`."""
        for claim in claims:
            self._windows.get(claim.key, {}).pop(claim.doubt, None)

    def forgive(self, claims: Sequence[Claim], emptied: Sequence[bytes]) -> None:
        """As `Windows.forgive`."""
        for key in emptied:
            self._windows.pop(key, None)
        for claim in claims:
            held = self._windows.get(claim.key, {})
            held.pop(claim.doubt, None)
            held.pop(claim.counted, None)

    async def clear(self, *, starts: bytes = b"", ends: bytes = b"") -> None:
        """Empty the windows whose keys start and end so, in steps between which others go on."""
        keys = list(self._windows)
        for begin in range(0, len(keys), AT_ONCE):
            for key in keys[begin : begin + AT_ONCE]:
                if key.startswith(starts) and key.endswith(ends):
                    self._windows.pop(key, None)
            await asyncio.sleep(0)

    def _made(self, claim: Claim, now: float) -> dict[bytes, float]:
        held = self._held(claim, now)
        self._windows[claim.key] = held
        self._windows.move_to_end(claim.key)
        if len(self._windows) > self._most_keys:
            self._windows.popitem(last=False)
        return held

    def _held(self, claim: Claim, now: float) -> dict[bytes, float]:
        """What is in the window still."""
        held = self._windows.get(claim.key)
        if held is None:
            return {}
        for member in [each for each, at in held.items() if at <= now - claim.window]:
            del held[member]
        return held


def _wait(held: dict[bytes, float], claim: Claim, now: float) -> float:
    """Seconds for which what counts fills a window, which may be more than it may hold now."""
    if len(held) < claim.most:
        return 0.0
    times = sorted(at for each, at in held.items() if not each.startswith(DOUBT))
    return times[-claim.most] + claim.window - now if len(times) >= claim.most else 0.0

"""What it costs here to check a password, so that every "no" looks and costs the same.

A wrong password, an unknown name and a disabled account are answered at one time after their
arrival: that of the slowest hash in use, measured once for each scheme and its parameters, or of a
directory that takes longer.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from authsvc.identity.provider import StoresHashes
from authsvc.identity.schemes import ALL, Schemes, cost

LEAST, MOST = 0.1, 1.0  # seconds between a refused password's arrival and its answer
HEADROOM = 1.25  # the measured time is the undisturbed one; most checks end within this much of it

_QUICK = 0.2  # seconds; what is quicker is measured again, since once may be a hiccup
_TRIES = 3
_ANY_PASSWORD = "the time of a check hangs on the hash, not on this"  # noqa: S105 - no secret


@dataclass(frozen=True, slots=True)
class _Slowest:
    stored: str = field(repr=False)
    seconds: float


class HashCosts:
    """The slowest of the hashes that `sources` hold, known from the start on.

    `asked` say how many seconds it takes lately to ask others for what a password is.
    `refresh` blocks and belongs in a job; the rest may be called from any thread.
    """

    def __init__(
        self,
        sources: Sequence[StoresHashes],
        *,
        asked: Sequence[Callable[[], float]] = (),
        timer: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._sources = tuple(sources)
        self._asked = tuple(asked)
        self._timer = timer
        self._schemes = Schemes(ALL)
        self._seconds: dict[str, float] = {}
        self._slowest: _Slowest | None = None
        self.refresh()

    def refresh(self) -> None:
        """Measure the hashes of costs not met before, and find the slowest of those in use now."""
        in_use = [stored for source in self._sources for stored in source.samples()]
        slowest = [_Slowest(stored, self._measured(stored)) for stored in in_use]
        self._slowest = max(slowest, key=lambda one: one.seconds, default=None)

    @property
    def refusal_after(self) -> float:
        """Seconds after its arrival at which a refused password is answered."""
        seconds = [self._slowest.seconds if self._slowest else 0.0, *(a() for a in self._asked)]
        return min(max(max(seconds) * HEADROOM, LEAST), MOST)

    def spend(self, password: str) -> None:
        """Do the work of a check without its result, for a name that no source knows. Blocks."""
        if self._slowest:
            self._schemes.verify(self._slowest.stored, password)

    def _measured(self, stored: str) -> float:
        key = cost(stored) or ""
        if key not in self._seconds:
            self._seconds[key] = self._measure(stored)
        return self._seconds[key]

    def _measure(self, stored: str) -> float:
        """The least of a few times: load by others is no cost of the hash."""
        least = self._time(stored)
        for _ in range(_TRIES - 1):
            if least > _QUICK:
                break
            least = min(least, self._time(stored))
        return least

    def _time(self, stored: str) -> float:
        start = self._timer()
        self._schemes.verify(stored, _ANY_PASSWORD)
        return self._timer() - start

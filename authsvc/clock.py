"""Time as an argument: whoever needs it is handed a `Clock`; nothing else reads the machine's."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Wall time for what is written and signed, monotonic time for lengths and deadlines."""

    def now(self) -> float:
        """Wall clock, in seconds since the epoch (UTC)."""
        ...

    def monotonic(self) -> float:
        """Seconds that only ever rise; unrelated to the wall clock."""
        ...


class SystemClock:
    """The machine's clocks."""

    now = staticmethod(time.time)
    monotonic = staticmethod(time.monotonic)


@dataclass(slots=True)
class FrozenClock:
    """A clock that stands until it is moved; for tests and for questions about another time."""

    wall: float
    ticks: float = 0.0

    def now(self) -> float:
        return self.wall

    def monotonic(self) -> float:
        return self.ticks

    def advance(self, seconds: float) -> None:
        """Move both clocks by `seconds`."""
        self.wall += seconds
        self.ticks += seconds


def utc(seconds: float) -> datetime:
    """The aware UTC datetime of a wall clock value."""
    return datetime.fromtimestamp(seconds, UTC)


def rfc3339(seconds: float) -> str:
    """A wall clock value as RFC 3339 in UTC with milliseconds, as audit records print it."""
    return utc(seconds).isoformat(timespec="milliseconds").replace("+00:00", "Z")

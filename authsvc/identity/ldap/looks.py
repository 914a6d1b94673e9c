"""What was last seen of each person in a directory, and when."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from math import inf

from authsvc.identity.provider import Rejected
from authsvc.principal import Principal

KEPT = 20_000  # people; as many as there are sets of rules in memory
CLEARED_EVERY = 30.0  # seconds


@dataclass(frozen=True, slots=True)
class Look:
    """What one look found: who it is, or why not.

    `changed` is the directory's mark of the password's last change, '' without one. `at` is in
    seconds of the timer, the moment before the directory was asked.
    """

    outcome: Principal | Rejected
    changed: str
    at: float


class Looks:
    """The last look at each id, kept for `keep` seconds. Never blocks; used from any thread.

    Only single operations of a dict are used, so each thread meets a whole state.
    """

    def __init__(self, keep: float, timer: Callable[[], float] = time.monotonic) -> None:
        self._keep = keep
        self._timer = timer
        self._looks: dict[str, Look] = {}
        self._used: dict[str, None] = {}
        self._held: dict[str, float] = {}
        self._cleared = timer()

    def note(self, stable_id: str, look: Look) -> None:
        """Keep a look, unless a later one is there already. A "no" ends that it is held."""
        known = self._looks.get(stable_id)
        if known is None or known.at <= look.at:
            self._looks[stable_id] = look
            if isinstance(look.outcome, Rejected):
                self._held.pop(stable_id, None)

    def last(self, stable_id: str, within: float) -> Look | None:
        """The last look when it is younger than `within` seconds; it is worth renewing then."""
        self._used[stable_id] = None
        look = self._looks.get(stable_id)
        return look if look is not None and self._timer() - look.at < within else None

    def hold(self, stable_id: str, until: float) -> None:
        """Have the look renewed until that moment of the timer, though nobody asks for it."""
        self._held[stable_id] = until

    def is_held(self, stable_id: str) -> bool:
        return self._held.get(stable_id, -inf) > self._timer()

    def let_go(self, age: float) -> None:
        """Hold no look that was not renewed for `age` seconds."""
        now = self._timer()
        for each in self._held.copy():
            look = self._looks.get(each)
            if look is None or now - look.at > age:
                self._held.pop(each, None)

    def to_renew(self, age: float, most: int) -> list[str]:
        """Ids whose look is older than `age` seconds, oldest first: those held, and those used.

        One that is not held is named once, until it is asked for again.
        """
        used, now = list(self._used.copy()), self._timer()
        wanted = {*used, *(each for each, until in self._held.copy().items() if until > now)}
        known = {each: look for each in wanted if (look := self._looks.get(each)) is not None}
        old = sorted((e for e in known if now - known[e].at > age), key=lambda e: known[e].at)
        for each in [*(e for e in used if e not in known), *old[:most]]:
            self._used.pop(each, None)
        return old[:most]

    def forget_old(self) -> None:
        """Drop what is older than is kept, and the oldest of too many; now and then only."""
        now = self._timer()
        if now - self._cleared < CLEARED_EVERY:
            return
        self._cleared = now
        for each, until in self._held.copy().items():
            if until <= now:
                self._held.pop(each, None)
        looks = sorted(self._looks.copy().items(), key=lambda item: item[1].at)
        for number, (each, look) in enumerate(looks, start=1):
            if len(looks) - number < KEPT and now - look.at <= self._keep:
                return
            self._looks.pop(each, None)

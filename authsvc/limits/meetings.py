"""Addresses where a remembered password was shown, before they count as known.

What is remembered is answered by what this worker knows. Where workers count together, another one
may have limited the account there, or everywhere, a moment ago: Redis knows, and is asked beside
the requests.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice

from .counting import Counting
from .keys import account_of, address_of
from .known import KnownAddresses
from .windows import Claim

MOST = 10_000  # that wait; more are not made known, and lose nothing else
AT_ONCE = 100  # that Redis is asked about in one step


@dataclass(frozen=True, slots=True)
class Meeting:
    """That a remembered password was right for `name` at an address.

    `let_go` has it forgotten there: it was limited.
    """

    name: str
    address: str
    claims: Sequence[Claim]
    let_go: Callable[[], None]


class Meetings:
    """Those of one worker that are not settled yet. Used from one event loop.

    `note` is told of a claim that was limited, and for how many seconds more.
    """

    def __init__(
        self, counting: Counting, known: KnownAddresses, note: Callable[[Claim, float], None]
    ) -> None:
        self._counting = counting
        self._known = known
        self._note = note
        self._open: list[Meeting] = []

    def add(self, meeting: Meeting) -> None:
        """Have it settled in the next round."""
        if len(self._open) < MOST:
            self._open.append(meeting)

    async def settle(self) -> None:
        """Make the addresses known, but for those that were new and where a limit was reached."""
        meetings, self._open = self._open, []
        for begin in range(0, len(meetings), AT_ONCE):
            some = meetings[begin : begin + AT_ONCE]
            claims = [claim for meeting in some for claim in meeting.claims]
            full = iter(await self._counting.full(claims))
            for meeting in some:
                await self._settle(meeting, tuple(islice(full, len(meeting.claims))))

    async def _settle(self, meeting: Meeting, waits: Sequence[float]) -> None:
        account, address = account_of(meeting.name), address_of(meeting.address)
        if not any(waits) or await self._known.knows(account, address):
            self._known.saw(account, address)
            return
        meeting.let_go()
        for claim, wait in zip(meeting.claims, waits, strict=True):
            if wait > 0:
                self._note(claim, wait)

"""Limits on wrong passwords (contract section 2, "Failure limits").

A password takes its places before it is checked: with its account and address together, with the
account, and with the address. A right one gives them back, and empties those of account and
address together; a wrong one keeps them. One whose source cannot be asked was compared with what is
remembered, and keeps those with the account: else a guess would be free while a source is away.
"""

from collections.abc import Callable, Mapping, Sequence, Sized
from dataclasses import dataclass, replace
from enum import Enum

from authsvc.clock import Clock

from .counting import Counting
from .keys import Attempted, Keys, account_of, address_of
from .known import KnownAddresses
from .limit import Limit, Reached
from .meetings import Meeting, Meetings
from .news import News, Said
from .notes import Newest, Notes
from .windows import Claim, Full

EXISTING = 10_000  # accounts that are remembered to exist, for the records of limits
MOMENT = 1.0  # seconds to wait while it is not known yet whether a limit was reached
KNOWN_TIMES = 10  # at a known address (account, address) may fail so many times as often

PAIR, ACCOUNT, ADDRESS = b"p", b"a", b"i"  # the kinds of window, and how their keys begin


class Ending(Enum):
    """What became of a password that was let through to its check."""

    RIGHT = "right"
    WRONG = "wrong"
    UNANSWERED = "unanswered"  # nobody can say now, and nothing that is remembered says it is right
    UNCHECKED = "unchecked"  # right by what is remembered, which clears nothing


@dataclass(frozen=True, slots=True)
class FailureLimits:
    """The three limits; one that is None is off."""

    pair: Limit | None  # login_failures
    address: Limit | None
    account: Limit | None


@dataclass(frozen=True, slots=True)
class Attempt:
    """A password that may be checked. To be ended by `Failures.end`, whatever comes of it."""

    name: str
    from_address: str
    whose: Attempted
    claims: tuple[Claim, ...]
    limits: tuple[Limit, ...]
    added: tuple[bool, ...]
    known: bool


class Failures:
    """Admits passwords to their check. Used from one event loop, by any number of callers at once.

    `note` answers by what this process has noted, and never waits.
    """

    def __init__(
        self, limits: FailureLimits, keys: Keys, counting: Counting, known: KnownAddresses,
        clock: Clock, news: News | None = None,
    ) -> None:  # fmt: skip
        kinds = ((PAIR, limits.pair), (ACCOUNT, limits.account), (ADDRESS, limits.address))
        self._limits: Mapping[bytes, Limit] = {kind: each for kind, each in kinds if each}
        self._keys = keys
        self._counting = counting
        self._known = known
        self._clock = clock
        self._news = news
        self._meetings = Meetings(counting, known, self._seen_elsewhere)
        self._notes = Notes()
        self._expire_at = 0.0
        self._existing = Newest(EXISTING)

    @property
    def noted(self) -> Sized:
        """Whoever is limited by the notes of this process: one object, whatever it holds."""
        return self._notes

    def account(self, name: str) -> bytes:
        """The account that a typed name means, as the notes know it."""
        return self._keys.account(name)

    def note(self, account: bytes, address: str, *, known: bool) -> Reached | None:
        """The limit that refuses an account there, by the notes of this process.

        `known` says that the address is known for the account.
        """
        if not self._notes:
            return None
        here, now = self._keys.address(address), self._clock.monotonic()
        if now >= self._expire_at:
            self._expire_at = now + 1.0
            self._notes.expire(now)
        found = self._notes.get(PAIR + account + here, now)
        if found is not None or known:
            return found
        return self._notes.get(ACCOUNT + account, now) or self._notes.get(ADDRESS + here, now)

    async def refused(self, name: str, address: str) -> Reached | None:
        """As `note`, with a look at which addresses are known when that decides."""
        if not self._notes:
            return None
        account = self._keys.account(name)
        found = self.note(account, address, known=False)
        if found is None or found.key.startswith(PAIR):
            return found
        if not await self._is_known(name, address, found.key):
            return found
        return self.note(account, address, known=True)

    def saw(self, name: str, address: str, let_go: Callable[[], None]) -> None:
        """A remembered password was right at this address too.

        `let_go` is called when it turns out to be limited there by what another worker saw.
        """
        if self._limits and self._news is None:
            self._known.saw(account_of(name), address_of(address))
        elif self._limits:
            whose = self._keys.attempted(name, address, "")
            claims = [_claim(kind, whose, limit) for kind, limit in self._limits.items()]
            self._meetings.add(Meeting(name, address, claims, let_go))

    async def exchange(self) -> None:
        """Tell other workers what is limited, hear it from them, and settle what hangs on it."""
        if self._news is not None:
            await self._news.exchange(self._hear)
        await self._meetings.settle()

    def _hear(self, said: Said) -> None:
        limit, now = self._limits.get(said.key[:1]), self._clock
        wait = said.until - now.now()
        if limit is not None and wait > 0:
            wait = min(wait, limit.window)
            reached = Reached(limit.of(said.most), said.key, wait)
            self._notes.put(said.key, reached, now.monotonic() + wait)

    def _seen_elsewhere(self, claim: Claim, wait: float) -> None:
        self._reached(claim.key, self._limits[claim.key[:1]], wait)

    async def begin(self, name: str, address: str, password: str) -> Attempt | Reached:
        """Whether this password may be checked, which the returned attempt then stands for."""
        whose = self._keys.attempted(name, address, password)
        limits = tuple(self._limits.values())
        claims = tuple(_claim(kind, whose, limit) for kind, limit in self._limits.items())
        known: bool | None = False
        found = await self._counting.take(claims)
        if isinstance(found, Full):
            known = await self._is_known(name, address, claims[found.claim].key)
            if known:
                claims = tuple(_known(claim) for claim in claims)
                limits = tuple(
                    limit.of(claim.most) for claim, limit in zip(claims, limits, strict=True)
                )
                found = await self._counting.take(claims)
        if isinstance(found, Full):
            wait = 0.0 if known is None else found.wait
            return self._refused(claims[found.claim].key, limits[found.claim], wait)
        added = tuple(place.added for place in found)
        return Attempt(name, address, whose, claims, limits, added, bool(known))

    async def end(self, attempt: Attempt, ending: Ending, *, exists: bool = False) -> None:
        """Say what became of an attempt; `exists`, whether it showed that there is the account."""
        if exists:
            self._existing.put(attempt.whose.account)
        if ending is Ending.UNCHECKED:
            await self._give_back(attempt)
        elif ending is Ending.RIGHT:
            await self._right(attempt)
        elif ending is Ending.UNANSWERED:
            await self._unanswered(attempt)
        else:
            await self._wrong(attempt)

    async def _give_back(self, attempt: Attempt) -> None:
        pairs = zip(attempt.claims, attempt.added, strict=True)
        await self._counting.drop([claim for claim, added in pairs if added])

    async def _unanswered(self, attempt: Attempt) -> None:
        """A failure of the account, but not of the address: no outage limits an office.

        A right password is one failure then, however often it is shown and by how many, and is
        forgiven when it is found to be right.
        """
        of_account, of_address = _parts(attempt)
        await self._give_back(of_address)
        await self._wrong(of_account)

    async def _wrong(self, attempt: Attempt) -> None:
        full = await self._counting.count(attempt.claims)
        for claim, limit, wait in zip(attempt.claims, attempt.limits, full, strict=True):
            if wait > 0 and (attempt.known or not await self._may_go_on(claim, attempt)):
                self._reached(claim.key, limit, wait)

    async def _may_go_on(self, claim: Claim, attempt: Attempt) -> bool:
        """Whether (account, address) is full as an unknown one, and is, or may be, a known one."""
        if not claim.key.startswith(PAIR):
            return False
        known = await self._is_known(attempt.name, attempt.from_address, claim.key)
        return known is None or known

    async def _right(self, attempt: Attempt) -> None:
        pair = PAIR + attempt.whose.pair
        self._notes.drop(pair)
        self._known.saw(account_of(attempt.name), address_of(attempt.from_address))
        others = [claim for claim in attempt.claims if claim.key != pair]
        await self._counting.forgive(others, [pair])

    async def exists(self, name: str, address: str, reached: Reached) -> bool:
        """Whether this process has seen that there is such an account, which was refused."""
        account = self._keys.account(name)
        return account in self._existing or bool(await self._is_known(name, address, reached.key))

    async def _is_known(self, name: str, address: str, limited: bytes) -> bool | None:
        """Whether a pair is known of which that key limits something; None: nobody can tell."""
        by_address = limited.startswith(ADDRESS)
        account, here = account_of(name), address_of(address)
        return await self._known.knows(account, here, by_address=by_address)

    def _refused(self, key: bytes, limit: Limit, wait: float) -> Reached:
        """Without a wait refuse for a moment and leave no note: passwords in doubt may be right."""
        if wait > 0:
            return self._reached(key, limit, wait)
        return Reached(limit, key, MOMENT, certain=False)

    def _reached(self, key: bytes, limit: Limit, wait: float) -> Reached:
        reached = Reached(limit, key, wait)
        self._notes.put(key, reached, self._clock.monotonic() + wait)
        if self._news is not None:
            self._news.say(Said(key, limit.amount, self._clock.now() + wait))
        return reached

    async def clear_here(self, account: str | None, address: str | None) -> None:
        """Let go of what is limited here: of an account, at an address, of both, or everything."""
        for starts, ends in self._cleared(account, address):
            await self._counting.clear_here(starts=starts, ends=ends)
            self._notes.clear(starts, ends)
        if self._news is not None:
            self._news.clear()

    async def clear_shared(self, account: str | None, address: str | None) -> None:
        """The same in Redis."""
        for starts, ends in self._cleared(account, address):
            await self._counting.clear_shared(starts=starts, ends=ends)

    def _cleared(self, account: str | None, address: str | None) -> Sequence[tuple[bytes, bytes]]:
        """How the keys of the windows begin and end; with both, that pair alone."""
        name = b"" if account is None else self._keys.account(account)
        here = b"" if address is None else self._keys.address(address)
        found = [(PAIR + name, here)]
        if address is None:
            found.append((ACCOUNT + name, b""))
        if account is None:
            found.append((ADDRESS + here, b""))
        return found


def _claim(kind: bytes, whose: Attempted, limit: Limit) -> Claim:
    """Members are short: two that are taken for one cost somebody a failure that is not counted."""
    password = whose.password[:8]
    if kind == PAIR:
        return Claim(PAIR + whose.pair, password, limit.amount, limit.window)
    if kind == ACCOUNT:
        # From wherever it comes, one password is one guess at an account: a secret that was
        # rotated is shown by all pods that hold the old one.
        return Claim(ACCOUNT + whose.account, password, limit.amount, limit.window)
    member = whose.account[:6] + password
    return Claim(ADDRESS + whose.address, member, limit.amount, limit.window)


def _parts(attempt: Attempt) -> tuple[Attempt, Attempt]:
    """What an attempt counts for the account, and what for the address, which comes last."""
    end = sum(not claim.key.startswith(ADDRESS) for claim in attempt.claims)
    first, last = (
        replace(attempt, claims=attempt.claims[part], limits=attempt.limits[part],
                added=attempt.added[part])
        for part in (slice(end), slice(end, None))
    )  # fmt: skip
    return first, last


def _known(claim: Claim) -> Claim:
    """The claim of a known address: more failures, and refused by nobody else's."""
    if claim.key.startswith(PAIR):
        return replace(claim, most=claim.most * KNOWN_TIMES)
    return replace(claim, binding=False)

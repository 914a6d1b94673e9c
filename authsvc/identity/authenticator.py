"""Who is calling: from credentials to a principal, or to a reason for "no"."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import partial

from authsvc.clock import Clock
from authsvc.errors import Unavailable
from authsvc.identity.answers import Told, about_of, topic_of
from authsvc.identity.bounds import breach
from authsvc.identity.credential_cache import CredentialCache, Remembered
from authsvc.identity.flights import Flight, Flights
from authsvc.identity.guesses import Check, Guesses, Unlimited
from authsvc.identity.minted import Minted, Shown
from authsvc.identity.provider import Circumstances, Rejected, Verified
from authsvc.identity.refusals import Refusals
from authsvc.identity.showing import as_pair, is_minted, may_be, named
from authsvc.identity.sources import Sources
from authsvc.limits.keys import address_of
from authsvc.limits.limit import Reached
from authsvc.principal import ANONYMOUS
from authsvc.protocol.credentials import Anonymous, Bearer, Credentials, Malformed, Password

_NOBODY = Verified(ANONYMOUS, credential_kind="none")
_NO_SUCH_SECRET = Rejected("unknown_secret")
NOBODY_NOW = frozenset({"unknown_user", "disabled", "account_expired"})
"""Reasons that end what was remembered of a name, whatever password was shown."""

_Ask = Callable[[Password, Flight], Coroutine[None, None, Told]]


@dataclass(frozen=True, slots=True)
class Memory:
    """Where answers are kept, for `ttl` seconds.

    `served` is told `right`, `grace`, `wrong` or `none`.
    """

    cache: CredentialCache
    ttl: float
    served: Callable[[str], None]


class Authenticator:
    """Identifies callers in the order of design.md section 4.

    A minted secret is decided by its look-up alone; else what is remembered answers; else the
    sources do. Equal requests at once share one evaluation. All of it runs on one event loop;
    `forget` is a callback for the change feed.
    """

    def __init__(
        self, sources: Sources, minted: Minted, memory: Memory, refusals: Refusals, clock: Clock,
        guesses: Guesses | None = None,
    ) -> None:  # fmt: skip
        self._sources = sources
        self._minted = minted
        self._memory = memory
        self._cache = memory.cache
        self._refusals = refusals
        self._clock = clock
        self._guesses = Unlimited() if guesses is None else guesses
        self._flights: Flights[Verified | Rejected] = Flights()
        self._attempts: Flights[Verified | Rejected | Reached] = Flights()  # one for each address

    async def identify(
        self, credentials: Credentials, circumstances: Circumstances
    ) -> Verified | Rejected:
        """Who this is. A refused password comes back only at its fixed time after this call.

        Raises:
            Limited: too many wrong passwords, for this account, from this address, or both.
            Unavailable: a source that may know the name cannot be asked, or too many ask.

        """
        match credentials:
            case Anonymous():
                return _NOBODY
            case Malformed():
                return Rejected("malformed")
        shown = as_pair(credentials)
        if is_minted(shown):
            return await self._secret(shown, circumstances)
        return await self._password(shown, circumstances)

    def recognised(self, text: bytes | None, circumstances: Circumstances) -> Verified | None:
        """As `remembered`, for a text that showed remembered credentials before; None: nothing.

        It is not read again: reading it costs more than all the rest of recognising a caller.
        """
        if text is None:
            return _NOBODY
        digest = self._cache.pair_of(text)
        return None if digest is None else self._right(digest, circumstances)

    def remembered(
        self, credentials: Credentials, circumstances: Circumstances, *, text: bytes | None = None
    ) -> Verified | None:
        """Who this is, when it takes no waiting to say so; None means: `identify`.

        `text` is what the credentials were read from, by which the token realm recognises them: an
        Authorization header, or a form behind a mark that no header has. No Bearer is noted.
        """
        if isinstance(credentials, Anonymous):
            return _NOBODY
        if isinstance(credentials, Malformed):
            return None
        shown = as_pair(credentials)
        digest = self._cache.digest(shown.username, shown.secret)
        self._meet(digest, shown.username, circumstances.address)
        verified = self._right(digest, circumstances)
        if verified is not None and text is not None and not isinstance(credentials, Bearer):
            self._cache.note_text(text, digest)
        return verified

    def _right(self, digest: bytes, circumstances: Circumstances) -> Verified | None:
        found = self._cache.entry(digest, self._clock.monotonic())
        if found is None or not isinstance(found.outcome, Verified):
            return None
        if found.account and self._withheld(found, circumstances.address):
            return None
        if breach(found.outcome.bounds, circumstances) is not None:
            return None
        self._memory.served("grace" if found.outcome.bounds.pull_only else "right")
        return found.outcome

    def _withheld(self, found: Remembered, address: str) -> bool:
        """Whether a remembered password says nothing there: new there, or limited."""
        if address not in found.addresses:
            return True
        guesses = self._guesses
        return bool(guesses.noted) and guesses.refuses(found.account, address, known=True)

    def _meet(self, digest: bytes, username: str, address: str) -> None:
        """Let a remembered password be right at an address where it had not been shown yet.

        It makes the address a known one, but nobody who is limited there learns of it; nor does
        it where the directory that vouches for the password is away, so that nobody checked it.
        """
        found = self._cache.entry(digest, self._clock.monotonic())
        if found is None or not found.account or address in found.addresses:
            return
        guesses = self._guesses
        if not guesses.noted or not guesses.refuses(found.account, address, known=False):
            found.meet(address)
            if not (isinstance(found.outcome, Verified) and found.outcome.bounds.pull_only):
                guesses.saw(username, address, partial(found.part, address))

    def forget(self, topics: frozenset[str] | None) -> None:
        """End what is remembered, or about to be, on these topics; None: on all."""
        self._attempts.forget(topics)
        self._flights.forget(topics)
        self._cache.forget(topics)

    async def _password(
        self, credentials: Password, circumstances: Circumstances
    ) -> Verified | Rejected:
        arrived = self._clock.monotonic()
        outcome = await self._answer(credentials, circumstances)
        if isinstance(outcome, Reached):
            await self._guesses.refuse(outcome, credentials, circumstances.address)
        if isinstance(outcome, Verified):
            reason = breach(outcome.bounds, circumstances)
            if reason is None:
                return outcome
            outcome = Rejected(reason)
        await self._refusals.due(arrived)
        return outcome

    async def _secret(self, shown: Password, circumstances: Circumstances) -> Verified | Rejected:
        """What a minted secret is worth: no failure limit, and a "no" at once.

        One that could not be ours, or is of a kind that is not shown like this, is not looked up.
        """
        if not may_be(shown):
            return _NO_SUCH_SECRET
        digest = self._cache.digest(shown.username, shown.secret)
        address = circumstances.address
        outcome: Verified | Rejected | None = self._recall(digest, address)
        if outcome is None:
            ask = partial(self._look_up, circumstances)
            outcome = await self._checked(digest, shown, address, ask)
        reason = breach(outcome.bounds, circumstances) if isinstance(outcome, Verified) else None
        return outcome if reason is None else Rejected(reason)

    async def _answer(
        self, credentials: Password, circumstances: Circumstances
    ) -> Verified | Rejected | Reached:
        address = circumstances.address
        reached = await self._guesses.refused(credentials.username, address)
        if reached is not None:
            return reached
        digest = self._cache.digest(credentials.username, credentials.secret)
        self._meet(digest, credentials.username, address)
        remembered = self._recall(digest, address)
        if remembered is not None:
            return remembered
        ask = partial(self._ask_sources, circumstances.now)
        checked = partial(self._checked, digest, credentials, address, ask)
        return await self._attempts.join(
            digest + address.encode(),
            address,
            topic_of(credentials.username),
            partial(self._attempt, checked, credentials, address),
        )

    async def _attempt(
        self, check: Check, credentials: Password, address: str, _: Flight
    ) -> Verified | Rejected | Reached:
        return await self._guesses.within(credentials, address, check)

    async def _checked(
        self, digest: bytes, credentials: Password, address: str, ask: _Ask
    ) -> Verified | Rejected:
        """What `ask` says; equal questions at once, from any addresses, are one."""
        topic = None if is_minted(credentials) else topic_of(credentials.username)
        return await self._flights.join(
            digest, address, topic, partial(self._evaluate, digest, credentials, ask)
        )

    def _recall(self, digest: bytes, address: str) -> Verified | Rejected | None:
        now = self._clock.monotonic()
        right = self._cache.right(digest, now)
        wrong = None if right else self._cache.wrong(digest, address, now)
        self._memory.served("right" if right else "wrong" if wrong else "none")
        return right or wrong

    async def _evaluate(
        self, digest: bytes, credentials: Password, ask: _Ask, flight: Flight
    ) -> Verified | Rejected:
        """Ask, and remember the answer unless news has overtaken it."""
        try:
            told = await ask(credentials, flight)
        except Unavailable:
            spare = self._cache.right(digest, self._clock.monotonic())  # by the grace of its source
            if spare is None:
                raise
            return spare
        about = about_of(credentials.username, told.outcome)
        secret = self._cache.digest("", credentials.secret)
        minted = is_minted(credentials)
        if minted and isinstance(told.outcome, Rejected):
            self._cache.refuse(digest)
        elif not minted:
            self._let_go(digest, told, about, secret)
        if told.holds is not None and not flight.is_news_to(about):
            account = b"" if minted else self._guesses.account(credentials.username)
            answer = told.remembered(
                about, account, set(flight.addresses), self._clock.monotonic(), self._memory.ttl,
                secret,
            )  # fmt: skip
            for address in flight.addresses:
                self._cache.remember(digest, address, answer)
        return told.outcome

    def _let_go(self, digest: bytes, told: Told, about: frozenset[str], secret: bytes) -> None:
        """Drop what was right before and would come back by the grace of a source that is away."""
        if isinstance(told.outcome, Rejected):
            self._cache.refuse(digest)
            if told.outcome.reason in NOBODY_NOW:
                self._cache.forget(about)
        elif told.grace is not None:
            self._cache.agree(topic_of(told.outcome.principal.name), told.outcome, secret)

    async def _ask_sources(self, now: float, credentials: Password, _: Flight) -> Told:
        answer = await self._sources.ask(credentials.username, credentials.secret, now)
        holds = partial(self._sources.still_hold, answer)
        return Told(answer.outcome, holds, answer.ttl, self._sources.grace(answer))

    async def _look_up(self, here: Circumstances, shown: Password, flight: Flight) -> Told:
        """What a secret is worth, not by what was read before it became news.

        The directory of its owner may take many seconds, and whoever ends it waits for none.
        """
        secret, caller = Shown(named(shown), shown.secret), address_of(here.address)
        while True:
            told = await self._minted.ask(secret, here.now, caller=caller)
            if not flight.is_news_to(about_of(shown.username, told.outcome)):
                return told
            flight.begin_anew()

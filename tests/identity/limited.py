"""Limits put together for tests, by a clock that their waiting alone moves."""

import asyncio
import time
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field

import anyio.to_thread
from identity.parts import NOW, SECRET, house, unknown

from authsvc.clock import FrozenClock
from authsvc.errors import Limited
from authsvc.identity.guesses import LimitedGuesses
from authsvc.identity.provider import Rejected, Unknown, Verified
from authsvc.limits.counting import Counting
from authsvc.limits.failures import FailureLimits, Failures
from authsvc.limits.keys import Keys
from authsvc.limits.known import KnownAddresses
from authsvc.limits.limit import limit
from authsvc.limits.news import News
from authsvc.limits.refusing import Refusing
from authsvc.limits.shared import SharedCounting
from authsvc.principal import Kind, Principal

DEFAULTS = {"pair": "10/5minutes", "address": "100/5minutes", "account": "100/hour"}
NAMES = {"pair": "login_failures", "address": "address_failures", "account": "account_failures"}
HERE = "192.0.2.1"


def elsewhere(number):
    """An address of its own for each number."""
    return f"198.51.{100 + number // 250}.{number % 250}"


@dataclass
class Book:
    """A source whose check is quick, and which counts what it had to check."""

    people: dict[str, str] = field(default_factory=lambda: {"alice": SECRET, "bob": SECRET})
    name: str = "book"
    checked: list[tuple[str, str]] = field(default_factory=list)
    fault: Exception | None = None
    moment: float = 0.0  # seconds that a check takes

    def verify(self, username, password, now):
        time.sleep(self.moment)
        if self.fault is not None:
            raise self.fault
        self.checked.append((username, password))
        if username not in self.people:
            return Unknown()
        if self.people[username] != password:
            return Rejected("wrong_password")
        return Verified(Principal(Kind.USER, self.name, username, username))

    def is_current(self, verified):
        return True

    def knows(self, username):
        return None


@dataclass
class Guarded:
    """An authenticator with limits, and what became of them."""

    house: object
    book: Book
    failures: Failures
    known: KnownAddresses
    refusing: Refusing
    told: list[tuple[str, str | None, bool]]

    @property
    def clock(self):
        return self.house.clock

    async def tries(self, name, password=SECRET, address=HERE):
        """What one attempt is answered: the word for it, or the limit that refuses it."""
        try:
            outcome = await self.house.identify(name, password, address=address)
        except Limited as refusal:
            return refusal.policy
        return "right" if isinstance(outcome, Verified) else outcome.reason

    async def guesses(self, name, count, *, address=HERE, begin=0):
        """The answers to so many different wrong passwords, one after the other."""
        return [
            await self.tries(name, f"guess {number}", address)
            for number in range(begin, begin + count)
        ]


@contextmanager
def guarded(database, *, book=None, find=unknown, shared=None, workers=1, clock=None, **limits):
    """Built the way the service builds it. A limit given as "" is off."""
    clock, book = clock or FrozenClock(NOW), book or Book()
    texts = {**DEFAULTS, **limits}
    chosen = FailureLimits(**{each: limit(NAMES[each], text) for each, text in texts.items()})

    async def sleep(seconds):
        clock.advance(seconds)
        await asyncio.sleep(0)

    told = []
    counting = Counting(clock, workers=workers, shared=shared)
    known = KnownAddresses(database, clock, anyio.to_thread.run_sync)
    news = None if shared is None else News(shared, 3_600)
    failures = Failures(chosen, Keys(b"secret" * 4), counting, known, clock, news)
    refusing = Refusing(
        counting, clock,
        lambda reached, who: told.append((reached.limit.name, who.name, who.exists)), sleep,
    )  # fmt: skip
    with house(
        book, find=find, queue=1_000, guesses=LimitedGuesses(failures, refusing), clock=clock
    ) as built:
        yield Guarded(built, book, failures, known, refusing, told)


@asynccontextmanager
async def several(database, url, number, **more):
    """So many workers of one installation, with one Redis, one book of people and one clock."""
    clock, book = FrozenClock(NOW), Book()
    with ExitStack() as stack:
        shared = [SharedCounting(url, patience=2.0) for _ in range(number)]
        yield [
            stack.enter_context(guarded(database, book=book, clock=clock, shared=each, **more))
            for each in shared
        ]
        for each in shared:
            await each.close()

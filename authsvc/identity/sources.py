"""The sources of identities and the order in which they are asked for a name."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import groupby
from math import inf

from authsvc.clock import Clock
from authsvc.errors import Unavailable
from authsvc.identity.bulkhead import Bulkhead
from authsvc.identity.provider import Marks, Provider, Rejected, Unknown, Verified


@dataclass(frozen=True, slots=True)
class Source:
    """A provider and the threads its checks run in: one that hangs leaves the others theirs.

    Whoever was found by it, or behind it, is remembered for `ttl` seconds at most. Who was found
    by it may pull for `grace` seconds while `in_grace` says that it cannot be asked now and would
    have said the same of late.
    """

    provider: Provider
    threads: Bulkhead
    ttl: float = inf
    grace: float = 0.0
    in_grace: Callable[[Verified], bool] | None = None


_Held = tuple[Callable[[str], object], str, object]  # `Marks.mark`, a name, and what it said


@dataclass(frozen=True, slots=True)
class Answer:
    """What the sources say of a name and a password.

    `source` is the one that answered, None when nobody knows the name. `held` is what each
    provider had under each name that was asked for, before it was asked. `ttl` is how many
    seconds it may be remembered, as the sources that were asked have it.
    """

    outcome: Verified | Rejected
    held: Sequence[_Held] = field(repr=False)
    source: Source | None
    ttl: float = inf


Observer = Callable[[str, str, float], None]
"""Told of each check: (source, `verified`, `rejected`, `unknown` or `unavailable`, seconds)."""

_Found = tuple[Source, Verified | Rejected]


class Sources:
    """Asked in the order given, the local one first (contract section 2).

    The first source that knows a name answers for it, and its "no" is final. One that cannot be
    asked ends the search, since a later one must not answer for a name that it may know.

    Sources that share threads are asked in one call there, and so is `spend`, which does the work
    of a check for a name that nobody knows. If each queued by itself, the answer under load would
    be the later the further down a name is known, and the latest for one that is not.

    That work is done in the threads of the first source, which are for slow hashes, also where the
    last source has threads of its own. So that it is not told by having queued there once more,
    whoever is refused before queues there as often.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        clock: Clock,
        observe: Observer,
        *,
        spend: Callable[[str], None],
    ) -> None:
        self._sources = tuple(sources)
        self._spend = spend
        self._marks = tuple(
            source.provider.mark for source in sources if isinstance(source.provider, Marks)
        )
        self._clock = clock
        self._observe = observe

    async def ask(self, username: str, password: str, now: float) -> Answer:
        """Who this is by the sources; `now` is wall clock seconds.

        When the stored name differs from what was typed, the sources before the one that answered
        are asked for the stored name too: theirs hides it.

        Raises:
            Unavailable: a source that may know the name cannot be asked.

        """
        held = self._held(username)
        found = await self._first(self._sources, username, password, now, self._spend)
        await self._stay(found, password)
        if found is None:
            return Answer(Rejected("unknown_user"), held, None, self._ttl(self._sources))
        source, outcome = found
        asked = self._sources[: self._sources.index(source) + 1]
        while isinstance(outcome, Verified) and outcome.principal.name != username:
            username = outcome.principal.name
            held += self._held(username)
            earlier = self._sources[: self._sources.index(source)]
            found = await self._first(earlier, username, password, now)
            if found is None:
                break
            source, outcome = found
        return Answer(outcome, held, source, self._ttl(asked))

    def _ttl(self, asked: Sequence[Source]) -> float:
        return min((source.ttl for source in asked), default=inf)

    def grace(self, answer: Answer) -> tuple[float, Callable[[], bool]] | None:
        """For how many seconds it counts for pulls while its source is away, and whether it does.

        None behind another directory: that one may know the name by now, and is not asked.
        """
        source, outcome = answer.source, answer.outcome
        if source is None or source.in_grace is None or not isinstance(outcome, Verified):
            return None
        if self._ttl(self._sources[: self._sources.index(source)]) < inf:
            return None
        in_grace = source.in_grace
        return source.grace, lambda: _as_it_was(answer) and in_grace(outcome)

    def still_hold(self, answer: Answer) -> bool:
        """Whether the sources would say the same, by what can be seen without blocking."""
        if not _as_it_was(answer):
            return False
        if answer.source is None or isinstance(answer.outcome, Rejected):
            return True
        return answer.source.provider.is_current(answer.outcome)

    def _held(self, username: str) -> list[_Held]:
        return [(mark, username, mark(username)) for mark in self._marks]

    async def _first(
        self,
        sources: Sequence[Source],
        username: str,
        password: str,
        now: float,
        nobody: Callable[[str], None] | None = None,
    ) -> _Found | None:
        groups = [(threads, list(some)) for threads, some in groupby(sources, _threads_of)]
        for number, (threads, some) in enumerate(groups, start=1):
            slow = threads is self._sources[0].threads
            last = nobody if slow and number == len(groups) else None
            found = await threads.run(self._among, some, username, password, now, last)
            if found is not None:
                return found
        return None

    async def _stay(self, found: _Found | None, password: str) -> None:
        """Queue with the slow threads as often as a name that nobody knows, before a "no".

        The answer is known by then, so one that finds no place there does not wait.
        """
        if not self._sources or (found is not None and isinstance(found[1], Verified)):
            return
        work = self._spend if found is None else _nothing
        with suppress(Unavailable):
            for _ in range(self._turns_after(None if found is None else found[0])):
                await self._sources[0].threads.run(work, password)

    def _turns_after(self, source: Source | None) -> int:
        """How often a name that nobody knows queues with the slow threads after that source.

        None: after all of them, which is for `spend` where the last one has threads of its own.
        """
        slow, last = self._sources[0].threads, self._sources[-1].threads
        begin = len(self._sources) - 1 if source is None else self._sources.index(source)
        _, *lines = (threads for threads, _ in groupby(self._sources[begin:], _threads_of))
        return lines.count(slow) + (last is not slow)

    def _among(
        self,
        sources: Sequence[Source],
        username: str,
        password: str,
        now: float,
        nobody: Callable[[str], None] | None,
    ) -> _Found | None:
        """In one of the threads: the first of these sources that knows the name."""
        for source in sources:
            outcome = self._check(source, username, password, now)
            if not isinstance(outcome, Unknown):
                return source, outcome
        if nobody is not None:
            nobody(password)
        return None

    def _check(
        self, source: Source, username: str, password: str, now: float
    ) -> Verified | Rejected | Unknown:
        start = self._clock.monotonic()
        result = "unavailable"
        try:
            outcome = source.provider.verify(username, password, now)
            result = type(outcome).__name__.lower()
        finally:
            self._observe(source.provider.name, result, self._clock.monotonic() - start)
        return outcome


def _as_it_was(answer: Answer) -> bool:
    """Whether providers hold what they held under the names that were asked for."""
    for mark, name, held in answer.held:  # noqa: SIM110 - asked for each token; all() costs more
        if mark(name) != held:
            return False
    return True


def _nothing(_: str) -> None:
    """What is done where a turn is all that is wanted."""


def _threads_of(source: Source) -> Bulkhead:
    return source.threads

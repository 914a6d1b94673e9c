"""The sources of identities and the order in which they are asked for a name."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from authsvc.clock import Clock
from authsvc.identity.bulkhead import Bulkhead
from authsvc.identity.provider import Marks, Provider, Rejected, Unknown, Verified


@dataclass(frozen=True, slots=True)
class Source:
    """A provider and the threads its checks run in: one that hangs leaves the others theirs."""

    provider: Provider
    threads: Bulkhead


@dataclass(frozen=True, slots=True)
class Answer:
    """What the sources say of a name and a password.

    `provider` is the one that answered, None when nobody knows the name. `held` is what the
    providers had under the names that were asked for, before they were asked.
    """

    outcome: Verified | Rejected
    held: Mapping[str, tuple[object, ...]] = field(repr=False)
    provider: Provider | None


Observer = Callable[[str, str, float], None]
"""Told of each check: (source, `verified`, `rejected`, `unknown` or `unavailable`, seconds)."""


class Sources:
    """Asked in the order given, the local one first (contract section 2).

    The first source that knows a name answers for it, and its "no" is final. One that cannot be
    asked ends the search, since a later one must not answer for a name that it may know.
    """

    def __init__(self, sources: Sequence[Source], clock: Clock, observe: Observer) -> None:
        self._sources = tuple(sources)
        self._marked: tuple[Marks, ...] = tuple(
            source.provider for source in sources if isinstance(source.provider, Marks)
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
        held = {username: self._marks(username)}
        found = await self._first(self._sources, username, password, now)
        if found is None:
            return Answer(Rejected("unknown_user"), held, None)
        source, outcome = found
        if isinstance(outcome, Verified) and outcome.principal.name != username:
            stored = outcome.principal.name
            held[stored] = self._marks(stored)
            earlier = self._sources[: self._sources.index(source)]
            found = await self._first(earlier, stored, password, now)
            source, outcome = found or (source, outcome)
        return Answer(outcome, held, source.provider)

    def still_hold(self, answer: Answer) -> bool:
        """Whether the sources would say the same, by what can be seen without blocking."""
        for name, marks in answer.held.items():
            for provider, mark in zip(self._marked, marks, strict=True):
                if provider.mark(name) != mark:
                    return False
        if answer.provider is None or isinstance(answer.outcome, Rejected):
            return True
        return answer.provider.is_current(answer.outcome)

    def _marks(self, username: str) -> tuple[object, ...]:
        return tuple(provider.mark(username) for provider in self._marked)

    async def _first(
        self, sources: Sequence[Source], username: str, password: str, now: float
    ) -> tuple[Source, Verified | Rejected] | None:
        for source in sources:
            outcome = await self._check(source, username, password, now)
            if not isinstance(outcome, Unknown):
                return source, outcome
        return None

    async def _check(
        self, source: Source, username: str, password: str, now: float
    ) -> Verified | Rejected | Unknown:
        start = self._clock.monotonic()
        result = "unavailable"
        try:
            outcome = await source.threads.run(source.provider.verify, username, password, now)
            result = type(outcome).__name__.lower()
        finally:
            self._observe(source.provider.name, result, self._clock.monotonic() - start)
        return outcome

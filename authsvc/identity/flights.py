"""Evaluations under way, each shared by all equal requests of its time."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(slots=True, eq=False)
class Flight:
    """One evaluation: who waits for it, and what has become news since it began.

    `topic` None: what it is about is not known before its outcome, so any news may be.
    """

    topic: str | None
    addresses: set[str] = field(default_factory=set)
    news: set[str] = field(default_factory=set)
    overtaken: bool = False

    def is_news_to(self, about: frozenset[str]) -> bool:
        """Whether something changed on these topics after this evaluation may have read it."""
        return self.overtaken or not self.news.isdisjoint(about)

    def hear(self, topics: frozenset[str] | None) -> None:
        """Take note of news; None: of all."""
        if topics is None:
            self.overtaken = True
        else:
            self.news |= topics

    def begin_anew(self) -> None:
        """Take note that all is read again from now on."""
        self.news, self.overtaken = set(), False

    @property
    def is_late(self) -> bool:
        """Whether who asks from now on may be told something else."""
        if self.topic is None:
            return self.overtaken or bool(self.news)
        return self.is_news_to(frozenset({self.topic}))


class Flights(Generic[T]):
    """The evaluations under way by key. All of it lives on the event loop."""

    def __init__(self) -> None:
        self._under_way: set[Flight] = set()
        self._open: dict[bytes, tuple[Flight, asyncio.Task[T]]] = {}
        """Those that may be joined."""

    async def join(
        self,
        key: bytes,
        address: str,
        topic: str | None,
        evaluate: Callable[[Flight], Coroutine[None, None, T]],
    ) -> T:
        """The outcome of the evaluation under way for `key`, or of a new one.

        A waiter that goes away takes nothing from the others. What `evaluate` raises, all get.
        """
        if key not in self._open:
            flight = Flight(topic)
            task = asyncio.get_running_loop().create_task(self._fly(key, flight, evaluate))
            task.add_done_callback(_seen)
            self._under_way.add(flight)
            self._open[key] = flight, task
        flight, task = self._open[key]
        flight.addresses.add(address)
        return await asyncio.shield(task)

    def forget(self, topics: frozenset[str] | None) -> None:
        """Tell those under way what is news; nobody joins one that may be about it."""
        for flight in self._under_way:
            flight.hear(topics)
        for key, (flight, _) in tuple(self._open.items()):
            if flight.is_late:
                del self._open[key]

    async def _fly(
        self,
        key: bytes,
        flight: Flight,
        evaluate: Callable[[Flight], Coroutine[None, None, T]],
    ) -> T:
        try:
            return await evaluate(flight)
        finally:
            self._under_way.discard(flight)
            if key in self._open and self._open[key][0] is flight:
                del self._open[key]


def _seen(task: asyncio.Task[T]) -> None:
    """Take note of what it raised, though all who waited for it may have gone."""
    if not task.cancelled():
        task.exception()

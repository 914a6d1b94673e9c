"""Evaluations under way, each shared by all equal requests of its time."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(slots=True, eq=False)
class Flight:
    """One evaluation: who waits for it, and what has become news since it began."""

    topic: str
    addresses: set[str] = field(default_factory=set)
    news: set[str] = field(default_factory=set)
    overtaken: bool = False

    def is_news_to(self, about: frozenset[str]) -> bool:
        """Whether something changed on these topics after this evaluation may have read it."""
        return self.overtaken or not self.news.isdisjoint(about)


class Flights(Generic[T]):
    """The evaluations under way by key. All of it lives on the event loop."""

    def __init__(self) -> None:
        self._under_way: dict[bytes, tuple[Flight, asyncio.Task[T]]] = {}

    async def join(
        self,
        key: bytes,
        address: str,
        topic: str,
        evaluate: Callable[[Flight], Coroutine[None, None, T]],
    ) -> T:
        """The outcome of the evaluation under way for `key`, or of a new one.

        A waiter that goes away takes nothing from the others. What `evaluate` raises, all get.
        """
        if key not in self._under_way:
            flight = Flight(topic)
            task = asyncio.get_running_loop().create_task(self._fly(key, flight, evaluate))
            task.add_done_callback(_seen)
            self._under_way[key] = flight, task
        flight, task = self._under_way[key]
        flight.addresses.add(address)
        return await asyncio.shield(task)

    def forget(self, topics: frozenset[str] | None) -> None:
        """Tell those under way what is news; nobody joins one whose own name changed."""
        for key, (flight, _) in tuple(self._under_way.items()):
            if topics is None:
                flight.overtaken = True
            else:
                flight.news |= topics
            if flight.is_news_to(frozenset({flight.topic})):
                del self._under_way[key]

    async def _fly(
        self,
        key: bytes,
        flight: Flight,
        evaluate: Callable[[Flight], Coroutine[None, None, T]],
    ) -> T:
        try:
            return await evaluate(flight)
        finally:
            if key in self._under_way and self._under_way[key][0] is flight:
                del self._under_way[key]


def _seen(task: asyncio.Task[T]) -> None:
    """Take note of what it raised, though all who waited for it may have gone."""
    if not task.cancelled():
        task.exception()

"""News of changes: what a process has to forget because somebody changed it.

Every edit is a row of `changes`, numbered without holes by the locked `change_head` row, with the
topics that it touched. A process remembers the last number it heard and asks for what came after.
No LISTEN/NOTIFY: it breaks behind a pooler, and asking keeps the promise of `cache.staleness`.
"""

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass

import anyio
import anyio.to_thread
from sqlalchemy import select
from sqlalchemy.orm import Session

from authsvc import logs
from authsvc.clock import Clock
from authsvc.errors import Unavailable

from .engine import Database
from .models import Change, ChangeHead

BLIND = 5.0  # seconds without news after which nothing remembered may be used
MANY = 1_000  # changes at once above which everything is forgotten instead
EVERYTHING = "everything"  # the topic of a change after which nothing remembered holds

Topics = frozenset[str]


@dataclass(frozen=True, slots=True)
class _Head:
    """The last change heard of. Its hash tells a history that was replaced by a backup."""

    seq: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class _News:
    head: _Head
    topics: Topics | None  # None: forget everything


class Feed:
    """Polls every half `staleness` seconds, and when nudged; tells subscribers what to forget.

    Subscribers are called on the event loop with the topics, or with None: forget everything.
    When they are called, `version` is that of the news already. The first poll of a process is
    told as None.
    """

    def __init__(self, database: Database, clock: Clock, staleness: float) -> None:
        self._database = database
        self._clock = clock
        self._interval = staleness / 2
        self._subscribers: list[Callable[[Topics | None], None]] = []
        self._head: _Head | None = None
        self._polled = -math.inf
        self._polling = asyncio.Lock()
        self._limiter = anyio.CapacityLimiter(1)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._nudged = asyncio.Event()
        self._log = logs.get("feed")
        self.version = 0

    def subscribe(self, callback: Callable[[Topics | None], None]) -> None:
        """Have `callback` called on the event loop with everything heard from now on."""
        self._subscribers.append(callback)

    def age(self) -> float:
        """Seconds since the state that was last heard of; infinite before the first poll."""
        return self._clock.monotonic() - self._polled

    def require_fresh(self) -> None:
        """Raise Unavailable when changes may have gone unheard for longer than BLIND."""
        if self._clock.monotonic() - self._polled > BLIND:
            raise Unavailable(
                "changes could not be read from the database for too long",
                what="database",
                retry_after=1,
            )

    async def poll(self) -> None:
        """Hear what is new and tell it; raises Unavailable when the database does not answer.

        What a subscriber raises is raised after all have been called. The news then counts as
        not heard: the next poll tells everybody to forget everything.
        """
        async with self._polling:
            asked = self._clock.monotonic()
            news = await anyio.to_thread.run_sync(
                self._read, self._head, limiter=self._limiter, abandon_on_cancel=True
            )
            if self._head is None or news.topics is None or news.head != self._head:
                self._tell(news)
            self._polled = asked

    def _read(self, known: _Head | None) -> _News:
        with self._database.read() as session:
            head = session.execute(select(ChangeHead.seq, ChangeHead.hash)).one()
            newest = _Head(head.seq, head.hash)
            if newest == known:
                return _News(newest, frozenset())
            if known is None or not 0 < newest.seq - known.seq <= MANY:
                return _News(newest, None)
            return _News(newest, _topics_after(session, known, newest))

    def _tell(self, news: _News) -> None:
        self._head, self.version = None, news.head.seq
        faults: list[Exception] = []
        for callback in self._subscribers:
            try:
                callback(news.topics)
            except Exception as fault:  # noqa: BLE001 - the others must hear it nevertheless
                faults.append(fault)
        if faults:
            raise faults[0]
        self._head = news.head

    async def run(self) -> None:
        """Poll until cancelled. A poll that fails is logged and tried again."""
        self._loop = asyncio.get_running_loop()
        failing = False
        while True:
            self._nudged.clear()
            begun = self._clock.monotonic()
            try:
                await self.poll()
            except Unavailable as fault:
                if not failing:
                    self._log.warning("changes cannot be read", fault=str(fault))
                failing = True
            except Exception:  # noqa: BLE001 - a process that stops listening never recovers
                self._log.exception("changes cannot be told")
            else:
                failing = False
            passed = self._clock.monotonic() - begun
            with anyio.move_on_after(max(0.0, self._interval - passed)):
                await self._nudged.wait()

    def nudge(self) -> None:
        """Have the next poll now, from any thread; without `run` there is nothing to do."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._nudged.set)


def _topics_after(session: Session, known: _Head, newest: _Head) -> Topics | None:
    """The topics of the changes after `known`.

    None when the history is not one with it, or when one of them touched everything.
    """
    rows = session.execute(
        select(Change.seq, Change.hash, Change.topics)
        .where(Change.seq >= known.seq)
        .order_by(Change.seq)
    ).all()
    if known.seq > 0:
        if not rows or _Head(rows[0].seq, rows[0].hash) != known:
            return None
        rows = rows[1:]
    if [row.seq for row in rows] != list(range(known.seq + 1, newest.seq + 1)):
        return None
    topics = frozenset(topic for row in rows for topic in row.topics)
    return None if EVERYTHING in topics else topics

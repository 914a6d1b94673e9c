"""The policy that a worker holds in memory, and how it follows the database.

All state is touched on the event loop only; reads of the database run in worker threads and
return values. News from the change feed forget what they name; what is forgotten while it is
being read is not remembered, so no reading can outlive a change that it did not see.
"""

import asyncio
from dataclasses import dataclass

from anyio import CapacityLimiter, to_thread

from authsvc.db.engine import Database
from authsvc.db.feed import Feed
from authsvc.errors import Unavailable
from authsvc.principal import Principal

from . import store
from .compiler import audience, groups_of, view_of
from .model import AUTHENTICATED, EVERYONE, PolicyBase, Registry, SubjectRules, View
from .remembered import Remembered

SUBJECTS = 20_000  # with ten grants each about 50 MB
STRANGERS = 50_000  # names without a row, the text alone
PATIENCE = 2.0  # seconds that a reading is waited for
ATTEMPTS = 8  # at a view, while what it is made of keeps changing

BASE = "base"
_SUBJECT = "subject:"


@dataclass(slots=True)
class _Held:
    """A view, what it was made of, and the last state of the memory in which that still held."""

    view: View
    parts: tuple[tuple[str, SubjectRules | None], ...]
    state: int


class Snapshot:
    """Views of principals, made from rules that are read per subject at first use.

    Rules are kept by name, and a name may pass to somebody else: until that is heard of, the
    newcomer has none, and not those of who had it before.

    A subject without rules or groups (a stranger) is remembered by its name alone, apart from
    the others, so that no crowd of strangers pushes out anybody's rules.
    """

    def __init__(self, database: Database, feed: Feed, limiter: CapacityLimiter) -> None:
        self._database = database
        self._feed = feed
        self._limiter = limiter
        self._base: PolicyBase | None = None
        self._current = False  # whether no news about `base` came since it was read
        self._rules: Remembered[str, SubjectRules] = Remembered(SUBJECTS)
        self._strangers: Remembered[str, bool] = Remembered(STRANGERS)
        self._views: Remembered[Principal, _Held] = Remembered(SUBJECTS)
        self._state = 0  # rises with everything that is forgotten
        self._loading: dict[str, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        feed.subscribe(self._forget)

    @property
    def base(self) -> PolicyBase:
        """What is nobody's own, as last read; raises Unavailable before the first reading."""
        if self._base is None:
            raise Unavailable("the policy has not been read yet", what="database")
        return self._base

    def registry(self, service: str) -> Registry | None:
        """The registry of that name, None for none.

        Answers at once: for the moment between news about it and their reading, as it was.
        """
        if not self._current:
            self._begin([BASE])
        return self.base.registries.get(service)

    async def catch_up(self) -> None:
        """Wait until what is nobody's own is as the news say; raises Unavailable."""
        if not self._current:
            await self._fetch([BASE])

    async def load(self) -> None:
        """Read what every request needs; raises Unavailable."""
        await self._fetch([BASE, _SUBJECT + EVERYONE, _SUBJECT + AUTHENTICATED])

    def view_now(self, principal: Principal) -> View | None:
        """The view of a principal: the same object while nothing that it is made of changed.

        None when something must be read first; then ask `view`.
        """
        held = self._views.get(principal)
        if held is not None:
            if held.state == self._state or self._still_holds(held):
                return held.view
            self._views.forget(principal)
        return self._made(principal)

    async def view(self, principal: Principal) -> View:
        """The view of a principal, read where it is not remembered; raises Unavailable."""
        for _ in range(ATTEMPTS):
            view = self.view_now(principal)
            if view is not None:
                return view
            await self._fetch(self._missing(principal))
        raise Unavailable("the policy changes faster than it can be read", what="database")

    def _still_holds(self, held: _Held) -> bool:
        if not self._current or held.view.base is not self._base:
            return False
        for subject, rules in held.parts:
            if self._rules.get(subject) is not rules or not self._knows(subject):
                return False
        held.state = self._state
        return True

    def _made(self, principal: Principal) -> View | None:
        if self._base is None or self._missing(principal):
            return None
        parts = tuple([(who, self._rules.get(who)) for who in self._subjects(principal)])
        own = principal.subject
        counting = [
            rules
            for who, rules in parts
            if rules is not None and (who != own or rules.is_of(principal))
        ]
        view = view_of(self._base, principal, counting)
        self._views.put(principal, _Held(view, parts, self._state))
        return view

    def _missing(self, principal: Principal) -> list[str]:
        """The topics that must be read before the principal's view can be made."""
        base = [] if self._current else [BASE]
        subjects = [who for who in self._subjects(principal) if not self._knows(who)]
        return base + [_SUBJECT + subject for subject in subjects]

    def _knows(self, subject: str) -> bool:
        return self._rules.get(subject) is not None or self._strangers.get(subject) is not None

    def _subjects(self, principal: Principal) -> tuple[str, ...]:
        """All subjects that a principal is, as far as that is known yet."""
        subjects = audience(principal)
        if self._base is None:
            return subjects
        own = self._rules.get(principal.subject)
        direct = own.groups if own is not None and own.is_of(principal) else ()
        return (*subjects, *groups_of(principal, direct, self._base))

    async def _fetch(self, topics: list[str]) -> None:
        """Read topics and remember them; those that others are reading are waited for."""
        self._begin(topics)
        try:
            async with asyncio.timeout(PATIENCE):
                for task in {self._loading[topic] for topic in topics}:
                    # The reading goes on for the others when the one who began it goes away.
                    await asyncio.shield(task)
        except TimeoutError:
            raise Unavailable("the policy takes too long to be read", what="database") from None

    def _begin(self, topics: list[str]) -> None:
        wanted = [topic for topic in topics if topic not in self._loading]
        if wanted:
            task = asyncio.create_task(self._load(wanted, self._feed.version))
            self._tasks.add(task)
            self._loading.update(dict.fromkeys(wanted, task))
            task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # whoever waits gets it; a reading that nobody waits for may fail

    async def _load(self, topics: list[str], version: int) -> None:
        task = asyncio.current_task()
        try:
            loaded = await to_thread.run_sync(self._read, topics, limiter=self._limiter)
        finally:
            # News that came meanwhile have taken their topics out of `_loading`.
            still = [topic for topic in topics if self._loading.get(topic) is task]
            for topic in still:
                del self._loading[topic]
        if any(part.version < version for part in loaded.values()):
            raise Unavailable("the database is behind its own news", what="database")
        for topic in still:
            self._remember(loaded[topic])

    def _read(self, topics: list[str]) -> dict[str, PolicyBase | SubjectRules]:
        with self._database.read() as session:
            return {
                topic: store.load_base(session)
                if topic == BASE
                else store.load_rules(session, topic.removeprefix(_SUBJECT))
                for topic in topics
            }

    def _remember(self, loaded: PolicyBase | SubjectRules) -> None:
        if isinstance(loaded, PolicyBase):
            self._base, self._current = loaded, True
        elif loaded.empty:
            self._strangers.put(loaded.subject, True)
        else:
            self._rules.put(loaded.subject, loaded)

    def _forget(self, topics: frozenset[str] | None) -> None:
        """Take news from the feed; None means that anything may have changed."""
        self._state += 1
        if topics is None:
            self._loading.clear()
            self._rules.clear()
            self._strangers.clear()
            self._current = False
        for topic in topics or ():
            self._loading.pop(topic, None)
            self._rules.forget(topic.removeprefix(_SUBJECT))
            self._strangers.forget(topic.removeprefix(_SUBJECT))
            if topic == BASE:
                self._current = False
        if not self._current:
            self._begin([BASE])

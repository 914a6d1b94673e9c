"""Addresses that are known for an account: where it signed in during the last 30 days."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from queue import Empty, SimpleQueue

from sqlalchemy import String, bindparam, delete, select, text
from sqlalchemy.orm import Session, aliased

from authsvc.clock import Clock, utc
from authsvc.db.engine import Database
from authsvc.db.models import KnownAddress, UTCDateTime
from authsvc.errors import Unavailable

LIFE = timedelta(days=30)
DAY = 86_400.0  # seconds between two writes about the same account and address
PER_ACCOUNT = 100  # addresses, the newest
REMEMBERED = 100_000  # pairs of a process that were written, about 250 bytes each
LOOKED_UP = 1_000  # accounts and addresses of a process whose pairs are held
HOLDS = 2.0  # seconds
CHUNK = 200  # pairs of one write

_PUT = text(
    "INSERT INTO known_addresses (account, address, seen_at) VALUES (:account, :address, :now)"
    " ON CONFLICT (account, address) DO UPDATE SET seen_at = excluded.seen_at"
).bindparams(
    bindparam("account", type_=String()),
    bindparam("address", type_=String()),
    bindparam("now", type_=UTCDateTime()),
)

Pair = tuple[str, str]  # account, address
Asked = tuple[bool, str]  # whether by address, and the address or account
Thread = Callable[[Callable[[Asked], frozenset[str]], Asked], Awaitable[frozenset[str]]]


class KnownAddresses:
    """Reads and writes them. `saw` and `knows` belong to the event loop, `flush` to a job.

    `thread` runs what blocks in a thread. Nothing here keeps anybody waiting who is not refused.
    """

    def __init__(self, database: Database, clock: Clock, thread: Thread) -> None:
        self._database = database
        self._clock = clock
        self._thread = thread
        self._seen: OrderedDict[Pair, float] = OrderedDict()
        self._news: SimpleQueue[Pair] = SimpleQueue()
        self._looked_up: OrderedDict[Asked, tuple[float, frozenset[str]]] = OrderedDict()
        self._looking: dict[Asked, asyncio.Task[frozenset[str] | None]] = {}

    def saw(self, account: str, address: str) -> None:
        """Note a success, to be written soon and at most once a day."""
        pair, now = (account, address), self._clock.monotonic()
        if not address or now < self._seen.get(pair, 0.0):
            return
        self._seen[pair] = now + DAY
        if len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)
        self._news.put(pair)

    async def knows(self, account: str, address: str, *, by_address: bool = False) -> bool | None:
        """Whether the address is known for the account; None when that cannot be looked up.

        All addresses of the account are looked up at once, or `by_address` all accounts there:
        whichever of the two is asked for many times, a flood of questions is one look-up.
        """
        if not address:
            return False
        if self._clock.monotonic() < self._seen.get((account, address), 0.0):
            return True
        asked, wanted = ((True, address), account) if by_address else ((False, account), address)
        found = await self._found(asked)
        return None if found is None else wanted in found

    async def _found(self, asked: Asked) -> frozenset[str] | None:
        """What there is to a question; who asks the same meanwhile waits for the same answer."""
        until, found = self._looked_up.get(asked, (0.0, frozenset[str]()))
        if self._clock.monotonic() < until:
            return found
        if asked not in self._looking:
            task = asyncio.get_running_loop().create_task(self._look(asked))
            self._looking[asked] = task
            task.add_done_callback(lambda _: self._looking.pop(asked, None))
        return await asyncio.shield(self._looking[asked])

    async def _look(self, asked: Asked) -> frozenset[str] | None:
        now = self._clock.monotonic()
        try:
            found = await self._thread(self._look_up, asked)
        except Unavailable:
            return None
        self._looked_up[asked] = now + HOLDS, found
        self._looked_up.move_to_end(asked)
        if len(self._looked_up) > LOOKED_UP:
            self._looked_up.popitem(last=False)
        return found

    def _look_up(self, asked: Asked) -> frozenset[str]:
        by_address, text = asked
        key, other = KnownAddress.account, KnownAddress.address
        if by_address:
            key, other = other, key
        since = utc(self._clock.now()) - LIFE
        query = select(other).where(key == text, KnownAddress.seen_at > since)
        with self._database.read() as session:
            return frozenset(session.scalars(query))

    def flush(self) -> None:
        """Write what was seen. Blocks; raises Unavailable, and then tries the same again."""
        while pairs := self._some_news():
            try:
                self._write(pairs)
            except Unavailable:
                for pair in pairs:
                    self._news.put(pair)
                raise

    def _some_news(self) -> list[Pair]:
        pairs: dict[Pair, None] = {}
        while len(pairs) < CHUNK:
            try:
                pairs[self._news.get_nowait()] = None
            except Empty:
                break
        return list(pairs)

    def _write(self, pairs: list[Pair]) -> None:
        """What another worker has written today is not written again."""
        now = utc(self._clock.now())
        with self._database.read() as session:
            due = [pair for pair in pairs if _is_due(session, pair, now)]
        if due:
            with self._database.write() as session:
                # In the order of the keys: two workers never wait for each other in a ring.
                for account, address in sorted(due):
                    values = {"account": account, "address": address, "now": now}
                    session.connection().execute(_PUT, values)
                for account in sorted({account for account, _ in due}):
                    _keep_newest(session, account)

    def forget_old(self) -> None:
        """Remove addresses that are known no longer; for a job that one process of all runs."""
        since = utc(self._clock.now()) - LIFE
        with self._database.write() as session:
            session.execute(delete(KnownAddress).where(KnownAddress.seen_at <= since))


def _is_due(session: Session, pair: Pair, now: datetime) -> bool:
    row = session.get(KnownAddress, pair)
    return row is None or row.seen_at <= now - timedelta(seconds=DAY)


def _keep_newest(session: Session, account: str) -> None:
    one = aliased(KnownAddress)
    newest = (
        select(one.address)
        .where(one.account == account)
        .order_by(one.seen_at.desc(), one.address)
        .limit(PER_ACCOUNT)
    )
    others = delete(KnownAddress).where(
        KnownAddress.account == account, KnownAddress.address.not_in(newest)
    )
    session.execute(others.execution_options(synchronize_session=False))

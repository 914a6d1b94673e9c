"""When minted secrets were used last: noted for every use, written once a minute at most.

Whoever rotates a robot's secret wants to know whether the old one is still in use; no answer
waits for that.
"""

from collections import deque
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from sqlalchemy import Update, or_, select, update

from authsvc.clock import utc
from authsvc.db.engine import Database
from authsvc.db.models import Secret

EVERY = 60.0  # seconds between two writes of one secret
AT_ONCE = 500  # in one transaction: token records wait for it on SQLite
MOST = 100_000  # secrets that are kept in mind

Use = tuple[int, float]  # the row of a secret, and when it was used (wall clock seconds)


class LastUses:
    """The uses of minted secrets. `saw` is for the event loop, `write` for a job's thread."""

    def __init__(self, store: Callable[[Iterable[Use]], None]) -> None:
        self._store = store
        self._seen: dict[str, float] = {}
        self._pending: deque[Use] = deque(maxlen=MOST)

    def saw(self, credential_id: str, now: float) -> None:
        """Note that it is used now (wall clock seconds). Never waits."""
        last = self._seen.get(credential_id)
        if last is not None and 0 <= now - last < EVERY:
            return
        if len(self._seen) >= MOST:
            self._seen.clear()
        self._seen[credential_id] = now
        self._pending.append((int(credential_id), now))

    def write(self) -> None:
        """Write down what is new. Blocks; raises Unavailable, and then the next call writes it."""
        for _ in range(0, len(self._pending), AT_ONCE):
            some = [self._pending.popleft() for _ in range(min(AT_ONCE, len(self._pending)))]
            try:
                self._store(some)
            except BaseException:
                self._pending.extendleft(reversed(some))
                raise


def store(database: Database, uses: Iterable[Use]) -> None:
    """Write uses down, unless another worker did so within the minute. Blocks; raises Unavailable.

    Bookkeeping that alters no decision, so it is no change with a record of its own. Nor does it
    ever wait for a row, or it and what ends many secrets at once could wait for each other: one
    that somebody changes at this moment keeps the time that it has.
    """
    with database.write() as session:
        for row, now in uses:
            at = utc(now)
            session.execute(_update(row, at))


def _update(row: int, at: datetime) -> Update:
    """In place of one that is old, or of one to come: that clock was wrong."""
    used, minute = Secret.last_used_at, timedelta(seconds=EVERY)
    stale = or_(used.is_(None), used <= at - minute, used > at + minute)
    free = select(Secret.id).where(Secret.id == row, stale).with_for_update(skip_locked=True)
    return update(Secret).where(Secret.id.in_(free)).values(last_used_at=at)

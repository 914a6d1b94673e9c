"""How one worker keeps the refresh tokens that it gives."""

from functools import partial

from authsvc.changes import refresh
from authsvc.changes.unit_of_work import UnitOfWork
from authsvc.clock import utc
from authsvc.errors import Conflict, Invalid, Unavailable
from authsvc.identity.bulkhead import Bulkhead
from authsvc.principal import SYSTEM
from authsvc.tokens.refreshing import RefreshTokens

from .offline import Offline

WAITING = 64  # people who may wait for the one thread; they would wait for one lock anyway


def refresh_tokens_of(base: Offline, unit_of_work: UnitOfWork) -> RefreshTokens:
    """Refresh tokens are stored one after the other: each takes the lock of all edits."""
    threads = Bulkhead("refresh tokens", threads=1, queue=WAITING)
    most = base.settings.refresh.per_user_and_registry
    return RefreshTokens(partial(_store, unit_of_work, most), threads)


def forget_ended(base: Offline) -> None:
    """Remove those that have ended by themselves; a job for one worker."""
    bounds, now = base.settings.refresh, utc(base.clock.now())
    refresh.forget_ended(base.database, now, max_age=bounds.max_age, idle=bounds.idle)


def _store(unit_of_work: UnitOfWork, most: int, asked: refresh.Asked) -> int | None:
    try:
        return unit_of_work.run(SYSTEM, lambda tx: refresh.issue(tx, asked, most=most))
    except (Conflict, Invalid) as error:
        said = f"a refresh token for '{asked.who.name}' cannot be stored"
        raise Unavailable(said, what="database") from error

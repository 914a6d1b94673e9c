"""Redis or Valkey as a thing that may be away: what asks it waits for a moment at most.

The first call that fails, or takes too long, is the last one until a look from a thread beside the
requests (`look`, of a job) finds Redis well again. Meanwhile each process counts for itself.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import redis
from limits.aio.storage import RedisStorage
from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as Disconnected
from redis.exceptions import RedisError
from redis.retry import Retry

from authsvc import logs, metrics

PATIENCE = 0.08  # seconds that a request waits for Redis at most
LOOKING = 1.0  # seconds that a look from beside the requests may take
LOOKED = b"asv:look"  # written by a look
_LOOK = "return redis.call('SET', KEYS[1], '', 'PX', 1000)"  # by a script: so is what counts
AGAIN = 1  # a Redis that was started anew has closed what waits here: a broken line is no fault yet
CONNECTIONS = 16  # of a process; more questions than these wait for their turn

T = TypeVar("T")
_log = logs.get("limits")


class Away(Exception):
    """Redis does not answer, and is not waited for."""


class _Stalled(TimeoutError):
    """This process was busy for so long that it cannot tell whether Redis was."""


class SharedCounting:
    """One Redis for all replicas, by a URL that settings took.

    Used from one event loop, but for `look`.
    """

    def __init__(self, url: str, patience: float = PATIENCE) -> None:
        self._patience = patience
        pool = ConnectionPool.from_url(
            url, socket_timeout=LOOKING, socket_connect_timeout=LOOKING,
            retry=AsyncRetry(NoBackoff(), AGAIN, supported_errors=(Disconnected,)),
        )  # fmt: skip
        self._turns = asyncio.Semaphore(CONNECTIONS)
        self.client = Redis(connection_pool=pool)
        self._looking = redis.Redis.from_url(
            url, socket_timeout=LOOKING, socket_connect_timeout=LOOKING,
            retry=Retry(NoBackoff(), AGAIN, supported_errors=(Disconnected,)),
        )  # fmt: skip
        self._look = self._looking.register_script(_LOOK)
        options: dict[str, Any] = {"connection_pool": pool}
        self.storage = RedisStorage(
            "async+redis://", implementation="redispy", key_prefix="asv", **options
        )
        self.away = False

    async def ask(self, question: Callable[[], Awaitable[T]], patience: float | None = None) -> T:
        """What Redis answers; it may be asked twice. Raises Away.

        Waiting for one's turn is not waiting for Redis: in a burst it may take longer.
        """
        patience = self._patience if patience is None else patience
        async with self._turns:
            if self.away:
                raise Away
            try:
                try:
                    return await self._answered(question, patience)
                except _Stalled:
                    return await self._answered(question, patience)
            except (RedisError, OSError, TimeoutError) as error:
                self._gone(error)
                raise Away from error

    async def _answered(self, question: Callable[[], Awaitable[T]], patience: float) -> T:
        """Raises _Stalled when it was this process that did not look at an answer in time."""
        now = asyncio.get_running_loop().time
        begun = now()
        try:
            async with asyncio.timeout(patience):
                return await question()
        except TimeoutError as error:
            if now() - begun > 2 * patience:
                raise _Stalled from error
            raise

    async def told(
        self, news: Callable[[], Awaitable[object]], patience: float | None = None
    ) -> None:
        """Tell Redis what it may also miss."""
        with contextlib.suppress(Away):
            await self.ask(news, patience)

    def look(self) -> None:
        """Whether Redis takes what is written, in a second or so; blocks, for a job.

        One that only answers (a replica, or one without memory to spare) cannot count, nor can one
        that lets this user run no scripts.
        """
        try:
            self._look([LOOKED])
        except (RedisError, OSError) as error:
            self._gone(error)
        else:
            metrics.REDIS_UP.set(1)
            if self.away:
                _log.warning("Redis answers again: limits are counted for all replicas together")
            self.away = False

    def _gone(self, error: Exception) -> None:
        metrics.REDIS_UP.set(0)
        if not self.away:
            _log.warning(
                "Redis does not answer: each worker counts limits for itself",
                reason=type(error).__name__,
            )
        self.away = True

    async def close(self) -> None:
        """Close all connections."""
        await self.client.aclose()
        await self.client.connection_pool.disconnect()
        self._looking.close()

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
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from authsvc import logs

PATIENCE = 0.08  # seconds that a request waits for Redis at most
LOOKING = 1.0  # seconds that a look from beside the requests may take
CONNECTIONS = 16  # of a process

T = TypeVar("T")
_log = logs.get("limits")


class Away(Exception):
    """Redis does not answer, and is not waited for."""


class SharedCounting:
    """One Redis for all replicas. Used from one event loop, but for `look`."""

    def __init__(self, url: str, patience: float = PATIENCE) -> None:
        self._patience = patience
        pool = BlockingConnectionPool.from_url(
            url, max_connections=CONNECTIONS, timeout=patience, socket_timeout=patience,
            socket_connect_timeout=patience, retry=AsyncRetry(NoBackoff(), 0),
        )  # fmt: skip
        self.client = Redis(connection_pool=pool)
        self._looking = redis.Redis.from_url(
            url, socket_timeout=LOOKING, socket_connect_timeout=LOOKING,
            retry=Retry(NoBackoff(), 0),
        )  # fmt: skip
        options: dict[str, Any] = {"connection_pool": pool}
        self.storage = RedisStorage(
            "async+redis://", implementation="redispy", key_prefix="asv", **options
        )
        self.away = False

    async def ask(self, question: Awaitable[T], patience: float | None = None) -> T:
        """What Redis answers. Raises Away; look at `away` before you ask."""
        try:
            async with asyncio.timeout(self._patience if patience is None else patience):
                return await question
        except (RedisError, OSError, TimeoutError) as error:
            self._gone(error)
            raise Away from error

    async def told(self, news: Callable[[], Awaitable[object]], patience: float = PATIENCE) -> None:
        """Tell Redis what it may also miss."""
        if not self.away:
            with contextlib.suppress(Away):
                await self.ask(news(), patience)

    def look(self) -> None:
        """Whether Redis answers, by a call that blocks for a second at most; for a job."""
        try:
            self._looking.ping()
        except (RedisError, OSError) as error:
            self._gone(error)
        else:
            if self.away:
                _log.warning("Redis answers again: limits are counted for all replicas together")
            self.away = False

    def _gone(self, error: Exception) -> None:
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

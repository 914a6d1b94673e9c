"""A real Redis, for all tests or for one; workers on it."""

import asyncio
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from identity.limited import several
from real.redis import RedisServer

from authsvc.db.engine import Database


def _running() -> Iterator[RedisServer]:
    folder = Path(tempfile.mkdtemp(prefix="asv-redis-", dir="/tmp"))
    server = RedisServer(folder)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def one_redis() -> Iterator[RedisServer]:
    yield from _running()


@pytest.fixture
def redis_server(one_redis) -> RedisServer:
    """An empty Redis. Leave it running."""
    one_redis.say("FLUSHALL")
    return one_redis


@pytest.fixture
def redis_of_its_own() -> Iterator[RedisServer]:
    """A Redis for one test that stops or freezes it."""
    yield from _running()


@pytest.fixture
def tell(sqlite_url):
    """Runs a story with so many workers, all of one installation and one Redis."""
    database = Database(sqlite_url)

    def telling(server, story, workers=2, **more):
        async def inside():
            async with several(database, server.url, workers, **more) as all_of_them:
                await story(*all_of_them)

        asyncio.run(inside())

    yield telling
    database.dispose()

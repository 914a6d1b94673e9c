"""A real Redis, for all tests or for one; workers on it."""

import asyncio
from collections.abc import Iterator

import pytest
from identity.limited import several
from real.redis import RedisServer, running

from authsvc.db.engine import Database


@pytest.fixture(scope="session")
def one_redis() -> Iterator[RedisServer]:
    with running() as server:
        yield server


@pytest.fixture
def redis_server(one_redis) -> RedisServer:
    """An empty Redis. Leave it running."""
    one_redis.say("FLUSHALL")
    return one_redis


@pytest.fixture
def redis_of_its_own() -> Iterator[RedisServer]:
    """A Redis for one test that stops or freezes it."""
    with running() as server:
        yield server


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

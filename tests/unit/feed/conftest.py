from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from fakeredis import FakeAsyncRedis
from redis.asyncio import Redis

from tests.support.clock import FakeClock
from tests.support.feed.in_memory_feed import InMemoryFeed, open_in_memory_feed
from tests.support.feed.sources import InMemorySources


@pytest.fixture
async def redis() -> AsyncIterator[Redis]:
    async with FakeAsyncRedis() as fake:
        yield fake


@pytest.fixture
def sources() -> InMemorySources:
    return InMemorySources()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def feed() -> AsyncIterator[InMemoryFeed]:
    async with open_in_memory_feed() as opened:
        yield opened

"""Connects to a Redis of read models, and translates its failures into the problem of the service that reads them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import BusyLoadingError, ConnectionError, OutOfMemoryError, ReadOnlyError, TimeoutError

from photomesh_shared.errors import Unavailable

__all__ = ["RedisProbe", "open_probe", "open_redis", "redis_errors"]

_UNAVAILABLE = (ConnectionError, TimeoutError, BusyLoadingError, ReadOnlyError, OutOfMemoryError, OSError)
_TIMEOUT_SECONDS = 5.0
_CONNECTIONS = 64


@contextmanager
def redis_errors(unavailable: type[Unavailable]) -> Iterator[None]:
    """Raises `unavailable` in place of failures that pass. Others are bugs and stay what they are."""
    try:
        yield
    except _UNAVAILABLE as error:
        raise unavailable(f"Redis: {type(error).__name__}") from error


@asynccontextmanager
async def open_redis(url: str, *, connections: int = _CONNECTIONS) -> AsyncIterator[Redis]:
    """Yields a client with a bounded pool, for which callers wait. Connects with the first command."""
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=connections,
        timeout=_TIMEOUT_SECONDS,
        socket_timeout=_TIMEOUT_SECONDS,
        # One retry, at once, for a connection that died while idle; longer outages are the caller's to wait for.
        retry=Retry(NoBackoff(), 1),
    )
    async with Redis.from_pool(pool) as redis:
        yield redis


class RedisProbe:
    """A readiness check on a connection of its own: a pool that is fully used does not look like a Redis that is down,
    and the check takes no connection from requests."""

    def __init__(self, redis: Redis, unavailable: type[Unavailable]) -> None:
        self._redis = redis
        self._unavailable = unavailable

    async def check(self) -> None:
        """Raises `unavailable`."""
        with redis_errors(self._unavailable):
            await self._redis.ping()


@asynccontextmanager
async def open_probe(url: str, unavailable: type[Unavailable]) -> AsyncIterator[RedisProbe]:
    """Connects at the first check."""
    async with open_redis(url, connections=1) as redis:
        yield RedisProbe(redis, unavailable)

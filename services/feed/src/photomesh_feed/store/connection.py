"""Connecting to Redis, what its failures mean, and the scripts that run in it.

Scripts are registered by their text: redis-py calls EVALSHA and loads the script again when the server has lost it.

On one Redis (or one behind Sentinel) a script may touch any key. In a Redis Cluster all keys of a call must be in one
slot. Then the names of keys would begin with a hash tag of the account's shard (``{17}f:…``, 17 = account id mod 1024),
fan-out tasks would be cut by shard rather than by 1,000, and the check for a tombstone would be a call of its own.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from importlib.resources import files

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.commands.core import AsyncScript
from redis.exceptions import BusyLoadingError, ConnectionError, OutOfMemoryError, ReadOnlyError, TimeoutError

from photomesh_shared.errors import Unavailable

__all__ = ["FeedsUnavailable", "answering", "open_redis", "script"]

_AWAY = (ConnectionError, TimeoutError, BusyLoadingError, ReadOnlyError, OutOfMemoryError, OSError)
_ANSWER_SECONDS = 5.0
_CONNECTIONS = 64


class FeedsUnavailable(Unavailable):
    """Where feeds are kept does not answer at the moment. Try again in a few seconds."""

    code, title = "feeds-unavailable", "Feeds are not available"


@contextmanager
def answering() -> Iterator[None]:
    """Turns failures that pass into FeedsUnavailable. Others are faults of ours and stay what they are."""
    try:
        yield
    except _AWAY as error:
        raise FeedsUnavailable(f"Redis: {type(error).__name__}") from error


@asynccontextmanager
async def open_redis(url: str) -> AsyncIterator[Redis]:
    """A client whose callers wait for a free connection rather than open ever more of them. Nothing is asked yet."""
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=_CONNECTIONS,
        timeout=_ANSWER_SECONDS,
        socket_timeout=_ANSWER_SECONDS,
        # Once more and at once, for a connection that died while idle; whoever calls knows how to wait for longer.
        retry=Retry(NoBackoff(), 1),
    )
    async with Redis.from_pool(pool) as redis:
        yield redis


def script(redis: Redis, *names: str) -> AsyncScript:
    """The script in ``scripts/<name>.lua``; several files follow one another."""
    folder = files(__package__) / "scripts"
    return redis.register_script("".join((folder / f"{name}.lua").read_text() for name in names))

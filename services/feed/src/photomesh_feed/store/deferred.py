"""Fan-outs that wait."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from redis.asyncio import Redis

from photomesh_feed.domain.fanout import DeferredFanout
from photomesh_feed.store import keys
from photomesh_feed.store.connection import redis_errors
from photomesh_feed.store.scripts import load_script

__all__ = ["RedisDeferredFanouts"]


class RedisDeferredFanouts:
    """Every method raises FeedsUnavailable."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._take = load_script(redis, "write/take_deferred")

    async def add(self, fanout: DeferredFanout, due: datetime) -> None:
        with redis_errors():
            await self._redis.zadd(keys.DEFERRED, {_member(fanout): due.timestamp()})

    async def take(self, now: datetime, until: datetime, limit: int) -> Sequence[DeferredFanout]:
        """Returns those that are due; unless they are removed, they are due again at `until`."""
        with redis_errors():
            due: Any = await self._take(keys=[keys.DEFERRED], args=[now.timestamp(), until.timestamp(), limit])
        return [_of_member(member.decode()) for member in due]

    async def remove(self, fanout: DeferredFanout) -> None:
        with redis_errors():
            await self._redis.zrem(keys.DEFERRED, _member(fanout))

    async def count(self) -> int:
        with redis_errors():
            return int(await self._redis.zcard(keys.DEFERRED))


def _member(fanout: DeferredFanout) -> str:
    return f"{fanout.post_id} {fanout.author_id} {fanout.at.isoformat()}"


def _of_member(member: str) -> DeferredFanout:
    post_id, author_id, at = member.split(" ")
    return DeferredFanout(int(post_id), int(author_id), datetime.fromisoformat(at))

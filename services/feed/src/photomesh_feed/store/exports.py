"""What ranking holds of an account in Redis, for its export."""

from __future__ import annotations

from typing import Any

from redis.asyncio import Redis

from photomesh_feed.domain.affinity import Affinity
from photomesh_feed.store import keys
from photomesh_feed.store.connection import redis_errors

__all__ = ["RankingRecords"]


class RankingRecords:
    """Implements `reading.exports.RankingStore`. Every method raises FeedsUnavailable."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def affinities(self, account_id: int, start: int, limit: int) -> list[Affinity]:
        """Return a part of the account's affinities, the strongest first."""
        with redis_errors():
            key, last = keys.affinity(account_id), start + limit - 1
            found: Any = await self._redis.zrange(key, start, last, desc=True, withscores=True)
        return [Affinity(int(author), float(score)) for author, score in found]

    async def latest_order(self, account_id: int) -> list[int]:
        """Return the posts of the latest ranked order, suggested ones as well; empty without one."""
        with redis_errors():
            name: Any = await self._redis.hget(keys.latest_order(account_id), "name")
            entries = await self._redis.lrange(keys.order(account_id, name.decode()), 1, -1) if name else []
        return [int(entry) for entry in entries if entry.isdigit()]

    async def impressions(self, account_id: int) -> int:
        """Return how many posts the account's apps reported as seen."""
        with redis_errors():
            return int(await self._redis.get(keys.impressions(account_id)) or 0)

    async def engagements(self, account_id: int) -> int:
        """Return how many likes and comments ranking knows of."""
        with redis_errors():
            fields: Any = await self._redis.hkeys(keys.likes(account_id))
        return sum(field.decode() != keys.MARKER for field in fields)

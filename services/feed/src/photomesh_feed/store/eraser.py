"""Erases what Redis has of an account."""

from __future__ import annotations

from redis.asyncio import Redis

from photomesh_feed.store import keys
from photomesh_feed.store.connection import redis_errors

__all__ = ["FeedEraser"]

_ERASED_SECONDS = 90 * 86_400  # as long as requests for erasures can be repeated
_SCANNED = 1_000  # keys in one call, during which Redis serves nobody else
_OF_OTHERS = (keys.FOLLOW_VERSIONS, keys.FOLLOWING, keys.MUTED, keys.AFFINITY)


class FeedEraser:
    """Every method is idempotent and raises FeedsUnavailable."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def mark_erased(self, account_id: int, version: int) -> None:
        """Replaces the account's names by a marker of this version, which hides its posts and outlives late events."""
        user = keys.user(account_id)
        with redis_errors():
            async with self._redis.pipeline(transaction=True) as pipe:
                pipe.delete(user)
                pipe.hset(user, mapping={"hidden": "1", "erased": "1", "v": version})
                pipe.expire(user, _ERASED_SECONDS)
                await pipe.execute()

    async def is_erased(self, account_id: int) -> bool:
        with redis_errors():
            return await self._redis.hget(keys.user(account_id), "erased") is not None

    async def delete_own(self, account_id: int) -> int:
        """Deletes the account's feed, relations, states, affinities and ranked orders; returns how many keys."""
        names = [
            kind(account_id)
            for kind in (
                keys.feed,
                keys.timeline,
                keys.follow_versions,
                keys.following,
                keys.muted,
                keys.likes,
                keys.saves,
                keys.affinity,
                keys.impressions,
                keys.latest_order,
                keys.fill_lock,
            )
        ]
        with redis_errors():
            orders = [
                key async for key in self._redis.scan_iter(match=f"{keys.order(account_id, '*')}", count=_SCANNED)
            ]
            async with self._redis.pipeline(transaction=False) as pipe:
                pipe.unlink(*names, *orders)
                pipe.zrem(keys.PULLED, str(account_id))
                pipe.srem(keys.REFILLING, str(account_id))
                deleted, *_ = await pipe.execute()
        return int(deleted)

    async def delete_from_others(self, account_id: int) -> int:
        """Removes the account from the relations and affinities of all others, in as many short calls as Redis has
        keys; returns from how many."""
        member, removed = str(account_id), 0
        with redis_errors():
            for prefix in _OF_OTHERS:
                found: list[bytes] = []
                async for key in self._redis.scan_iter(match=f"{prefix}*", count=_SCANNED):
                    found.append(key)
                    if len(found) == _SCANNED:
                        removed += await self._remove(prefix, found, member)
                        found = []
                removed += await self._remove(prefix, found, member)
        return removed

    async def _remove(self, prefix: str, found: list[bytes], member: str) -> int:
        async with self._redis.pipeline(transaction=False) as pipe:
            for key in found:
                if prefix == keys.FOLLOW_VERSIONS:
                    pipe.hdel(key, member, f"m{member}")
                elif prefix == keys.AFFINITY:
                    pipe.zrem(key, member)
                else:
                    pipe.srem(key, member)
            answers = await pipe.execute() if found else []
        return sum(bool(answer) for answer in answers)

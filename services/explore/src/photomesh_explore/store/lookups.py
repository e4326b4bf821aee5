"""Reads that both the scoring and the API need. Each is one round trip, for any number of keys."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from typing import Any, TypeVar

from redis.asyncio import Redis

from photomesh_explore.candidates.domain import Engagement, PostInfo
from photomesh_explore.store import keys
from photomesh_explore.store.connection import redis_errors

__all__ = ["Lookups", "each"]

K = TypeVar("K", bound=Hashable)


async def each(redis: Redis, ids: Collection[K], ask: Callable[[Any, K], object]) -> dict[K, Any]:
    """Return the answers to one command for each id. Raises ExploreUnavailable."""
    if not ids:
        return {}
    with redis_errors():
        async with redis.pipeline(transaction=False) as pipe:
            for one in ids:
                ask(pipe, one)
            return dict(zip(ids, await pipe.execute(), strict=True))


class Lookups:
    """Every method raises ExploreUnavailable. What is not known is left out."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def posts(self, post_ids: Collection[int]) -> Mapping[int, PostInfo]:
        if not post_ids:
            return {}
        wanted = list(post_ids)
        with redis_errors():
            stored: Any = await self._redis.mget([f"{keys.POST}{post_id}" for post_id in wanted])
        found = ((post_id, _info(post_id, value)) for post_id, value in zip(wanted, stored, strict=True) if value)
        return {post_id: info for post_id, info in found if info}

    async def posts_written(self, author_ids: Collection[int]) -> Mapping[int, Sequence[int]]:
        """By author, its posts, the newest first: also those that may not be shown."""
        return await self._lists({one: f"{keys.WRITTEN}{one}" for one in author_ids})

    async def posts_tagged(self, tags: Collection[str]) -> Mapping[str, Sequence[int]]:
        return await self._lists({one: f"{keys.TAG}{one}" for one in tags})

    async def posts_in(self, cells: Collection[str]) -> Mapping[str, Sequence[int]]:
        return await self._lists({one: f"{keys.CELL}{one}" for one in cells})

    async def engagements(self, account_ids: Collection[int]) -> Mapping[int, Sequence[Engagement]]:
        """What accounts like and saved, as far as it is kept."""
        found = await each(self._redis, account_ids, lambda pipe, one: pipe.hgetall(f"{keys.ENGAGED}{one}"))
        return {
            account_id: [
                Engagement(int(field[1:]), int(version) // 1000, saved=field[:1] == b"s")
                for field, version in fields.items()
                if int(version) > 0
            ]
            for account_id, fields in found.items()
        }

    async def follower_counts(self, account_ids: Collection[int]) -> Mapping[int, int]:
        found = await each(
            self._redis, account_ids, lambda pipe, one: pipe.hget(f"{keys.FOLLOWERS}{keys.bucket(one)}", str(one))
        )
        return {account_id: int(value.split(b":")[1]) for account_id, value in found.items() if value}

    async def public(self, account_ids: Collection[int]) -> Collection[int]:
        """Return those of the accounts that are public."""
        found = await each(
            self._redis, account_ids, lambda pipe, one: pipe.hget(f"{keys.ACCOUNTS}{keys.bucket(one)}", str(one))
        )
        return {account_id for account_id, value in found.items() if value and value.endswith(b":1")}

    async def _lists(self, names: Mapping[K, str]) -> Mapping[K, Sequence[int]]:
        found = await each(self._redis, list(names), lambda pipe, one: pipe.zrevrange(names[one], 0, -1))
        return {one: [int(member) for member in members] for one, members in found.items()}


def _info(post_id: int, value: bytes) -> PostInfo | None:
    lines = value.decode().split("\n")
    if len(lines) < 6:
        return None  # it was deleted
    _, author, at, cell, tags, place = lines[:6]
    return PostInfo(post_id, int(author), int(at), tuple(tags.split()), cell, place)

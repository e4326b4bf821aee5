"""Reads of the API."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from photomesh_explore.candidates.domain import Trend
from photomesh_explore.store import keys
from photomesh_explore.store.connection import redis_errors
from photomesh_explore.store.lookups import Lookups, each

__all__ = ["CandidateReader"]

_MAX_TRENDS = 200


class CandidateReader(Lookups):
    """Every method raises ExploreUnavailable."""

    async def seen_filters(self, viewer_id: int) -> Sequence[bytes]:
        """Return the Bloom filters of what a viewer was shown."""
        with redis_errors():
            filters: Any = await self._redis.mget([f"{keys.SEEN}{viewer_id}:{half}" for half in "01"])
        return [one for one in filters if one]

    async def following(self, account_ids: Collection[int]) -> Mapping[int, Sequence[int]]:
        """Whom accounts follow, the latest first, as far as it is kept."""
        found = await each(self._redis, account_ids, lambda pipe, one: pipe.hgetall(f"{keys.FOLLOWS}{one}"))
        return {account_id: _active(fields) for account_id, fields in found.items()}

    async def muted(self, viewer_id: int) -> Collection[int]:
        found = await each(self._redis, [viewer_id], lambda pipe, one: pipe.hgetall(f"{keys.MUTES}{one}"))
        return set(_active(found[viewer_id]))

    async def neighbours(self, post_ids: Collection[int]) -> Mapping[int, Sequence[tuple[int, float]]]:
        found = await each(
            self._redis, post_ids, lambda pipe, one: pipe.zrevrange(f"{keys.NEIGHBOURS}{one}", 0, -1, withscores=True)
        )
        return {post_id: [(int(one), score) for one, score in pairs] for post_id, pairs in found.items()}

    async def trending(self) -> Sequence[int]:
        with redis_errors():
            members: Any = await self._redis.zrevrange(keys.TOP, 0, -1)
        return [int(one) for one in members]

    async def newest(self) -> Sequence[int]:
        with redis_errors():
            members: Any = await self._redis.zrevrange(keys.ALL, 0, -1)
        return [int(one) for one in members]

    async def shown_counts(self, author_ids: Collection[int]) -> Mapping[int, int]:
        """By author, how often posts of it were shown by explore in the last week."""
        found = await each(self._redis, author_ids, lambda pipe, one: pipe.get(f"{keys.SHOWN}{one}"))
        return {author_id: int(count or 0) for author_id, count in found.items()}

    async def was_shown(self, viewer_id: int, post_id: int) -> bool:
        with redis_errors():
            return bool(await self._redis.hexists(f"{keys.WHY}{viewer_id}", str(post_id)))

    async def tag_trends(self) -> Mapping[str, Trend]:
        return await self._trends(keys.TAG_TRENDS, "h")

    async def cell_trends(self) -> Mapping[str, Trend]:
        return await self._trends(keys.CELL_TRENDS, "c")

    async def _trends(self, key: str, kind: str) -> Mapping[str, Trend]:
        with redis_errors():
            scores: Any = await self._redis.zrevrange(key, 0, _MAX_TRENDS - 1, withscores=True)
            names = [one.decode() for one, _ in scores]
            about: Any = (
                await self._redis.hmget(keys.TREND_NAMES, [f"{kind}:{name}" for name in names]) if names else []
            )
        found: dict[str, Trend] = {}
        for name, (_, score), value in zip(names, scores, about, strict=True):
            if value:
                count, _, shown = value.decode().partition("\n")
                found[name] = Trend(score, int(count), shown)
        return found


def _active(fields: Mapping[bytes, bytes]) -> list[int]:
    versions = {int(account): int(version) for account, version in fields.items() if int(version) > 0}
    return sorted(versions, key=lambda one: -versions[one])

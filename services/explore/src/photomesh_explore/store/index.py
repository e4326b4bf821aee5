"""Writes of the consumer: events, scores, erasures. `keys` says what lies where."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from redis.asyncio import Redis

from photomesh_explore.candidates.domain import PostInfo, Trend, ms_of
from photomesh_explore.candidates.scoring import Due, Scored
from photomesh_explore.errors import ExploreUnavailable
from photomesh_explore.store import keys
from photomesh_explore.store.connection import Scripts, redis_errors
from photomesh_explore.store.lookups import Lookups, each
from photomesh_shared.clock import Clock
from photomesh_shared.events.versions import version_at

__all__ = ["ExploreIndex"]

_LEASE_MS = 30_000


class ExploreIndex(Lookups):
    """Every method raises ExploreUnavailable."""

    def __init__(self, redis: Redis, clock: Clock) -> None:
        super().__init__(redis)
        self._clock = clock
        self._scripts = Scripts(
            redis, "post", "account", "engaged", "relation", "followers", "take", "scored", "forget", "built"
        )

    async def _run(self, name: str, *arguments: object) -> Any:
        return await self._scripts.run(name, self._now_ms(), *arguments)

    def _now_ms(self) -> int:
        return ms_of(self._clock.now())

    # Events

    async def post(self, info: PostInfo, version: int) -> None:
        lines = (info.author_id, info.published_ms, info.cell, " ".join(info.tags), info.place)
        await self._run("post", info.post_id, version, "\n".join(str(line) for line in lines))

    async def post_deleted(self, post_id: int, version: int) -> None:
        await self._run("post", post_id, version, "")

    async def account(self, account_id: int, version: int, *, public: bool) -> None:
        await self._run("account", account_id, version, int(public))

    async def followers(self, account_id: int, count: int, at: datetime) -> None:
        await self._run("followers", account_id, version_at(at), max(count, 0))

    async def engaged(self, account_id: int, post_id: int, version: int, *, saved: bool, active: bool) -> None:
        await self._run("engaged", "s" if saved else "l", account_id, post_id, version, int(active))

    async def follows(self, account_id: int, other_id: int, version: int, *, active: bool) -> None:
        await self._run("relation", keys.FOLLOWS, account_id, other_id, version, int(active), keys.MAX_FOLLOWS)

    async def mutes(self, account_id: int, other_id: int, version: int, *, active: bool) -> None:
        await self._run("relation", keys.MUTES, account_id, other_id, version, int(active), keys.MAX_MUTES)

    # Scores

    async def take_due(self, limit: int) -> Due:
        """Take what has to be scored: others get it only after the lease."""
        lease = self._now_ms() + _LEASE_MS
        members = await self._run("take", limit, lease)
        of: dict[str, list[str]] = {"o": [], "h": [], "c": []}
        for member in members:
            kind, _, name = member.decode().partition(":")
            of[kind].append(name)
        return Due([int(one) for one in of["o"]], of["h"], of["c"], lease)

    async def due_count(self) -> int:
        with redis_errors():
            return int(await self._redis.zcard(keys.DUE))

    async def likers(self, post_ids: Collection[int]) -> Mapping[int, Mapping[int, int]]:
        """By post, who likes it, and since when in milliseconds."""
        found = await each(self._redis, post_ids, lambda pipe, one: pipe.hgetall(f"{keys.LIKERS}{one}"))
        return {
            post_id: {int(account): int(version) // 1000 for account, version in fields.items() if int(version) > 0}
            for post_id, fields in found.items()
        }

    async def liker_counts(self, post_ids: Collection[int]) -> Mapping[int, int]:
        """By post, roughly how many like it: up to what is kept, with some who do not any more."""
        return await each(self._redis, post_ids, lambda pipe, one: pipe.hlen(f"{keys.LIKERS}{one}"))

    async def save_scores(
        self,
        due: Due,
        posts: Mapping[int, Scored],
        tags: Mapping[str, Trend],
        cells: Mapping[str, Trend],
    ) -> None:
        arguments: list[object] = []
        for post_id in due.posts:
            scored = posts.get(post_id, Scored(None))
            arguments += [f"o:{post_id}", "" if scored.score is None else repr(scored.score), 0, ""]
            arguments.append(len(scored.neighbours))
            for pair in scored.neighbours:
                arguments += pair
        for kind, names, trends in (("h", due.tags, tags), ("c", due.cells, cells)):
            for name in names:
                trend = trends.get(name)
                arguments += [f"{kind}:{name}", repr(trend.score) if trend else ""]
                arguments += [trend.accounts if trend else 0, trend.name if trend else "", 0]
        await self._run("scored", due.lease, *arguments)

    # Erasure

    async def mark_erased(self, account_id: int) -> None:
        """Hide all posts of an account, whatever is heard of it later."""
        await self._run("account", account_id, version_at(self._clock.now()), "x")

    async def forget(self, account_id: int) -> int:
        """Remove all about an account that is erased. Returns how many posts it had."""
        count = await self._run("forget", account_id)
        if count is None:
            raise ExploreUnavailable("what explore knows is being built again")
        return int(str(count))

    # Building

    async def is_ready(self) -> bool:
        with redis_errors():
            return bool(await self._redis.exists(keys.READY))

    async def begin_building(self, token: str) -> bool:
        """Returns False if another process builds. A building whose process has died is over after a minute."""
        with redis_errors():
            return bool(await self._redis.set(keys.BUILDING, token, nx=True, ex=keys.BUILDING_SECONDS))

    async def keep_building(self) -> None:
        with redis_errors():
            await self._redis.expire(keys.BUILDING, keys.BUILDING_SECONDS)

    async def finish_building(self, token: str) -> bool:
        """Returns False if Redis lost everything once more, or somebody else builds."""
        return bool(await self._run("built", token))

"""Reads all that Redis holds, part by part, for its comparison with the topics."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator, Sequence
from typing import Any

from redis.asyncio import Redis

from photomesh_feed.domain.holdings import HeldAccount, HeldPost, HeldReader, HeldStates, HeldTimeline, Holdings
from photomesh_feed.domain.timelines import TIMELINE_POSTS
from photomesh_feed.store import keys
from photomesh_feed.store.connection import redis_errors

__all__ = ["FeedHoldings", "part_of"]

_SCANNED = 1_000  # keys in one call, during which Redis serves nobody else
_READ = 100


def part_of(id_: int, parts: int) -> int:
    """Returns the part of an account, or a post: the same in every process."""
    return zlib.crc32(str(id_).encode()) % parts


class FeedHoldings:
    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def read(self, part: int, parts: int) -> Holdings:
        """Returns what there is about the accounts and posts of a part. Feeds that are being filled, and timelines that
        have no post yet, are left out. Raises FeedsUnavailable."""
        found = Holdings()
        with redis_errors():
            async for ids in self._ids(keys.FEED, part, parts):
                found.readers.update(await self._readers(ids))
            async for ids in self._ids(keys.TIMELINE, part, parts):
                found.timelines.update(await self._timelines(ids))
            async for ids in self._ids(keys.POST, part, parts):
                found.posts.update(await self._posts(ids))
            async for ids in self._ids(keys.USER, part, parts):
                found.accounts.update(await self._accounts(ids))
            pulled: Any = await self._redis.zrange(keys.PULLED, 0, -1)
            refilling: Any = await self._redis.smembers(keys.REFILLING)
            found.pulled = {int(member) for member in [*pulled, *refilling]}
        return found

    async def _ids(self, prefix: str, part: int, parts: int) -> AsyncIterator[list[int]]:
        batch: set[int] = set()
        async for key in self._redis.scan_iter(match=f"{prefix}*", count=_SCANNED):
            id_ = int(key[len(prefix) :])
            if part_of(id_, parts) == part:
                batch.add(id_)
            if len(batch) == _READ:
                yield list(batch)
                batch.clear()
        yield list(batch)

    async def _readers(self, ids: Sequence[int]) -> dict[int, HeldReader]:
        async with self._redis.pipeline(transaction=False) as pipe:
            for account in ids:
                pipe.zrange(keys.feed(account), 0, -1)
                pipe.hexists(keys.follow_versions(account), keys.MARKER)
                pipe.smembers(keys.following(account))
                pipe.smembers(keys.muted(account))
                pipe.hgetall(keys.likes(account))
                pipe.hgetall(keys.saves(account))
            answers = await pipe.execute()
        readers = {}
        for account, (members, marked, following, muted, likes, saves) in zip(ids, _by(6, answers), strict=True):
            if members and members[0] == keys.COMPLETE.encode() and marked:
                readers[account] = HeldReader(
                    _posts(members),
                    keys.BOTTOM.encode() in members,
                    {int(member) for member in following},
                    {int(member) for member in muted},
                    _states(likes),
                    _states(saves),
                )
        return readers

    async def _timelines(self, ids: Sequence[int]) -> dict[int, HeldTimeline]:
        async with self._redis.pipeline(transaction=False) as pipe:
            for author in ids:
                pipe.zrange(keys.timeline(author), 0, -1)
            answers = await pipe.execute()
        timelines = {}
        for author, members in zip(ids, answers, strict=True):
            posts = _posts(members)
            is_whole = bool(members) and members[0] == keys.COMPLETE.encode() and len(posts) < TIMELINE_POSTS
            if posts or is_whole:
                timelines[author] = HeldTimeline(posts, is_whole)
        return timelines

    async def _posts(self, ids: Sequence[int]) -> dict[int, HeldPost]:
        async with self._redis.pipeline(transaction=False) as pipe:
            for post in ids:
                pipe.hmget(keys.post(post), ["x", "v", "s", "a", "lc", "cc"])
            answers = await pipe.execute()
        return {
            post: HeldPost(
                deleted is not None,
                int(version or 0),
                static,
                int(author) if author else None,
                int(lc or 0),
                int(cc or 0),
            )
            for post, (deleted, version, static, author, lc, cc) in zip(ids, answers, strict=True)
        }

    async def _accounts(self, ids: Sequence[int]) -> dict[int, HeldAccount]:
        async with self._redis.pipeline(transaction=False) as pipe:
            for account in ids:
                pipe.hgetall(keys.user(account))
            answers = await pipe.execute()
        found = {}
        for account, raw in zip(ids, answers, strict=True):
            fields = {name.decode(): value.decode() for name, value in raw.items()}
            fields.pop("v", None)
            found[account] = HeldAccount(fields.pop("erased", None) is not None, fields)
        return found


def _by(size: int, answers: Sequence[Any]) -> list[Sequence[Any]]:
    return [answers[start : start + size] for start in range(0, len(answers), size)]


def _posts(members: Sequence[bytes]) -> list[int]:
    markers = {marker.encode() for marker in (keys.COMPLETE, keys.INCOMPLETE, keys.BOTTOM)}
    return [int(member) for member in members if member not in markers]


def _states(raw: dict[bytes, bytes]) -> HeldStates | None:
    """None if the account's states are not kept."""
    since = raw.pop(keys.MARKER.encode(), None)
    if since is None:
        return None
    active: dict[int, bool] = {}
    comments: dict[int, bool] = {}
    for name, state in raw.items():
        text = name.decode()
        (comments if text.startswith("c") else active)[int(text.removeprefix("c"))] = state.startswith(b"+")
    return HeldStates(int(since), active, comments)

"""What events and tasks change. Each method is one call, applies only what is news, and may be repeated."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, NamedTuple

from redis.asyncio import Redis

from photomesh_feed.store import keys
from photomesh_feed.store.connection import answering, script

__all__ = ["FeedWrites", "KeptPost", "Pushed"]

_KNOWN = timedelta(minutes=5)
"""How long popularity is taken as known."""


class KeptPost(NamedTuple):
    """What is known of a post; version 0: no snapshot."""

    version: int
    static: bytes | None
    edit_version: int
    edit: bytes | None
    deleted: bool


class Pushed(NamedTuple):
    """What became of one task."""

    active: int
    """Followers who have a feed."""
    inserted: int
    """Feeds that did not have the post."""
    deleted: bool


class FeedWrites:
    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._fan_out = script(redis, "list", "fan_out")
        self._back_fill = script(redis, "list", "back_fill")
        self._take_out = script(redis, "list", "take_out")
        self._keep_post = script(redis, "keep_post")
        self._delete_post = script(redis, "delete_post")
        self._count_post = script(redis, "count_post")
        self._add_to_timeline = script(redis, "add_to_timeline")
        self._relate = script(redis, "relate")
        self._engage = script(redis, "engage")
        self._name_user = script(redis, "name_user")
        self._judge = script(redis, "judge_popularity")
        self._refilled = script(redis, "refilled")

    async def ping(self) -> None:
        with answering():
            await self._redis.ping()

    # Posts

    async def post(self, post_id: int) -> KeptPost:
        with answering():
            fields: list[Any] = await self._redis.hmget(keys.post(post_id), ["v", "s", "ev", "e", "x"])
        version, static, edit_version, edit, deleted = fields
        return KeptPost(int(version or 0), static, int(edit_version or 0), edit, deleted is not None)

    async def keep_post(self, post_id: int, before: KeptPost, fields: dict[str, str | int]) -> bool:
        """Writes fields, unless the post is deleted or no longer as it was `before`."""
        versions = [before.version or "", before.edit_version or ""]
        flat = [part for field in fields.items() for part in field]
        with answering():
            return bool(await self._keep_post(keys=[keys.post(post_id)], args=[*versions, keys.POST_SECONDS, *flat]))

    async def delete_post(self, post_id: int, author_id: int) -> None:
        names = [keys.post(post_id), keys.timeline(author_id)]
        with answering():
            await self._delete_post(keys=names, args=[post_id, keys.POST_SECONDS])

    async def count_post(self, post_id: int, *, likes: int, comments: int, version: int) -> None:
        with answering():
            await self._count_post(keys=[keys.post(post_id)], args=[likes, comments, version, keys.POST_SECONDS])

    # Lists

    async def timeline(self, author_id: int, limit: int) -> tuple[str, list[int]]:
        """See `timelines.TimelineStore`."""
        with answering():
            members: Any = await self._redis.zrange(keys.timeline(author_id), 0, limit)
        return (members[0].decode(), [int(post) for post in members[1:]]) if members else ("", [])

    async def add_to_timeline(self, author_id: int, post_ids: Sequence[int], *, complete: bool = False) -> int:
        """See `timelines.TimelineStore`."""
        names = [keys.timeline(author_id), *(keys.post(post_id) for post_id in post_ids)]
        arguments = [keys.TIMELINE_POSTS, keys.ACTIVE_SECONDS, "1" if complete else "", *_scored(post_ids)]
        with answering():
            return int(await self._add_to_timeline(keys=names, args=arguments))

    async def fan_out(self, post_id: int, followers: Sequence[int], *, older_remain: bool) -> Pushed:
        """Puts a post into the feeds of those followers who have one, in one call."""
        names = [keys.post(post_id), *map(keys.feed, followers)]
        arguments = [post_id, keys.score(post_id), keys.FEED_POSTS, "1" if older_remain else ""]
        with answering():
            active, inserted = await self._fan_out(keys=names, args=arguments)
        return Pushed(max(0, active), inserted, active < 0)

    async def back_fill(self, account_id: int, author_id: int, post_ids: Sequence[int], *, older_remain: bool) -> int:
        """Puts an author's newest posts into the feed of a follower. How many it did not have."""
        arguments = [author_id, keys.FEED_POSTS, "1" if older_remain else "", *_scored(post_ids)]
        with answering():
            return int(await self._back_fill(keys=_reader(account_id), args=arguments))

    async def take_out(self, account_id: int, author_id: int, post_ids: Sequence[int]) -> int:
        """Takes an author's posts out of the feed of somebody who no longer follows them. How many it had."""
        with answering():
            return int(await self._take_out(keys=_reader(account_id), args=[author_id, *post_ids]))

    # Readers and authors

    async def relate(
        self, kind: Literal["follow", "mute"], account_id: int, other_id: int, version: int, *, holds: bool
    ) -> bool:
        """Applies a follow or mute, or the end of one. Whether the account has a feed."""
        field, members = (
            (str(other_id), keys.following(account_id))
            if kind == "follow"
            else (f"m{other_id}", keys.muted(account_id))
        )
        names = [keys.follow_versions(account_id), members, keys.feed(account_id)]
        with answering():
            return bool(await self._relate(keys=names, args=[field, other_id, version, "1" if holds else "0"]))

    async def engage(
        self,
        states: str,
        account_id: int,
        field: str,
        version: int,
        *,
        holds: bool,
        author_id: int | None,
        points: float,
    ) -> None:
        """Applies a like, a comment or a save, or the end of one; `states` is the key of their states. Counts `points`
        towards the affinity to an author, if one is given and this changed anything."""
        arguments = [field, "+" if holds else "-", version, author_id or "", repr(points)]
        with answering():
            await self._engage(
                keys=[states, keys.affinity(account_id)],
                args=[*arguments, keys.AFFINITY_AUTHORS, keys.ACTIVE_SECONDS],
            )

    async def name_user(
        self, account_id: int, version: int, *, username: str, display_name: str, avatar_url: str | None, private: bool
    ) -> None:
        fields = ["username", username, "display_name", display_name]
        fields += ["avatar_url", avatar_url or "", "private", "1" if private else "0"]
        with answering():
            await self._name_user(keys=[keys.user(account_id)], args=[version, *fields])

    # Popularity: see `popularity.PopularityStore`

    async def popularity(self, author_id: int) -> tuple[bool, bool]:
        with answering():
            async with self._redis.pipeline(transaction=False) as pipe:
                pipe.exists(keys.POPULAR_KNOWN)
                pipe.zscore(keys.PULLED, str(author_id))
                known, score = await pipe.execute()
        return bool(known), score == float("inf")

    async def judge_popularity(self, author_id: int, followers: int, threshold: int, cool_at: datetime) -> bool:
        arguments = [author_id, followers, threshold, _milliseconds(cool_at)]
        with answering():
            return bool(await self._judge(keys=[keys.PULLED, keys.REFILLING], args=arguments))

    async def refilled(self, author_id: int, cool_at: datetime) -> None:
        with answering():
            await self._refilled(keys=[keys.PULLED, keys.REFILLING], args=[author_id, _milliseconds(cool_at)])

    async def pulled(self) -> set[int]:
        with answering():
            authors: Any = await self._redis.zrangebyscore(keys.PULLED, "+inf", "+inf")
        return {int(author) for author in authors}

    async def refilling(self) -> set[int]:
        with answering():
            return {int(author) for author in await self._redis.smembers(keys.REFILLING)}

    async def popularity_known(self, now: datetime) -> None:
        """Notes that popularity has been compared, and forgets who has been pushed to for long enough."""
        with answering():
            async with self._redis.pipeline(transaction=True) as pipe:
                pipe.zremrangebyscore(keys.PULLED, "-inf", _milliseconds(now))
                pipe.set(keys.POPULAR_KNOWN, "1", ex=_KNOWN)
                await pipe.execute()


def _reader(account_id: int) -> list[str]:
    return [keys.feed(account_id), keys.follow_versions(account_id), keys.following(account_id)]


def _scored(post_ids: Sequence[int]) -> list[int]:
    return [value for post_id in post_ids for value in (keys.score(post_id), post_id)]


def _milliseconds(time: datetime) -> int:
    return (time - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)

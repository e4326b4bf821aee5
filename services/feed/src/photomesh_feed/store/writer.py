"""Writes what events and fan-out tasks change. Each method is one call, applies only what is newer, and is
idempotent."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from redis.asyncio import Redis

from photomesh_feed.domain.engagement import Engagement
from photomesh_feed.domain.fanout import FanoutResult, PopularityState
from photomesh_feed.domain.order import id_ms
from photomesh_feed.domain.snapshots import Snapshot, StoredPost
from photomesh_feed.domain.timelines import TimelineAddition, TimelineHead, TimelineState
from photomesh_feed.store import keys
from photomesh_feed.store.connection import redis_errors
from photomesh_feed.store.scripts import load_script
from photomesh_shared.concurrency.batch_loader import BatchLoader

__all__ = ["FeedWriter"]

_POPULARITY_KNOWN = timedelta(minutes=5)
"""How long popularity counts as known."""
_ENGAGEMENTS_PER_CALL = 100  # about half a millisecond of Redis
_COUNTS_PER_CALL = 50
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class FeedWriter:
    """Every method raises FeedsUnavailable."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._save_post = load_script(redis, "write/save_post")
        self._delete_post = load_script(redis, "write/delete_post")
        self._apply_counts = load_script(redis, "write/apply_counts")
        # Post, likes, comments and version. Of many posts that were counted at the same time.
        self._counts = BatchLoader[tuple[int, int, int, int], None](self._apply_all_counts, max_batch=_COUNTS_PER_CALL)
        self._add_to_timeline = load_script(redis, "write/add_to_timeline")
        self._fan_out = load_script(redis, "write/feed_list", "write/fan_out")
        self._back_fill = load_script(redis, "write/feed_list", "write/back_fill")
        self._remove_author_posts = load_script(redis, "write/feed_list", "write/remove_author_posts")
        self._apply_relation = load_script(redis, "write/apply_relation")
        self._apply_engagement = load_script(redis, "write/apply_engagement")
        # Of what many do at the same time. One call at a time, so that events are applied in order.
        self._engagements = BatchLoader(self._apply_engagements, max_batch=_ENGAGEMENTS_PER_CALL, concurrency=1)
        self._upsert_user = load_script(redis, "write/upsert_user")
        self._apply_follower_count = load_script(redis, "write/apply_follower_count")
        self._finish_refill = load_script(redis, "write/finish_refill")

    async def add_impressions(self, account_id: int, count: int) -> None:
        """Count posts that the account's apps reported as seen."""
        key = keys.impressions(account_id)
        with redis_errors():
            async with self._redis.pipeline(transaction=False) as pipe:
                pipe.incrby(key, count)
                pipe.expire(key, keys.ACTIVE_SECONDS)
                await pipe.execute()

    # Posts

    async def post(self, post_id: int) -> StoredPost:
        with redis_errors():
            fields: list[Any] = await self._redis.hmget(keys.post(post_id), ["v", "s", "ev", "e", "x"])
        version, static, edit_version, edit, deleted = fields
        return StoredPost(int(version or 0), static, int(edit_version or 0), edit, deleted is not None)

    async def save_snapshot(self, snapshot: Snapshot, before: StoredPost) -> bool:
        """Returns False if the post is deleted, or no longer as it was `before`."""
        return await self._save_fields(
            snapshot.post_id,
            before,
            {"s": snapshot.static, "v": snapshot.version, "a": snapshot.author_id, "h": " ".join(snapshot.hashtags)},
        )

    async def save_edit(self, post_id: int, edit: str, version: int, before: StoredPost) -> bool:
        """Keeps an edit until the publication arrives. Returns as `save_snapshot`."""
        return await self._save_fields(post_id, before, {"e": edit, "ev": version})

    async def _save_fields(self, post_id: int, before: StoredPost, fields: dict[str, str | int]) -> bool:
        versions = [before.version or "", before.edit_version or ""]
        flat = [part for field in fields.items() for part in field]
        with redis_errors():
            return bool(await self._save_post(keys=[keys.post(post_id)], args=[*versions, *flat]))

    async def delete_post(self, post_id: int, author_id: int) -> None:
        with redis_errors():
            await self._delete_post(keys=[keys.post(post_id), keys.timeline(author_id)], args=[post_id])

    async def apply_counts(self, post_id: int, *, likes: int, comments: int, version: int) -> None:
        await self._counts.load((post_id, likes, comments, version))

    async def _apply_all_counts(
        self, counts: Sequence[tuple[int, int, int, int]]
    ) -> dict[tuple[int, int, int, int], None]:
        with redis_errors():
            await self._apply_counts(
                keys=[keys.post(post_id) for post_id, *_ in counts],
                args=[number for _, *numbers in counts for number in numbers],
            )
        return {}

    # Timelines and lists

    async def timeline(self, author_id: int, limit: int) -> TimelineHead:
        """Returns the newest `limit` posts of an author's timeline."""
        with redis_errors():
            members: Any = await self._redis.zrange(keys.timeline(author_id), 0, limit)
        if not members:
            return TimelineHead(TimelineState.ABSENT, [])
        is_complete = members[0].decode() == keys.COMPLETE
        return TimelineHead(
            TimelineState.COMPLETE if is_complete else TimelineState.PARTIAL, [int(post) for post in members[1:]]
        )

    async def may_be_outdated(self, at: datetime, now: datetime) -> bool:
        """Whether an event of this time may be one that Redis has forgotten: see `keys`."""
        with redis_errors():
            await self._redis.set(keys.SINCE, _milliseconds(now), nx=True)
            since = int(await self._redis.get(keys.SINCE) or _milliseconds(now))
        is_forgotten = _milliseconds(at) <= since + keys.SKEW_SECONDS * 1000
        return is_forgotten or (now - at).total_seconds() > keys.KNOWN_SECONDS

    async def add_to_timeline(self, author_id: int, post_ids: Sequence[int], kind: TimelineAddition) -> int:
        """Adds posts, newest first. Returns how many of them are not deleted."""
        names = [keys.timeline(author_id), *(keys.post(post_id) for post_id in post_ids)]
        with redis_errors():
            added = await self._add_to_timeline(keys=names, args=[kind, *keys.scored(post_ids)])
        return int(added)

    async def fan_out(self, post_id: int, followers: Sequence[int], *, older_remain: bool) -> FanoutResult:
        """Adds a post to the feeds of those followers who have one. `older_remain`: the author has older posts that are
        not added, so the lists end here."""
        names = [keys.post(post_id), *map(keys.feed, followers)]
        arguments = [post_id, keys.score(post_id), "1" if older_remain else ""]
        with redis_errors():
            active, inserted = await self._fan_out(keys=names, args=arguments)
        return FanoutResult(max(0, active), inserted, active < 0)

    async def back_fill(self, account_id: int, author_id: int, post_ids: Sequence[int], *, older_remain: bool) -> int:
        """Adds an author's newest posts to the feed of a follower. Returns how many it lacked."""
        arguments = [author_id, "1" if older_remain else "", *keys.scored(post_ids)]
        with redis_errors():
            return int(await self._back_fill(keys=_reader_keys(account_id), args=arguments))

    async def remove_author_posts(self, account_id: int, author_id: int, post_ids: Sequence[int]) -> int:
        """Removes an author's posts from the feed of an account that unfollowed them. Returns how many it had."""
        with redis_errors():
            removed = await self._remove_author_posts(keys=_reader_keys(account_id), args=[author_id, *post_ids])
        return int(removed)

    # Readers and authors

    async def apply_relation(
        self, kind: Literal["follow", "mute"], account_id: int, other_id: int, version: int, *, active: bool
    ) -> bool:
        """Applies a follow or mute, or its end. Returns whether the account has a feed."""
        follow_field, mute_field = str(other_id), f"m{other_id}"
        fields, members = (
            ((follow_field, mute_field), keys.following(account_id))
            if kind == "follow"
            else ((mute_field, follow_field), keys.muted(account_id))
        )
        names = [keys.follow_versions(account_id), members, keys.feed(account_id)]
        arguments = [*fields, other_id, version, "1" if active else "0"]
        with redis_errors():
            return bool(await self._apply_relation(keys=names, args=arguments))

    async def apply_engagement(self, engagement: Engagement) -> None:
        """Applies it if the account's states are kept, and counts it towards the affinity to the author."""
        await self._engagements.load(engagement)

    async def _apply_engagements(self, engagements: Sequence[Engagement]) -> dict[Engagement, None]:
        """In order, in one call."""
        names: list[str] = []
        arguments: list[str | int] = []
        for engagement in engagements:
            account, subject = engagement.account_id, engagement.subject_id
            names += [keys.saves(account) if engagement.kind == "save" else keys.likes(account), keys.affinity(account)]
            arguments += [
                f"c{subject}" if engagement.kind == "comment" else str(subject),
                "+" if engagement.active else "-",
                engagement.version,
                engagement.author_id or "",
                repr(engagement.points),
                id_ms(engagement.at),
            ]
        with redis_errors():
            await self._apply_engagement(keys=names, args=arguments)
        return {}

    async def upsert_user(
        self,
        account_id: int,
        version: int,
        *,
        username: str,
        display_name: str,
        avatar_url: str | None,
        private: bool,
        hidden: bool,
        outdated: bool,
    ) -> None:
        """`outdated`: the event may be, so it counts only against a known version."""
        fields = ["username", username, "display_name", display_name]
        fields += ["avatar_url", avatar_url or "", "private", "1" if private else "0", "hidden", "1" if hidden else "0"]
        with redis_errors():
            await self._upsert_user(keys=[keys.user(account_id)], args=["1" if outdated else "", version, *fields])

    # Popularity

    async def popularity(self, author_id: int) -> PopularityState:
        with redis_errors():
            async with self._redis.pipeline(transaction=False) as pipe:
                pipe.exists(keys.POPULAR_KNOWN)
                pipe.zscore(keys.PULLED, str(author_id))
                known, score = await pipe.execute()
        return PopularityState(bool(known), score == float("inf"))

    async def apply_follower_count(self, author_id: int, followers: int, threshold: int, cool_at: datetime) -> bool:
        """Decides whether the author is pushed or pulled. Returns whether older posts have to be put into feeds; then
        readers may stop pulling at `cool_at`."""
        arguments = [author_id, followers, threshold, _milliseconds(cool_at)]
        with redis_errors():
            return bool(await self._apply_follower_count(keys=[keys.PULLED, keys.REFILLING], args=arguments))

    async def finish_refill(self, author_id: int, cool_at: datetime) -> None:
        """Records that tasks for an author's older posts are in the log."""
        with redis_errors():
            await self._finish_refill(keys=[keys.PULLED, keys.REFILLING], args=[author_id, _milliseconds(cool_at)])

    async def pulled_authors(self) -> set[int]:
        with redis_errors():
            authors: Any = await self._redis.zrangebyscore(keys.PULLED, "+inf", "+inf")
        return {int(author) for author in authors}

    async def refilling_authors(self) -> set[int]:
        with redis_errors():
            return {int(author) for author in await self._redis.smembers(keys.REFILLING)}

    async def mark_popularity_known(self, now: datetime) -> None:
        """Records that popularity agrees with social-graph, and drops authors whom readers need not pull any more."""
        with redis_errors():
            async with self._redis.pipeline(transaction=True) as pipe:
                pipe.zremrangebyscore(keys.PULLED, "-inf", _milliseconds(now))
                pipe.set(keys.POPULAR_KNOWN, "1", ex=_POPULARITY_KNOWN)
                await pipe.execute()


def _reader_keys(account_id: int) -> list[str]:
    return [keys.feed(account_id), keys.follow_versions(account_id), keys.following(account_id)]


def _milliseconds(time: datetime) -> int:
    return (time - _EPOCH) // timedelta(milliseconds=1)

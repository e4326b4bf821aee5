"""Fills Redis from the durable stores. Every call merges: what events changed in the meantime is newer, and stays."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from redis.asyncio import Redis

from photomesh_feed.domain.accounts import Account, Relation
from photomesh_feed.domain.engagement import ViewerState
from photomesh_feed.domain.snapshots import CountedSnapshot
from photomesh_feed.domain.timelines import MergedPosts
from photomesh_feed.store import keys
from photomesh_feed.store.connection import redis_errors
from photomesh_feed.store.scripts import load_script

__all__ = ["FeedFiller"]

_LOCK_MS = 30_000
_PAIRS = 1_000  # in one call, during which Redis serves nobody else
_TIMELINES = 100  # the same; of at most 50 posts each


class FeedFiller:
    """Every method raises FeedsUnavailable."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._begin = load_script(redis, "fill/begin")
        self._relations = load_script(redis, "fill/relations")
        self._viewer_states = load_script(redis, "fill/viewer_states")
        self._finish = load_script(redis, "fill/finish")
        self._open_timelines = load_script(redis, "fill/open_timelines")
        self._timelines = load_script(redis, "fill/timelines")
        self._post = load_script(redis, "fill/post")
        self._accounts = load_script(redis, "fill/accounts")

    async def begin(self, viewer: int, now_ms: int) -> bool:
        """Marks the viewer's feed as being filled: from now on events apply to it. Returns whether it is complete
        already. `now_ms` is in the milliseconds of ids."""
        with redis_errors():
            return bool(await self._begin(keys=[keys.feed(viewer)], args=[viewer, now_ms]))

    async def relations(self, viewer: int, relations: Sequence[Relation]) -> None:
        with redis_errors():
            for start in range(0, len(relations), _PAIRS):
                flat: list[int] = [viewer]
                for relation in relations[start : start + _PAIRS]:
                    flat += map(int, relation)
                await self._relations(args=flat)

    async def lock(self, viewer: int, token: str) -> bool:
        """Takes the lock for filling the viewer's list, for half a minute at most. Returns False if another process
        holds it."""
        with redis_errors():
            return bool(await self._redis.set(keys.fill_lock(viewer), token, nx=True, px=_LOCK_MS))

    async def finish(self, viewer: int, token: str, merged: MergedPosts) -> bool:
        """Completes the list with `merged`, beside what was pushed in the meantime. Returns False if the marker or the
        lock was lost: then the feed is not complete."""
        posts, after = merged.posts, merged.after
        last = "" if after is None or not posts else str(keys.score(posts[-1]))
        arguments: list[str | int] = [token, "1" if after is None else "0", last, *keys.scored(posts)]
        with redis_errors():
            return bool(await self._finish(keys=[keys.feed(viewer), keys.fill_lock(viewer)], args=arguments))

    async def open_timelines(self, authors: Collection[int]) -> None:
        """Begins timelines: from now on events add new posts to them."""
        with redis_errors():
            await self._open_timelines(args=[str(author) for author in authors])

    async def timelines(
        self, found: Mapping[int, Sequence[int]], before_ms: int | None, complete: Collection[int]
    ) -> None:
        """Adds posts by author, newest first, from before the millisecond `before_ms`. The authors in `complete` have
        no older ones."""
        authors = list(found)
        for start in range(0, len(authors), _TIMELINES):
            arguments: list[str | int] = ["" if before_ms is None else before_ms]
            for author in authors[start : start + _TIMELINES]:
                posts = found[author]
                arguments += (author, int(author in complete), len(posts), *keys.scored(posts))
            with redis_errors():
                await self._timelines(args=arguments)

    async def posts(self, posts: Iterable[CountedSnapshot]) -> None:
        with redis_errors():
            async with self._redis.pipeline(transaction=False) as pipe:
                for one, *counts in posts:
                    arguments: list[str | int] = [one.static, one.version, one.author_id, " ".join(one.hashtags)]
                    await self._post(keys=[keys.post(one.post_id)], args=[*arguments, *counts], client=pipe)
                await pipe.execute()

    async def viewer_states(self, viewer: int, states: Iterable[ViewerState]) -> None:
        """Sets whether the viewer likes and saved posts, unless an event has set a newer state."""
        arguments: list[str | int] = []
        for post, liked, like_version, saved, save_version in states:
            arguments += (post, f"{'+' if liked else '-'}{like_version}", f"{'+' if saved else '-'}{save_version}")
        with redis_errors():
            await self._viewer_states(keys=[keys.likes(viewer), keys.saves(viewer)], args=arguments)

    async def accounts(self, accounts: Iterable[Account]) -> None:
        """Sets the names of accounts that have none."""
        arguments: list[str | int] = []
        for one in accounts:
            arguments += (one.id, one.username, one.display_name, one.avatar_url or "", int(one.hidden))
        with redis_errors():
            await self._accounts(args=arguments)

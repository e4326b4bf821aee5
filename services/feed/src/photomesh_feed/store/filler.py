"""Filling Redis from the durable stores. Every call merges: what events have said since is newer, and stays."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from redis.asyncio import Redis

from photomesh_feed.domain.pages import Follows
from photomesh_feed.domain.snapshots import Snapshot
from photomesh_feed.store import keys
from photomesh_feed.store.connection import answering, script

__all__ = ["FeedFills"]

_LOCK_MS = 30_000
_PAIRS = 1_000  # in one call: Redis does nothing else meanwhile


class FeedFills:
    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._begin = script(redis, "fill_begin")
        self._follows = script(redis, "fill_follows")
        self._finish = script(redis, "fill_finish")
        self._open = script(redis, "fill_open")
        self._timeline = script(redis, "fill_timeline")
        self._post = script(redis, "fill_post")

    async def begin(self, viewer: int, now_ms: int) -> bool:
        """From now on events land in the viewer's feed. Whether it is whole already."""
        with answering():
            return bool(await self._begin(keys=[keys.feed(viewer)], args=[viewer, now_ms]))

    async def follows(self, viewer: int, follows: Follows) -> None:
        with answering():
            for prefix, pairs in (("", follows.following), ("m", follows.muted)):
                for start in range(0, len(pairs), _PAIRS):
                    flat: list[str | int] = [viewer, prefix]
                    for pair in pairs[start : start + _PAIRS]:
                        flat += pair
                    await self._follows(args=flat)

    async def lock(self, viewer: int, token: str) -> bool:
        """Whether the caller, and nobody else, fills the viewer's list; for half a minute at most."""
        with answering():
            return bool(await self._redis.set(keys.fill_lock(viewer), token, nx=True, px=_LOCK_MS))

    async def finish(self, viewer: int, token: str, posts: Sequence[int], after: int | None) -> bool:
        """The list is `posts`, and what was pushed meanwhile; `after` as `Slice` has it. False if the marker or the
        lock was lost: then it is not whole."""
        last = "" if after is None or not posts else str(keys.score(posts[-1]))
        arguments: list[str | int] = [token, "1" if after is None else "0", last, *_scored(posts)]
        with answering():
            return bool(await self._finish(keys=[keys.feed(viewer), keys.fill_lock(viewer)], args=arguments))

    async def open_timelines(self, authors: Collection[int]) -> None:
        """From now on new posts land in these timelines."""
        with answering():
            await self._open(args=[str(author) for author in authors])

    async def timelines(
        self, found: Mapping[int, Sequence[int]], before_ms: int | None, complete: Collection[int]
    ) -> None:
        """Posts by author, newest first, older than `before_ms`; in `complete` are those who have no older ones."""
        before: str | int = "" if before_ms is None else before_ms
        with answering():
            async with self._redis.pipeline(transaction=False) as pipe:
                for author, posts in found.items():
                    arguments: list[str | int] = [before, "1" if author in complete else "0", *_scored(posts)]
                    await self._timeline(keys=[keys.timeline(author)], args=arguments, client=pipe)
                await pipe.execute()

    async def posts(self, found: Iterable[tuple[Snapshot, int, int]]) -> None:
        """Snapshots, each with its likes and comments."""
        with answering():
            async with self._redis.pipeline(transaction=False) as pipe:
                for one, likes, comments in found:
                    arguments: list[str | int] = [one.static, one.version, one.author_id, " ".join(one.hashtags)]
                    await self._post(keys=[keys.post(one.post_id)], args=[*arguments, likes, comments], client=pipe)
                await pipe.execute()

    async def viewer_state(
        self, viewer: int, posts: Collection[int], liked: Collection[int], saved: Collection[int]
    ) -> None:
        """What post says of these posts; whatever an event has said stays."""
        with answering():
            async with self._redis.pipeline(transaction=False) as pipe:
                for post in posts:
                    pipe.hsetnx(keys.likes(viewer), str(post), "+0" if post in liked else "-0")
                    pipe.hsetnx(keys.saves(viewer), str(post), "+0" if post in saved else "-0")
                await pipe.execute()

    async def user(self, account: int, username: str, display_name: str, avatar_url: str | None) -> None:
        """The names of an account, until an event says them."""
        fields = {"username": username, "display_name": display_name, "avatar_url": avatar_url or ""}
        with answering():
            async with self._redis.pipeline(transaction=False) as pipe:
                for name, value in fields.items():
                    pipe.hsetnx(keys.user(account), name, value)
                await pipe.execute()


def _scored(posts: Sequence[int]) -> list[int]:
    return [value for post in posts for value in (keys.score(post), post)]

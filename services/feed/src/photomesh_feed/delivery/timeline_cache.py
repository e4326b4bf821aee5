"""An author's newest posts: from Redis if it has them, otherwise from post, which fills Redis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from photomesh_feed.domain.timelines import TimelineAddition, TimelineHead, TimelineSource, TimelineState
from photomesh_shared.internal_api.post import MAX_TIMELINE

__all__ = ["NewestPosts", "TimelineCache", "TimelineStore"]


class NewestPosts(NamedTuple):
    """An author's newest posts, newest first, and whether there are older ones."""

    posts: list[int]
    older_remain: bool


class TimelineStore(Protocol):
    async def timeline(self, author_id: int, limit: int) -> TimelineHead: ...

    async def add_to_timeline(self, author_id: int, post_ids: Sequence[int], kind: TimelineAddition) -> int:
        """Adds posts, newest first. Returns how many of them are not deleted."""
        ...


class TimelineCache:
    def __init__(self, store: TimelineStore, source: TimelineSource) -> None:
        self._store = store
        self._source = source

    async def newest(self, author_id: int, limit: int) -> NewestPosts:
        """Returns at most `limit` posts. Raises Unavailable."""
        state, posts = await self._store.timeline(author_id, limit + 1)
        is_complete = state is TimelineState.COMPLETE
        if is_complete or len(posts) >= limit:
            return NewestPosts(posts[:limit], not is_complete or len(posts) > limit)
        # The marker first: from here on events add new posts.
        await self._store.add_to_timeline(author_id, [], "head")
        found: list[int] = []
        complete = False
        while not complete and len(found) < limit:
            before = found[-1] if found else None
            timelines = await self._source.timelines([author_id], before=before, limit=MAX_TIMELINE)
            page = timelines.get(author_id, ())
            found += page
            complete = len(page) < MAX_TIMELINE
        await self._store.add_to_timeline(author_id, found, "all" if complete else "head")
        _, posts = await self._store.timeline(author_id, limit + 1)
        return NewestPosts(posts[:limit], not complete or len(posts) > limit)

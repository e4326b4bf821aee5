"""An author's newest posts: from Redis if they are there, else from post, and then they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from photomesh_feed.store import keys

__all__ = ["Newest", "PostSource", "TimelineStore", "Timelines"]

_AT_ONCE = 50  # what post gives of one author in one answer


class Newest(NamedTuple):
    """An author's newest posts, the newest first, and whether they have older ones."""

    posts: list[int]
    older_remain: bool


class TimelineStore(Protocol):
    async def timeline(self, author_id: int, limit: int) -> tuple[str, list[int]]:
        """The marker ('' if there is no timeline) and the newest posts."""
        ...

    async def add_to_timeline(self, author_id: int, post_ids: Sequence[int], *, complete: bool = False) -> int:
        """Adds posts; `complete` says that the author has no others. How many of them are not deleted."""
        ...


class PostSource(Protocol):
    async def timelines(self, authors: Sequence[int], *, before: int | None, limit: int) -> Mapping[int, Sequence[int]]:
        """The newest published posts of authors; fewer than `limit` are all there are."""
        ...


class Timelines:
    def __init__(self, store: TimelineStore, source: PostSource) -> None:
        self._store = store
        self._source = source

    async def newest(self, author_id: int, limit: int) -> Newest:
        """At most `limit` posts. Raises DependencyDown."""
        marker, posts = await self._store.timeline(author_id, limit + 1)
        if marker == keys.COMPLETE or len(posts) >= limit:
            return Newest(posts[:limit], marker != keys.COMPLETE or len(posts) > limit)
        # The marker first: what is published from here on is put in by its event.
        await self._store.add_to_timeline(author_id, [])
        found: list[int] = []
        complete = False
        while not complete and len(found) < limit:
            before = found[-1] if found else None
            answer = await self._source.timelines([author_id], before=before, limit=_AT_ONCE)
            page = answer.get(author_id, ())
            found += page
            complete = len(page) < _AT_ONCE
        await self._store.add_to_timeline(author_id, found, complete=complete)
        _, posts = await self._store.timeline(author_id, limit + 1)
        return Newest(posts[:limit], not complete or len(posts) > limit)

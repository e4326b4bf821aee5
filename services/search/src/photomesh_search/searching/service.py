"""Use cases: search, and show only what the viewer may see now.

The index lags by a second, and has no idea of blocks. So every hit is checked by post, by the rules of every other
read, before it is shown; what is taken out is replaced by further hits, so that a page is full while there are any.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from photomesh_search.searching.domain import (
    FoundPlace,
    FoundTag,
    Hit,
    Near,
    PostQuery,
    post_query,
    prefixes,
)
from photomesh_search.texts.domain import fold
from photomesh_shared.internal_api.post import SeenAccount, SeenPost

__all__ = ["Found", "Graph", "Index", "SearchService", "Sights"]

_ROUNDS = 3

Seen = TypeVar("Seen")
Position = Sequence[str | int]


class Index(Protocol):
    """See `store.IndexReader`. Raises SearchUnavailable."""

    async def account_named(self, username: str) -> int | None: ...
    async def accounts(
        self,
        prefixes: Sequence[str],
        *,
        exact: str,
        followed: Collection[int],
        after: Position | None,
        size: int,
    ) -> list[Hit]: ...
    async def posts(
        self, query: PostQuery, *, author_id: int | None, muted: Collection[int], before_id: int | None, size: int
    ) -> list[Hit]: ...
    async def hashtags(self, prefix: str, *, size: int) -> list[FoundTag]: ...
    async def places(self, prefixes: Sequence[str], near: Near | None, *, size: int) -> list[FoundPlace]: ...


class Sights(Protocol):
    """See `clients.PostClient`. Leaves out what the viewer may not see. Raises SearchUnavailable."""

    async def accounts(self, viewer_id: int, account_ids: Collection[int]) -> Mapping[int, SeenAccount]: ...
    async def posts(self, viewer_id: int, post_ids: Collection[int]) -> Mapping[int, SeenPost]: ...


class Graph(Protocol):
    """See `clients.SocialGraphClient`. Raises SearchUnavailable."""

    async def followed(self, account_id: int) -> Sequence[int]:
        """The latest first, a thousand at most; as of some seconds ago, for it only orders."""
        ...

    async def muted(self, account_id: int) -> Collection[int]: ...


@dataclass(frozen=True)
class Found(Generic[Seen]):
    """A page. `after`: the position of its end; None if there is no more."""

    items: list[Seen]
    after: Position | None


class SearchService:
    def __init__(self, index: Index, sights: Sights, graph: Graph) -> None:
        self._index = index
        self._sights = sights
        self._graph = graph

    async def accounts(self, viewer_id: int, text: str, *, after: Position | None, limit: int) -> Found[SeenAccount]:
        """Return accounts whose names begin with the words of the text."""
        words = prefixes(text)
        if not words:
            return Found([], None)
        followed = await self._graph.followed(viewer_id)
        exact = fold(text.strip().lstrip("@"))

        async def read(position: Position | None, size: int) -> list[Hit]:
            return await self._index.accounts(words, exact=exact, followed=followed, after=position, size=size)

        return await _fill(read, lambda ids: self._sights.accounts(viewer_id, ids), after, limit)

    async def posts(self, viewer_id: int, text: str, *, after: Position | None, limit: int) -> Found[SeenPost]:
        """Return posts of public accounts for which all of the text holds, the newest first."""
        query = post_query(text)
        if query.is_empty:
            return Found([], None)
        author_id = None
        if query.author is not None:
            author_id = await self._index.account_named(query.author)
            if author_id is None:
                return Found([], None)
        muted = await self._graph.muted(viewer_id)

        async def read(position: Position | None, size: int) -> list[Hit]:
            before_id = int(position[0]) if position else None
            return await self._index.posts(query, author_id=author_id, muted=muted, before_id=before_id, size=size)

        return await _fill(read, lambda ids: self._sights.posts(viewer_id, ids), after, limit)

    async def hashtags(self, text: str, *, limit: int) -> list[FoundTag]:
        """Return hashtags of public posts that begin with the text: the very same first, then by use."""
        prefix = fold(text.strip().lstrip("#＃"))
        found = await self._index.hashtags(prefix, size=limit) if prefix else []
        return sorted(found, key=lambda one: one.tag != prefix)

    async def places(self, text: str, near: Near | None, *, limit: int) -> list[FoundPlace]:
        """Return places of public posts, by how many accounts have been there."""
        words = prefixes(text)
        return await self._index.places(words, near, size=limit) if words or near else []


async def _fill(
    read: Callable[[Position | None, int], Awaitable[list[Hit]]],
    look: Callable[[Collection[int]], Awaitable[Mapping[int, Seen]]],
    after: Position | None,
    limit: int,
) -> Found[Seen]:
    """Read hits until as many may be seen as were asked for, or there are no more. After some rounds a page is shorter,
    so that the work for it is bounded; the next one continues."""
    items: list[Seen] = []
    for _round in range(_ROUNDS):
        size = min(2 * limit, 100)
        hits = await read(after, size)
        seen = await look([hit.id for hit in hits]) if hits else {}
        for number, hit in enumerate(hits, 1):
            after = hit.position
            if hit.id in seen:
                items.append(seen[hit.id])
                if len(items) == limit:
                    is_last = number == len(hits) < size
                    return Found(items, None if is_last else after)
        if len(hits) < size:
            return Found(items, None)
    return Found(items, after)

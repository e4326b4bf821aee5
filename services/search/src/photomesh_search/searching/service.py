"""Use cases: search, and show only what the viewer may see now.

The index lags by a second, and has no idea of blocks. So every hit is checked by post, by the rules of every other
read, before it is shown; what is taken out is replaced by further hits, so that a page is full while there are any.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import regex

from photomesh_search.errors import SearchUnavailable
from photomesh_search.metrics import REFILLS, measured
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
from photomesh_shared.internal_api.identity import NamedAccount
from photomesh_shared.internal_api.post import SeenAccount, SeenPost
from photomesh_shared.internal_api.social_graph import Neighbours

__all__ = ["Found", "FoundAccount", "Graph", "Index", "Names", "SearchService", "Sights"]

_ROUNDS = 3
_USERNAME = regex.compile(r"[a-z0-9_.]{3,30}")
_MAX_HASHTAG = 100

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
        near: Collection[int],
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

    async def neighbours(self, account_id: int) -> Neighbours:
        """As of some seconds ago, for they only order."""
        ...

    async def muted(self, account_id: int) -> Collection[int]: ...


class Names(Protocol):
    """See `clients.IdentityClient`. Raises SearchUnavailable."""

    async def named(self, username: str) -> NamedAccount | None: ...


@dataclass(frozen=True)
class FoundAccount:
    """`blocked_by_you`: the viewer blocks it, and typed its very name: to unblock it, for example."""

    account: SeenAccount
    blocked_by_you: bool = False


@dataclass(frozen=True)
class Found(Generic[Seen]):
    """A page. `after`: the position of its end; None if there is no more."""

    items: list[Seen]
    after: Position | None


class SearchService:
    def __init__(self, index: Index, sights: Sights, graph: Graph, names: Names) -> None:
        self._index = index
        self._sights = sights
        self._graph = graph
        self._names = names

    async def accounts(self, viewer_id: int, text: str, *, after: Position | None, limit: int) -> Found[FoundAccount]:
        """Return accounts whose names begin with the words of the text. Without the index, the one with exactly this
        username."""
        with measured("accounts") as search:
            words, exact = prefixes(text), fold(text.strip().lstrip("@"))
            if not words:
                return Found([], None)
            try:
                found = await self._accounts(viewer_id, words, exact, after=after, limit=limit)
            except SearchUnavailable:
                named = await self._seen_by_name(viewer_id, exact) if after is None else None
                if named is None:
                    raise
                found = Found([FoundAccount(named)], None)
            search.found = len(found.items)
            return found

    async def _accounts(
        self, viewer_id: int, words: Sequence[str], exact: str, *, after: Position | None, limit: int
    ) -> Found[FoundAccount]:
        neighbours = await self._graph.neighbours(viewer_id)
        blocked = None
        if after is None and limit > 1:
            blocked = await self._blocked(exact, neighbours.blocked)

        async def read(position: Position | None, size: int) -> list[Hit]:
            return await self._index.accounts(
                words, exact=exact, followed=neighbours.followed, near=neighbours.near, after=position, size=size
            )

        found = await _fill(
            "accounts",
            read,
            lambda ids: self._sights.accounts(viewer_id, ids),
            after,
            limit - 1 if blocked else limit,
        )
        # Whom the viewer has unblocked meanwhile is among the others.
        shown = [FoundAccount(one) for one in found.items]
        if blocked and all(one.account.id != blocked.account.id for one in shown):
            shown.insert(0, blocked)
        return Found(shown, found.after)

    async def _blocked(self, exact: str, blocked: Collection[int]) -> FoundAccount | None:
        """The account of exactly this name, if the viewer blocks it."""
        account_id = await self._index.account_named(exact) if blocked else None
        if account_id is None or account_id not in blocked:
            return None
        named = await self._names.named(exact)
        if named is None or named.id != account_id:
            return None
        return FoundAccount(SeenAccount(**named.model_dump(), followed=False), blocked_by_you=True)

    async def _seen_by_name(self, viewer_id: int, exact: str) -> SeenAccount | None:
        named = await self._names.named(exact) if _USERNAME.fullmatch(exact) else None
        return (await self._sights.accounts(viewer_id, [named.id])).get(named.id) if named else None

    async def posts(self, viewer_id: int, text: str, *, after: Position | None, limit: int) -> Found[SeenPost]:
        """Return posts of public accounts for which all of the text holds, the newest first."""
        with measured("posts") as search:
            found = await self._posts(viewer_id, text, after=after, limit=limit)
            search.found = len(found.items)
            return found

    async def _posts(self, viewer_id: int, text: str, *, after: Position | None, limit: int) -> Found[SeenPost]:
        query = post_query(text)
        if query.is_empty:
            return Found([], None)
        author_id = None
        if query.author is not None:
            author_id = await self._index.account_named(query.author)
            if author_id is None:
                return Found([], None)
        muted = frozenset(await self._graph.muted(viewer_id))

        async def read(position: Position | None, size: int) -> list[Hit]:
            before_id = int(position[0]) if position else None
            return await self._index.posts(query, author_id=author_id, muted=muted, before_id=before_id, size=size)

        async def look(ids: Collection[int]) -> Mapping[int, SeenPost]:
            # The index leaves out as many muted authors as a query may name.
            seen = await self._sights.posts(viewer_id, ids)
            return {post_id: post for post_id, post in seen.items() if post.author_id not in muted}

        return await _fill("posts", read, look, after, limit)

    async def hashtags(self, text: str, *, limit: int) -> list[FoundTag]:
        """Return hashtags of public posts that begin with the text: the very same first, then by use."""
        # No hashtag is longer; and the text may become longer than it was by being folded.
        prefix = fold(text.strip().lstrip("#＃"))[:_MAX_HASHTAG]
        with measured("hashtags") as search:
            found = await self._index.hashtags(prefix, size=limit) if prefix else []
            search.found = len(found)
        return sorted(found, key=lambda one: one.tag != prefix)

    async def places(self, text: str, near: Near | None, *, limit: int) -> list[FoundPlace]:
        """Return places of public posts, by how many accounts have been there."""
        words = prefixes(text)
        with measured("places") as search:
            found = await self._index.places(words, near, size=limit) if words or near else []
            search.found = len(found)
        return found


async def _fill(
    kind: str,
    read: Callable[[Position | None, int], Awaitable[list[Hit]]],
    look: Callable[[Collection[int]], Awaitable[Mapping[int, Seen]]],
    after: Position | None,
    limit: int,
) -> Found[Seen]:
    """Read hits until as many may be seen as were asked for, or there are no more. After some rounds a page is shorter,
    so that the work for it is bounded; the next one continues."""
    items: list[Seen] = []
    for number_of_round in range(_ROUNDS):
        if number_of_round:
            REFILLS.labels(kind).inc()
        size = min(2 * limit, 100)
        hits = await read(after, size)
        missing = limit - len(items)
        # Mostly all may be seen, so no more are looked at than are missing; the others only when some may not.
        for part in (hits[:missing], hits[missing:]):
            seen = await look([hit.id for hit in part]) if part else {}
            for hit in part:
                after = hit.position
                if hit.id in seen:
                    items.append(seen[hit.id])
                    if len(items) == limit:
                        is_last = hit is hits[-1] and len(hits) < size
                        return Found(items, None if is_last else after)
        if len(hits) < size:
            return Found(items, None)
    return Found(items, after)

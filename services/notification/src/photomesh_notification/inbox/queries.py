"""Reads of the API: the list of an account's notifications, and how many of them are unread.

A page is read chunk by chunk in four steps: skeleton (positions, from the index or the rows), rows, rules (preferences
and mutes), hydrate (what the account may see now). Without the last nothing is shown: what is stored may be about
somebody who is hidden since.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple, Protocol

from photomesh_notification.inbox.domain import (
    MAX_UNREAD,
    Filter,
    Group,
    Hydrated,
    Notification,
    Reader,
    Unread,
    is_wanted,
    view_of,
)
from photomesh_notification.positions import Position, ms_of
from photomesh_shared.clock import Clock
from photomesh_shared.concurrency.single_flight import SingleFlight
from photomesh_shared.errors import Unavailable

__all__ = ["InboxQueries", "Index", "ListedPage", "Post", "Store"]

log = logging.getLogger(__name__)

_MAX_SCANNED = 200
"""After so many groups a page ends, short or even empty, and the list goes on with the next."""
_UNREAD_CHUNK = 50
_CANDIDATES = 24
"""Of a group with more actors than its row has, so many are looked at for those whom the account follows."""


class Index(Protocol):
    """See `store.list_index.ListIndex`."""

    async def newest(self, account_id: int, *, until: int | None = None, since: int = 0) -> list[Position] | None: ...
    async def fill(self, account_id: int, groups: Sequence[Position]) -> None: ...


class Store(Protocol):
    """See `inbox.store.CassandraInbox`."""

    async def positions(self, account_id: int) -> Sequence[Position]: ...
    async def groups(self, account_id: int, group_ids: Collection[str]) -> Mapping[str, Group]: ...
    async def newest_actors(self, account_id: int, group_id: str, limit: int) -> Sequence[int]: ...
    async def reader(self, account_id: int) -> Reader: ...


class Post(Protocol):
    """See `clients.PostClient`."""

    async def hydrate(
        self,
        viewer_id: int,
        *,
        account_ids: Collection[int],
        post_ids: Collection[int],
        comment_ids: Collection[int],
        photo_ids: Collection[int],
        likers: Mapping[int, Collection[int]],
        counted_post_ids: Collection[int] = (),
        counted_comment_ids: Collection[int] = (),
    ) -> Hydrated: ...


class ListedPage(NamedTuple):
    """`as_of`: when its list began, in milliseconds; `next`: the position after which it goes on, if it does."""

    items: list[Notification]
    as_of: int
    next: Position | None


class InboxQueries:
    """Every method raises DatabaseUnavailable, and SightingsUnavailable rather than to show what is not checked."""

    def __init__(self, index: Index, store: Store, post: Post, clock: Clock) -> None:
        self._index = index
        self._store = store
        self._post = post
        self._clock = clock
        self._rebuilds = SingleFlight[Sequence[Position]]()

    async def page(
        self, account_id: int, wanted: Filter, limit: int, *, after: Position | None = None, as_of: int | None = None
    ) -> ListedPage:
        """A page of the list, newest first. What changed after `as_of` is on no later page: it is at the top of a new
        list."""
        until = after.changed_ms if after else None
        entries, reader = await asyncio.gather(self._entries(account_id, until=until), self._store.reader(account_id))
        if after:
            entries = [entry for entry in entries if entry < after]
        if as_of is None:
            # Clocks differ: what is there is in the list, also if it happened a little later by another clock.
            as_of = max(ms_of(self._clock.now()), entries[0].changed_ms if entries else 0)
        items: list[Notification] = []
        last: Position | None = None
        scanned = 0
        for chunk in _chunks(entries, limit + 1):
            views = await self._views(account_id, chunk, wanted, reader)
            for entry in chunk:
                if (view := views.get(entry.group_id)) is None:
                    continue
                if len(items) == limit:
                    return ListedPage(items, as_of, last)
                items.append(replace(view, new=ms_of(view.group.changed_at) > reader.seen_ms))
                last = entry
            scanned += len(chunk)
            if scanned >= _MAX_SCANNED and chunk[-1] != entries[-1]:
                return ListedPage(items, as_of, chunk[-1])
        return ListedPage(items, as_of, None)

    async def unread(self, account_id: int) -> Unread:
        """How many notifications changed since the account saw them. What the list does not show does not count."""
        reader = await self._store.reader(account_id)
        entries = await self._entries(account_id, since=reader.seen_ms)
        count = 0
        for chunk in _chunks(entries, _UNREAD_CHUNK):
            views = await self._views(account_id, chunk, Filter.ALL, reader)
            count += sum(ms_of(view.group.changed_at) > reader.seen_ms for view in views.values())
            if count > MAX_UNREAD:
                return Unread(MAX_UNREAD, more=True)
        return Unread(count, more=False)

    async def views(self, account_id: int, group_ids: Collection[str]) -> dict[str, Notification]:
        """What the account may see now of these groups, by id, and wants to hear of, in its list or not. What is not
        shown is left out."""
        reader = await self._store.reader(account_id)
        reader = replace(reader, preferences=reader.preferences.all_listed())
        return await self._views(account_id, [Position(0, id_) for id_ in group_ids], Filter.ALL, reader)

    async def _entries(self, account_id: int, *, until: int | None = None, since: int = 0) -> Sequence[Position]:
        """Positions, newest first, from the index. Without it, or as long as it is not complete, from the rows."""
        try:
            found = await self._index.newest(account_id, until=until, since=since)
        except Unavailable as error:
            log.warning("reading notifications without their index", extra={"reason": str(error)})
            found = None
        if found is not None:
            return found
        every = await self._rebuilds.run(account_id, lambda: self._rebuilt(account_id))
        return [one for one in every if one.changed_ms > since and (until is None or one.changed_ms <= until)]

    async def _rebuilt(self, account_id: int) -> Sequence[Position]:
        positions = await self._store.positions(account_id)
        try:
            await self._index.fill(account_id, positions)
            # What was put meanwhile, and the order that later pages will see.
            if (found := await self._index.newest(account_id)) is not None:
                return found
        except Unavailable as error:
            log.warning("the index of notifications is not filled", extra={"reason": str(error)})
        return sorted(positions, reverse=True)

    async def _views(
        self, account_id: int, chunk: Sequence[Position], wanted: Filter, reader: Reader
    ) -> dict[str, Notification]:
        rows = await self._store.groups(account_id, [entry.group_id for entry in chunk])
        groups = [group for group in rows.values() if is_wanted(group, wanted, reader)]
        if not groups:
            return {}
        found = await asyncio.gather(*(self._actors(account_id, group) for group in groups))
        actors = {group.id: ids for group, ids in zip(groups, found, strict=True)}
        hydrated = await self._post.hydrate(
            account_id,
            account_ids={actor_id for ids in actors.values() for actor_id in ids},
            post_ids={group.post_id for group in groups if group.post_id is not None},
            comment_ids={group.comment_id for group in groups if group.comment_id is not None},
            photo_ids={group.photo_id for group in groups if group.photo_id is not None},
            likers=_likers(groups, actors),
            counted_post_ids={
                group.post_id for group in groups if group.kind == "like" and group.capped and group.post_id
            },
            counted_comment_ids={
                group.comment_id
                for group in groups
                if group.kind == "comment_like" and group.capped and group.comment_id
            },
        )
        views = (view_of(group, actors[group.id], hydrated, wanted, reader.preferences) for group in groups)
        return {view.group.id: view for view in views if view}

    async def _actors(self, account_id: int, group: Group) -> Sequence[int]:
        """The newest actors of a group: those in its row, unless there are more."""
        if group.count <= len(group.actors):
            return group.actors
        newest = await self._store.newest_actors(account_id, group.id, _CANDIDATES)
        return [*group.actors, *(actor_id for actor_id in newest if actor_id not in group.actors)]


def _chunks(entries: Sequence[Position], size: int) -> Iterator[Sequence[Position]]:
    return (entries[start : start + size] for start in range(0, len(entries), size))


def _likers(groups: Sequence[Group], actors: Mapping[str, Sequence[int]]) -> dict[int, set[int]]:
    """By comment, who likes it. A comment may be in several groups."""
    likers: dict[int, set[int]] = {}
    for group in groups:
        if group.kind == "comment_like" and group.comment_id is not None:
            likers.setdefault(group.comment_id, set()).update(actors[group.id])
    return likers

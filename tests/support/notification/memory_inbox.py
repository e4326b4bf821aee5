"""What the reader of notifications uses, in memory: rows, index, preferences, and post.

`tests/integration/notification/inbox` holds the real ones to the same behaviour.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from photomesh_notification.errors import NotificationsUnavailable, SightingsUnavailable
from photomesh_notification.inbox.domain import Group, Hydrated, Reader
from photomesh_notification.inbox.queries import InboxQueries
from photomesh_notification.inbox.service import SeenMarker
from photomesh_notification.positions import Position, moment_of, ms_of
from photomesh_notification.preferences.domain import Preferences
from photomesh_notification.preferences.service import PreferenceService
from photomesh_notification.store.list_index import LISTED
from photomesh_shared.internal_api.post import SeenAccount, SeenComment, SeenPhoto, SeenPost
from tests.support.clock import FakeClock

__all__ = ["MemoryInbox", "MemoryIndex", "MemoryPost", "MemoryPreferences", "MemoryRows"]


@dataclass
class MemoryIndex:
    """As the sorted sets: `put` only moves up, `fill` only adds."""

    lists: dict[int, dict[str, int]] = field(default_factory=dict)
    complete: set[int] = field(default_factory=set)
    away: bool = False

    async def put(self, account_id: int, group_id: str, changed_at: datetime) -> None:
        self._check()
        listed = self.lists.setdefault(account_id, {})
        listed[group_id] = max(ms_of(changed_at), listed.get(group_id, 0))
        self._trim(account_id)

    async def remove(self, account_id: int, group_id: str) -> None:
        self._check()
        self.lists.get(account_id, {}).pop(group_id, None)

    async def newest(self, account_id: int, *, until: int | None = None, since: int = 0) -> list[Position] | None:
        self._check()
        if account_id not in self.complete:
            return None
        listed = (Position(ms, group_id) for group_id, ms in self.lists.get(account_id, {}).items())
        return sorted((one for one in listed if since < one[0] and (until is None or one[0] <= until)), reverse=True)

    async def fill(self, account_id: int, groups: Sequence[Position]) -> None:
        self._check()
        listed = self.lists.setdefault(account_id, {})
        for ms, group_id in sorted(groups)[-LISTED:]:
            listed.setdefault(group_id, ms)
        self.complete.add(account_id)
        self._trim(account_id)

    def lose(self) -> None:
        self.lists.clear()
        self.complete.clear()

    def _trim(self, account_id: int) -> None:
        listed = self.lists[account_id]
        kept = sorted(((ms, group_id) for group_id, ms in listed.items()), reverse=True)[:LISTED]
        self.lists[account_id] = {group_id: ms for ms, group_id in kept}

    def _check(self) -> None:
        if self.away:
            raise NotificationsUnavailable


@dataclass
class MemoryPreferences:
    stored: dict[int, Preferences] = field(default_factory=dict)
    muted: dict[int, list[int]] = field(default_factory=dict)

    async def preferences(self, account_id: int) -> Preferences:
        return self.stored.get(account_id, Preferences())

    async def store(self, account_id: int, preferences: Preferences) -> None:
        self.stored[account_id] = preferences

    async def muted_post_ids(self, account_id: int) -> list[int]:
        return sorted(self.muted.get(account_id, []))

    async def mute_post(self, account_id: int, post_id: int) -> None:
        muted = self.muted.setdefault(account_id, [])
        if post_id not in muted:
            muted.append(post_id)

    async def unmute_post(self, account_id: int, post_id: int) -> None:
        if post_id in self.muted.get(account_id, []):
            self.muted[account_id].remove(post_id)


@dataclass
class MemoryRows:
    stored: MemoryPreferences
    groups_of: dict[int, dict[str, Group]] = field(default_factory=dict)
    members: dict[tuple[int, str], list[int]] = field(default_factory=dict)
    """Newest first."""
    seen: dict[int, int] = field(default_factory=dict)

    async def positions(self, account_id: int) -> list[Position]:
        rows = self.groups_of.get(account_id, {}).values()
        return [Position(ms_of(row.changed_at), row.id) for row in rows if row.count]

    async def groups(self, account_id: int, group_ids: Collection[str]) -> dict[str, Group]:
        rows = self.groups_of.get(account_id, {})
        return {key: rows[key] for key in group_ids if key in rows and rows[key].count}

    async def newest_actors(self, account_id: int, group_id: str, limit: int) -> list[int]:
        return self.members.get((account_id, group_id), [])[:limit]

    async def seen_ms(self, account_id: int) -> int:
        return self.seen.get(account_id, 0)

    async def reader(self, account_id: int) -> Reader:
        preferences, muted = await self.stored.preferences(account_id), await self.stored.muted_post_ids(account_id)
        return Reader(preferences, frozenset(muted), await self.seen_ms(account_id))

    async def mark_seen(self, account_id: int, seen_at: datetime) -> None:
        self.seen[account_id] = max(ms_of(seen_at), self.seen.get(account_id, 0))


@dataclass
class MemoryPost:
    """Shows everything except what is in `hidden`."""

    author_id: int
    """Of all posts and comments."""
    followed: set[int] = field(default_factory=set)
    hidden: set[int] = field(default_factory=set)
    hidden_likers: dict[int, set[int]] = field(default_factory=dict)
    likes: int = 0
    """Of each post and comment."""
    away: bool = False
    calls: int = 0

    async def posts(self, viewer_id: int, post_ids: Collection[int]) -> dict[int, SeenPost]:
        self._check()
        return {
            key: SeenPost(id=key, author_id=self.author_id, photo_url=None, reason=None)
            for key in post_ids
            if key not in self.hidden
        }

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
    ) -> Hydrated:
        self._check()
        posts = await self.posts(viewer_id, post_ids)
        return Hydrated(
            accounts={
                key: SeenAccount(
                    id=key, username=f"user{key}", display_name=None, avatar_url=None, followed=key in self.followed
                )
                for key in account_ids
                if key not in self.hidden
            },
            posts={
                key: post.model_copy(update={"like_count": self.likes if key in counted_post_ids else None})
                for key, post in posts.items()
            },
            comments={
                key: SeenComment(
                    id=key,
                    post_id=1,
                    author_id=self.author_id,
                    excerpt="Lovely",
                    hidden_ids=sorted(self.hidden_likers.get(key, set()) & set(likers.get(key, ()))),
                    like_count=self.likes if key in counted_comment_ids else None,
                )
                for key in comment_ids
                if key not in self.hidden
            },
            photos={key: SeenPhoto(id=key, photo_url=None, reason=None) for key in photo_ids if key not in self.hidden},
        )

    def _check(self) -> None:
        self.calls += 1
        if self.away:
            raise SightingsUnavailable


class MemoryInbox:
    """The read side of one account, and what the writer does to it."""

    def __init__(self, account_id: int = 7) -> None:
        self.account_id = account_id
        self.clock = FakeClock()
        self.index, self.stored = MemoryIndex(), MemoryPreferences()
        self.rows = MemoryRows(self.stored)
        self.post = MemoryPost(account_id)
        self.inbox = InboxQueries(self.index, self.rows, self.post, self.clock)
        self.seen = SeenMarker(self.rows, self.clock)
        self.preferences = PreferenceService(self.stored, self.post)

    def at(self, seconds: float) -> datetime:
        """So many seconds after the clock's time, or before it."""
        return moment_of(ms_of(self.clock.now() + timedelta(seconds=seconds)))

    async def write(self, group: Group, *, indexed: bool = True) -> None:
        """Stores a group as the writer does: the row, and then the index."""
        self.rows.groups_of.setdefault(self.account_id, {})[group.id] = group
        if indexed:
            await self.put(group)

    async def put(self, group: Group) -> None:
        if group.count:
            await self.index.put(self.account_id, group.id, group.changed_at)
        else:
            await self.index.remove(self.account_id, group.id)

    async def change(self, group_id: str, **changes: object) -> None:
        stored = self.rows.groups_of[self.account_id][group_id]
        await self.write(replace(stored, **changes))  # type: ignore[arg-type]

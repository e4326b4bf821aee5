"""Use cases of the API: preferences, and mutes of posts."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from photomesh_notification.errors import NoPostOfYours, TooManyMutedPosts
from photomesh_notification.preferences.domain import MAX_MUTED_POSTS, Preferences
from photomesh_shared.internal_api.post import SeenPost

__all__ = ["Posts", "PreferenceService", "Store"]


class Store(Protocol):
    """See `preferences.store.CassandraPreferences`."""

    async def preferences(self, account_id: int) -> Preferences: ...
    async def store(self, account_id: int, preferences: Preferences) -> None: ...
    async def muted_post_ids(self, account_id: int) -> Sequence[int]: ...
    async def mute_post(self, account_id: int, post_id: int) -> None: ...
    async def unmute_post(self, account_id: int, post_id: int) -> None: ...


class Posts(Protocol):
    """See `clients.Sightings`."""

    async def posts(self, viewer_id: int, post_ids: Collection[int]) -> Mapping[int, SeenPost]: ...


class PreferenceService:
    """Every method is idempotent, and raises DatabaseUnavailable."""

    def __init__(self, store: Store, posts: Posts) -> None:
        self._store = store
        self._posts = posts

    async def preferences(self, account_id: int) -> tuple[Preferences, Sequence[int]]:
        """The preferences, and the ids of the muted posts."""
        preferences, muted = await asyncio.gather(
            self._store.preferences(account_id), self._store.muted_post_ids(account_id)
        )
        return preferences, muted

    async def replace(self, account_id: int, preferences: Preferences) -> None:
        await self._store.store(account_id, preferences)

    async def mute_post(self, account_id: int, post_id: int) -> None:
        """Raises NoPostOfYours unless it is a post of the account, TooManyMutedPosts, SightingsUnavailable."""
        seen = (await self._posts.posts(account_id, [post_id])).get(post_id)
        if seen is None or seen.author_id != account_id:
            raise NoPostOfYours
        muted = await self._store.muted_post_ids(account_id)
        if post_id not in muted and len(muted) >= MAX_MUTED_POSTS:
            raise TooManyMutedPosts
        await self._store.mute_post(account_id, post_id)

    async def unmute_post(self, account_id: int, post_id: int) -> None:
        """Also of a post that is gone."""
        await self._store.unmute_post(account_id, post_id)

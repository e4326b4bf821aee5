"""Use cases of the API: save and unsave posts, and sort them into collections."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from photomesh_post.errors import TooManyCollections
from photomesh_post.posts.visibility import PostVisibility
from photomesh_post.saves import domain
from photomesh_post.saves.domain import MAX_COLLECTIONS, NEVER, CollectionView, Membership, checked_name
from photomesh_post.saves.event_log import SaveEvent, SaveEventLog
from photomesh_post.saves.queries import SaveQueries
from photomesh_shared import ids
from photomesh_shared.clock import Clock
from photomesh_shared.events import (
    CollectionCreated,
    CollectionDeleted,
    CollectionPostAdded,
    CollectionPostRemoved,
    CollectionRenamed,
    Envelope,
    PostSaved,
    PostUnsaved,
)
from photomesh_shared.events.versions import version_at
from photomesh_shared.ids import CreationId

__all__ = ["SaveService", "Store"]


class Store(Protocol):
    """See `saves.store.CassandraSaves`."""

    async def memberships(self, list_id: int, post_ids: Collection[int]) -> Mapping[int, Membership]: ...
    async def memberships_of_post(self, list_ids: Collection[int], post_id: int) -> Mapping[int, Membership]: ...
    async def collections(self, account_id: int) -> Sequence[domain.Collection]: ...
    async def collection(self, account_id: int, collection_id: int) -> domain.Collection | None: ...


class SaveService:
    """Every method raises EventLogUnavailable and DatabaseUnavailable. Those of a collection raise CollectionNotFound
    unless the account has it, those of a post PostNotFound unless the account sees it. What the account saved or
    collected it can take out again whether or not it still sees the post."""

    def __init__(
        self,
        store: Store,
        posts: PostVisibility,
        queries: SaveQueries,
        log: SaveEventLog,
        clock: Clock,
    ) -> None:
        self._store = store
        self._posts = posts
        self._queries = queries
        self._log = log
        self._clock = clock
        self._last_version = 0

    async def save_post(self, account_id: int, post_id: int) -> None:
        """Idempotent: a saved post keeps its position."""
        await self._posts.post(account_id, post_id)
        await self._save(account_id, post_id)

    async def _save(self, account_id: int, post_id: int) -> Membership:
        membership = await self._membership(account_id, post_id)
        if membership.present:
            return membership
        event = PostSaved(account_id=account_id, post_id=post_id, saved_at=self._clock.now())
        version = await self._commit(event, membership.version)
        return Membership(present=True, version=version, removed=membership.removed)

    async def unsave_post(self, account_id: int, post_id: int) -> None:
        """Also removes the post from all collections. Idempotent.

        First, and each by an event of its own: in the compacted topic every thing must end by itself. The consumer
        removes the post from a collection to which it is added meanwhile."""
        membership = await self._own_membership(account_id, account_id, post_id)
        if membership.present:
            await self._remove_from_collections(account_id, post_id)
            event = PostUnsaved(account_id=account_id, post_id=post_id, unsaved_at=self._clock.now())
            await self._commit(event, membership.version)

    async def create_collection(self, creation: CreationId, account_id: int, name: str) -> CollectionView:
        """Creates a collection. Idempotent. Collections may have the same name.

        Raises InvalidRequest, TooManyCollections, and CollectionNotFound if an earlier attempt of the same creation
        made a collection that was deleted since.
        """
        name = checked_name(name)
        collection_id = creation.id
        if creation.repeated and (made := await self._store.collection(account_id, collection_id)):
            return await self._queries.with_cover(account_id, made)
        others = [found for found in await self._store.collections(account_id) if found.id != collection_id]
        if len(others) >= MAX_COLLECTIONS:
            raise TooManyCollections(limit=MAX_COLLECTIONS)
        created_at = ids.timestamp_of(collection_id)
        event = CollectionCreated(account_id=account_id, collection_id=collection_id, name=name, created_at=created_at)
        event_id = f"{ids.encode('k', collection_id)}.created"
        await self._log.commit(Envelope.of(event, entityversion=version_at(created_at), id=event_id, time=created_at))
        if creation.repeated:  # the event changes nothing if the collection was deleted
            await self._queries.collection(account_id, collection_id)
        return CollectionView(domain.Collection(collection_id, name))

    async def rename_collection(self, account_id: int, collection_id: int, name: str) -> CollectionView:
        """Raises InvalidRequest."""
        name = checked_name(name)
        collection = await self._queries.collection(account_id, collection_id)
        if collection.name != name:
            event = CollectionRenamed(
                account_id=account_id, collection_id=collection_id, name=name, renamed_at=self._clock.now()
            )
            await self._commit(event, version_at(ids.timestamp_of(collection_id)))
        return await self._queries.with_cover(account_id, replace(collection, name=name))

    async def delete_collection(self, account_id: int, collection_id: int) -> None:
        """The posts in it stay saved."""
        await self._queries.collection(account_id, collection_id)
        event = CollectionDeleted(account_id=account_id, collection_id=collection_id, deleted_at=self._clock.now())
        await self._commit(event, version_at(ids.timestamp_of(collection_id)))

    async def add_to_collection(self, account_id: int, collection_id: int, post_id: int) -> None:
        """Saves the post as well if it is not. Idempotent."""
        await self._queries.collection(account_id, collection_id)
        await self._posts.post(account_id, post_id)
        saved = await self._save(account_id, post_id)
        membership = await self._membership(collection_id, post_id)
        # An earlier unsave removes it from collections, and may not have got to this one yet.
        if not membership.present or membership.version < saved.removed:
            event = CollectionPostAdded(
                account_id=account_id, collection_id=collection_id, post_id=post_id, added_at=self._clock.now()
            )
            await self._commit(event, max(membership.version, saved.version))

    async def remove_from_collection(self, account_id: int, collection_id: int, post_id: int) -> None:
        """The post stays saved. Idempotent."""
        await self._queries.collection(account_id, collection_id)
        membership = await self._own_membership(account_id, collection_id, post_id)
        if membership.present:
            event = CollectionPostRemoved(
                account_id=account_id, collection_id=collection_id, post_id=post_id, removed_at=self._clock.now()
            )
            await self._commit(event, membership.version)

    async def _remove_from_collections(self, account_id: int, post_id: int) -> None:
        collection_ids = [collection.id for collection in await self._store.collections(account_id)]
        found = await self._store.memberships_of_post(collection_ids, post_id) if collection_ids else {}
        for collection_id, membership in found.items():
            if membership.present:
                event = CollectionPostRemoved(
                    account_id=account_id, collection_id=collection_id, post_id=post_id, removed_at=self._clock.now()
                )
                await self._commit(event, membership.version)

    async def _own_membership(self, account_id: int, list_id: int, post_id: int) -> Membership:
        """The post in a list of the account. Raises PostNotFound if it was never in it, and is hidden or absent."""
        membership = await self._membership(list_id, post_id)
        if not membership.version:
            await self._posts.post(account_id, post_id)
        return membership

    async def _membership(self, list_id: int, post_id: int) -> Membership:
        return (await self._store.memberships(list_id, [post_id])).get(post_id, NEVER)

    async def _commit(self, event: SaveEvent, last_version: int) -> int:
        """Commits an event and returns its version, which is above the last of its subject and, so that no two are
        equal, above all others of this process."""
        now = self._clock.now()
        version = self._last_version = max(version_at(now), self._last_version + 1, last_version + 1)
        await self._log.commit(Envelope.of(event, entityversion=version, time=now))
        return version

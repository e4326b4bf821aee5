"""The log of saves: an event is produced to Kafka first, then applied to the tables, then counted."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import Protocol

from photomesh_post.counts.compare_and_set import compare_and_set
from photomesh_post.metrics import SAVES
from photomesh_post.saves import domain
from photomesh_post.saves.domain import NEVER, ListTally, Membership
from photomesh_post.saves.projection import added_rows, collection_rows, removed_rows
from photomesh_post.tables.rows import FINAL, RowWrite
from photomesh_shared.clock import Clock
from photomesh_shared.errors import Unavailable
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
from photomesh_shared.failpoints import declare, failpoint
from photomesh_shared.kafka.publisher import Publisher

__all__ = ["SaveEvent", "SaveEventLog", "Store"]

log = logging.getLogger(__name__)

AFTER_PRODUCE = declare("save.after_produce", "the event is in the log, the tables do not have it")
AFTER_ROWS = declare("save.after_rows", "the post is in the collection, or out of it, and not counted")
AFTER_TALLY = declare("save.after_tally", "the post is counted, the copied count is the old one")

SaveEvent = (
    PostSaved
    | PostUnsaved
    | CollectionCreated
    | CollectionRenamed
    | CollectionDeleted
    | CollectionPostAdded
    | CollectionPostRemoved
)


class Store(Protocol):
    """See `saves.store.CassandraSaves`."""

    async def write(self, rows: Sequence[RowWrite]) -> None: ...
    async def memberships(self, list_id: int, post_ids: Collection[int]) -> Mapping[int, Membership]: ...
    async def memberships_of_post(self, list_ids: Collection[int], post_id: int) -> Mapping[int, Membership]: ...
    async def collections(self, account_id: int) -> Sequence[domain.Collection]: ...
    async def tally(self, collection_id: int, post_id: int) -> ListTally: ...
    async def replace_tally(self, collection_id: int, post_id: int, read: ListTally, counted: ListTally) -> bool: ...
    async def publish_count(self, account_id: int, collection_id: int, post_id: int, tally: ListTally) -> None: ...


class SaveEventLog:
    def __init__(self, store: Store, publisher: Publisher, clock: Clock) -> None:
        self._store = store
        self._publisher = publisher
        self._clock = clock

    async def commit(self, envelope: Envelope[SaveEvent]) -> None:
        """Produces an event, then applies and counts it. Raises EventLogUnavailable, after which it may be in the log.
        If the tables are unavailable the request has succeeded all the same: the consumer applies the log."""
        await self._publisher.publish(envelope)
        SAVES.labels(envelope.data.type_.removeprefix("photomesh.").removesuffix(".v1")).inc()
        await failpoint(AFTER_PRODUCE)
        try:
            await self.apply(envelope)
        except Unavailable as error:
            log.warning(
                "leaving the event of a save to the consumer", extra={"event_id": envelope.id, "reason": str(error)}
            )

    async def apply(self, envelope: Envelope[SaveEvent]) -> None:
        """Writes an event's rows, and counts it. Idempotent. Raises Unavailable."""
        version = envelope.entityversion
        match envelope.data:
            case PostSaved() as event:
                await self._store.write(added_rows(event.account_id, event.post_id, version))
            case PostUnsaved() as event:
                await self._store.write(removed_rows(event.account_id, event.post_id, version))
                await self._remove_from_collections(event, version)
            case CollectionPostAdded() as event:
                await self._add(event, version)
            case CollectionPostRemoved() as event:
                await self._store.write(removed_rows(event.collection_id, event.post_id, version))
                await failpoint(AFTER_ROWS)
                await self._count(event.account_id, event.collection_id, event.post_id)
            case CollectionCreated() | CollectionRenamed() | CollectionDeleted() as event:
                await self._store.write(collection_rows(event, version))

    async def forget(self, account_id: int, list_id: int, post_id: int) -> None:
        """Takes a post out of a list for good: one of the two ended. Idempotent. Raises Unavailable."""
        await self._store.write(removed_rows(list_id, post_id, FINAL))
        if list_id != account_id and await self._store.memberships(list_id, [post_id]):
            await self._count(account_id, list_id, post_id)

    async def _remove_from_collections(self, event: PostUnsaved, version: int) -> None:
        """A post that is not saved is in no collection. A concurrent addition to a collection removes the post itself:
        each side writes before it reads, so one of the two sees the other."""
        collection_ids = [collection.id for collection in await self._store.collections(event.account_id)]
        found = await self._store.memberships_of_post(collection_ids, event.post_id)
        for collection_id, membership in found.items():
            if membership.version < version:
                await self._store.write(removed_rows(collection_id, event.post_id, version))
        await failpoint(AFTER_ROWS)
        await asyncio.gather(*(self._count(event.account_id, collection_id, event.post_id) for collection_id in found))

    async def _add(self, event: CollectionPostAdded, version: int) -> None:
        await self._store.write(added_rows(event.collection_id, event.post_id, version, account_id=event.account_id))
        saved = (await self._store.memberships(event.account_id, [event.post_id])).get(event.post_id, NEVER)
        if saved.removed > version:
            await self._store.write(removed_rows(event.collection_id, event.post_id, saved.removed))
        await failpoint(AFTER_ROWS)
        await self._count(event.account_id, event.collection_id, event.post_id)

    async def _count(self, account_id: int, collection_id: int, post_id: int) -> None:
        tally = await compare_and_set(
            read=partial(self._store.tally, collection_id, post_id),
            count=ListTally.with_post_counted,
            replace=partial(self._store.replace_tally, collection_id, post_id),
            clock=self._clock,
        )
        await failpoint(AFTER_TALLY)
        # Also if nothing was new: before a crash it may have been counted and not copied.
        await self._store.publish_count(account_id, collection_id, post_id, tally)

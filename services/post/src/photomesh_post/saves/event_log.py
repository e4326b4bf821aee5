"""The log of what accounts keep: what happened is written there first, then to the tables, then counted."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from itertools import islice
from typing import Protocol

from photomesh_post.metrics import SAVES, TALLY_CONFLICTS
from photomesh_post.posts.projection import RowWrite
from photomesh_post.saves import domain as lists
from photomesh_post.saves.domain import NEVER, Kept, ListTally, Place, collection_rows, kept_rows, removed_rows
from photomesh_shared.backoff import Backoff
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

__all__ = ["SaveEvent", "Saving", "Store"]

log = logging.getLogger(__name__)

AFTER_PRODUCE = declare("save.after_produce", "the event is in the log, the tables do not have it")
AFTER_ROWS = declare("save.after_rows", "the post is in the collection, or out of it, and not counted")
AFTER_TALLY = declare("save.after_tally", "the post is counted, the count that is shown is the old one")

SaveEvent = (
    PostSaved
    | PostUnsaved
    | CollectionCreated
    | CollectionRenamed
    | CollectionDeleted
    | CollectionPostAdded
    | CollectionPostRemoved
)

_TRIES = 8
_BACKOFF = Backoff(base=0.005, cap=0.2)


class Store(Protocol):
    """What is asked of the store; see `saves_store.CassandraSaves`."""

    async def write(self, rows: Sequence[RowWrite]) -> None: ...

    async def kept(self, list_id: int, post_ids: Collection[int]) -> Mapping[int, Kept]:
        """What a list says of these posts, as far as it says anything."""
        ...

    async def kept_in(self, list_ids: Collection[int], post_id: int) -> Mapping[int, Kept]:
        """What these lists say of a post, as far as they say anything."""
        ...

    def newest_in(self, list_id: int, *, before: Place | None) -> AsyncGenerator[Place, None]: ...
    async def collections(self, account_id: int) -> Sequence[lists.Collection]: ...
    async def collection(self, account_id: int, collection_id: int) -> lists.Collection | None: ...
    async def tally(self, collection_id: int, post_id: int) -> ListTally: ...
    async def replace_tally(self, collection_id: int, post_id: int, read: ListTally, counted: ListTally) -> bool: ...
    async def show_tally(self, account_id: int, collection_id: int, post_id: int, tally: ListTally) -> None: ...


class Saving:
    """Writes events of what accounts keep, and makes of them what is read."""

    def __init__(self, store: Store, publisher: Publisher, clock: Clock) -> None:
        self._store = store
        self._publisher = publisher
        self._clock = clock

    async def commit(self, envelope: Envelope[SaveEvent]) -> None:
        """Makes an event happen: in the log, in the tables, in the counts. Raises EventLogUnavailable, after
        which it may have happened. What the tables cannot take now is left to the consumer."""
        await self._publisher.publish(envelope)
        SAVES.labels(envelope.data.type_.removeprefix("photomesh.").removesuffix(".v1")).inc()
        await failpoint(AFTER_PRODUCE)
        try:
            await self.apply(envelope)
        except Unavailable as error:
            log.warning(
                "an event of a save is left to the consumer", extra={"event_id": envelope.id, "reason": str(error)}
            )

    async def apply(self, envelope: Envelope[SaveEvent]) -> None:
        """Writes what an event says to the tables, and counts it; once more is no harm. Raises DatabaseUnavailable."""
        version = envelope.entityversion
        match envelope.data:
            case PostSaved() as event:
                await self._store.write(kept_rows(event.account_id, event.post_id, version))
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

    async def _remove_from_collections(self, event: PostUnsaved, version: int) -> None:
        """What is not kept is in no collection. Those that it comes into at this moment see to it themselves: each side
        writes first and reads then, so one of the two sees the other."""
        collection_ids = [collection.id for collection in await self._store.collections(event.account_id)]
        found = await self._store.kept_in(collection_ids, event.post_id)
        for collection_id, said in found.items():
            if said.version < version:
                await self._store.write(removed_rows(collection_id, event.post_id, version))
        await failpoint(AFTER_ROWS)
        await asyncio.gather(*(self._count(event.account_id, collection_id, event.post_id) for collection_id in found))

    async def _add(self, event: CollectionPostAdded, version: int) -> None:
        await self._store.write(kept_rows(event.collection_id, event.post_id, version))
        saved = (await self._store.kept(event.account_id, [event.post_id])).get(event.post_id, NEVER)
        if saved.removed > version:
            await self._store.write(removed_rows(event.collection_id, event.post_id, saved.removed))
        await failpoint(AFTER_ROWS)
        await self._count(event.account_id, event.collection_id, event.post_id)

    async def _count(self, account_id: int, collection_id: int, post_id: int) -> None:
        """Counts a post as the collection has it, and shows the count even if nothing is new: the count may be written
        and not shown since a crash."""
        for pause in islice(_BACKOFF.delays(), _TRIES):
            read = await self._store.tally(collection_id, post_id)
            counted = read.brought_up()
            if counted is read or await self._store.replace_tally(collection_id, post_id, read, counted):
                await failpoint(AFTER_TALLY)
                await self._store.show_tally(account_id, collection_id, post_id, counted)
                return
            TALLY_CONFLICTS.inc()
            await self._clock.sleep(pause)
        raise Unavailable("Others are counting this collection's posts.")

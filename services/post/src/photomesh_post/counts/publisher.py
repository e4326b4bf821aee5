"""Publishes the counts of posts: absolute numbers, a moment after they changed, so that many changes of one post within
that moment are one event."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from itertools import islice
from typing import Protocol

from photomesh_post.counts.domain import Counts
from photomesh_post.metrics import COUNTED
from photomesh_shared.clock import Clock
from photomesh_shared.events import Envelope, PostCounted
from photomesh_shared.events.versions import version_at
from photomesh_shared.failpoints import declare, failpoint
from photomesh_shared.kafka.publisher import Publisher

__all__ = ["CountPublisher", "Store"]

AFTER_VERSION = declare("counts.after_version", "the counts have their next version, no event is produced")
AFTER_PRODUCE = declare("counts.after_produce", "the counts are in the log, the consumer's offset is not committed")

_POSTS_PER_BATCH = 32


class Store(Protocol):
    """See `counts.store.CassandraCounts`."""

    async def counts(self, subject_ids: Collection[int]) -> Mapping[int, Counts]: ...
    async def set_version(self, subject_id: int, version: int) -> None: ...


class CountPublisher:
    def __init__(self, store: Store, publisher: Publisher, clock: Clock) -> None:
        self._store = store
        self._publisher = publisher
        self._clock = clock
        self._changed: dict[int, int] = {}
        """The author of each post."""

    def mark_changed(self, post_id: int, author_id: int) -> None:
        """Marks a post whose counts changed, or may have, for the next `flush`."""
        self._changed[post_id] = author_id

    async def flush(self) -> None:
        """Publishes the counts of all marked posts. Raises EventLogUnavailable or DatabaseUnavailable; what was not
        published stays marked."""
        left = len(self._changed)
        while left > 0:
            batch = dict(islice(self._changed.items(), min(left, _POSTS_PER_BATCH)))
            left -= len(batch)
            for post_id in batch:
                del self._changed[post_id]
            try:
                await self._publish_counts(batch)
            except BaseException:
                self._changed = batch | self._changed
                raise

    async def _publish_counts(self, authors: Mapping[int, int]) -> None:
        # The time is taken before the read: of two concurrent flushes, the one with the later version has not read
        # earlier than that, so the latest change is in the event that wins.
        now = self._clock.now()
        counts = await self._store.counts(authors)
        envelopes = []
        for post_id, author_id in authors.items():
            counted = counts.get(post_id, Counts())
            event = PostCounted(
                post_id=post_id,
                post_author_id=author_id,
                likes=counted.likes,
                comments=counted.comments,
                counted_at=now,
            )
            version = max(version_at(now), counted.version + 1)
            name = f"{event.subject()}.{version}"
            envelopes.append(Envelope.of(event, entityversion=version, id=name, time=now))
        # Before the events: a version without an event does no harm, but two events of one version may hide the later.
        await asyncio.gather(*(self._store.set_version(e.data.post_id, e.entityversion) for e in envelopes))
        await failpoint(AFTER_VERSION)
        await self._publisher.publish_many(envelopes)
        COUNTED.inc(len(envelopes))
        await failpoint(AFTER_PRODUCE)

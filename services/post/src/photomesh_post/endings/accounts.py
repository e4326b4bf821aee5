"""Erasure of accounts by the groups `post` and `post-engagement`: `docs/erasure.md` has the protocol.

The request marks the account as ended and is a pending erasure from then on, so that no partition waits for it. The
group answers once everything is gone, objects and caches included.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Protocol

from photomesh_post.erasures.domain import Kind, Pending
from photomesh_post.erasures.worker import NotYetErased
from photomesh_shared.clock import Clock
from photomesh_shared.consumer.erasure import Erased, ErasureHandler, kept_dead_letters, kept_in_topic
from photomesh_shared.events import AccountErasureRequested, Envelope, Kept
from photomesh_shared.events.versions import version_at
from photomesh_shared.failpoints import declare, failpoint
from photomesh_shared.kafka.publisher import Publisher

__all__ = ["TOPICS_OF_ENGAGEMENT", "TOPICS_OF_POSTS", "AccountErasure", "Erasures", "Stage"]

AFTER_MARK = declare("account.erasure.after_mark", "the account is marked as ended, its erasure is not pending")
AFTER_STAGE = declare("account.erasure.after_stage", "a part of the account is erased, others are not")

TOPICS_OF_POSTS = {
    "posts": "posts",
    "photo_ready": "sizes and camera of photos",
    "photo_rejected": "why photos were rejected",
    "photo_failed": "which photos failed",
}
TOPICS_OF_ENGAGEMENT = {"engagement": "likes and comments", "saves": "saves and names of collections"}

_COMPACTION = timedelta(days=14)


class Erasures(Protocol):
    """See `erasures.worker.ErasureWorker` and `erasures.store.CassandraErasures`."""

    async def add(self, pending: Pending) -> None: ...


class Ended(Protocol):
    """See `erasures.store.CassandraErasures`."""

    async def mark_ended(self, id_: int) -> None: ...


Stage = Callable[[Pending], Awaitable[Mapping[str, int]]]
"""Erases a part of the account whose id is the pending erasure's; returns counts. Idempotent. Raises Unavailable, or
NotYetErased to be tried again."""


class AccountErasure:
    """`stages` are done in order, each to its end."""

    def __init__(
        self,
        group: str,
        kind: Kind,
        erasures: Erasures,
        ended: Ended,
        stages: Sequence[Stage],
        topics: Mapping[str, str],
        publisher: Publisher,
        clock: Clock,
    ) -> None:
        """`topics` of the group, with what each has of accounts."""
        self._kind = kind
        self._erasures = erasures
        self._ended = ended
        self._stages = stages
        self._topics = topics
        self._clock = clock
        self._group = group
        self._publisher = publisher

    async def erasure_requested(self, envelope: Envelope[AccountErasureRequested]) -> None:
        """Handler of the request. Idempotent. Raises DatabaseUnavailable."""
        event = envelope.data
        await self._ended.mark_ended(event.user_id)
        await failpoint(AFTER_MARK)
        details = json.dumps({"request": event.model_dump_json()})
        await self._erasures.add(Pending(self._kind, event.user_id, event.requested_at, details))

    async def erase(self, pending: Pending) -> None:
        """Does what is pending, and acknowledges it."""
        event = AccountErasureRequested.model_validate_json(json.loads(pending.details)["request"])

        async def stages(envelope: Envelope[AccountErasureRequested]) -> Erased:
            return Erased(await self._run(pending), self._keeps())

        handler = ErasureHandler(self._group, stages, self._publisher, self._clock)
        await handler.erasure_requested(Envelope.of(event, entityversion=version_at(event.requested_at)))

    async def _run(self, pending: Pending) -> Mapping[str, int]:
        """Keeps counts: an attempt that comes after another finds less."""
        details = json.loads(pending.details)
        counts: dict[str, int] = details.setdefault("counts", {})

        async def count(found: Mapping[str, int]) -> None:
            more = {name: number for name, number in found.items() if number > counts.get(name, -1)}
            counts.update(more)
            if more:
                await self._erasures.add(replace(pending, details=json.dumps(details)))

        for stage in self._stages:
            try:
                await count(await stage(pending))
            except NotYetErased as error:
                await count(error.counts)
                raise
            await failpoint(AFTER_STAGE)
        return counts

    def _keeps(self) -> list[Kept]:
        now = self._clock.now()
        return [
            *(kept_in_topic(topic, what, now) for topic, what in self._topics.items()),
            kept_dead_letters(self._topics, now),
            Kept(
                what="deleted rows in the database's files, and in snapshots of them",
                why="files are rewritten when they are compacted, and snapshots are kept for two weeks",
                until=now + _COMPACTION,
            ),
            Kept(
                what="hashes of idempotency keys",
                why="a request that is repeated within a day must not happen twice",
                until=now + timedelta(days=1),
            ),
            Kept(
                what="ids of posts, comments and accounts that ended, without content",
                why="events that arrive late or are replayed must not restore them",
                until=None,
            ),
        ]

"""The log of posts: what happened is written there first, and then to the tables."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from typing import Protocol

from photomesh_post.metrics import POSTS, PUBLISHED_AFTER
from photomesh_post.posts.domain import Claim, Failure, Post, PostStatus, next_version, outcome
from photomesh_post.posts.projection import RowWrite, month_of, rows_of
from photomesh_post.posts.queries import Reads
from photomesh_shared import ids
from photomesh_shared.clock import Clock
from photomesh_shared.events import Envelope, Event, PostDeleted, PostFailed, PostPhoto, PostPublished
from photomesh_shared.failpoints import declare, failpoint
from photomesh_shared.kafka.publisher import Publisher

__all__ = ["Publishing", "Writes", "microseconds"]

AFTER_PRODUCE = declare("post.after_produce", "the event is in the log, the tables do not have it")
AFTER_APPLY = declare("post.after_apply", "the event is in the log and in the tables, nobody was told")

_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00Z")


class Writes(Reads, Protocol):
    """What is asked of the store; see `store.CassandraStore`."""

    async def write(self, rows: Sequence[RowWrite]) -> None: ...
    async def count_posts(self, author_id: int, month: int) -> int: ...
    async def claim(self, photo_id: int, claim: Claim) -> Claim: ...
    async def take_over(self, photo_id: int, held: Claim, claim: Claim) -> bool: ...
    def writing(self, post_id: int) -> AbstractAsyncContextManager[None]: ...


class Publishing:
    """Writes events of posts, and decides when a post is published."""

    def __init__(self, store: Writes, publisher: Publisher, clock: Clock) -> None:
        self._store = store
        self._publisher = publisher
        self._clock = clock

    async def commit(self, envelope: Envelope[Event]) -> None:
        """Makes an event happen: in the log, then in the tables.

        Raises EventLogUnavailable, after which it may have happened, or DatabaseUnavailable, after which it has: the
        consumer applies the log.
        """
        await self._publisher.publish(envelope)
        POSTS.labels(envelope.data.type_.split(".")[-2]).inc()
        await failpoint(AFTER_PRODUCE)
        await self.apply(envelope)
        await failpoint(AFTER_APPLY)

    async def apply(self, envelope: Envelope[Event]) -> None:
        """Writes what an event says to the tables, and what follows for the author's count; once more is no harm."""
        await self._store.write(rows_of(envelope))
        if isinstance(event := envelope.data, PostPublished | PostDeleted):
            await self._store.count_posts(event.author_id, month_of(event.post_id))

    async def settle(self, post_id: int) -> None:
        """Publishes a post whose photos are all ready, fails one that has a photo that never will be, and leaves every
        other as it is.

        Called after each change that may decide a post: its creation, and the end of each photo. Whichever comes last
        sees all the others, as all of them are written and read by quorum. Two that come at once take turns.
        """
        if await self._outcome(await self._store.post(post_id)) is None:
            return
        async with self._store.writing(post_id):
            post = await self._store.post(post_id)
            decided = await self._outcome(post)
            if post is None or decided is None:
                return
            event = self._decision(post, decided)
            await self.commit(event)
            if isinstance(event.data, PostPublished):
                PUBLISHED_AFTER.observe((event.time - post.created_at).total_seconds())

    async def _outcome(self, post: Post | None) -> tuple[PostPhoto, ...] | Failure | None:
        if post is None or post.deleted or post.status is not PostStatus.PROCESSING:
            return None
        photos, claims = await asyncio.gather(
            asyncio.gather(*(self._store.photo(photo_id) for photo_id in post.photo_ids)),
            asyncio.gather(*(self._claim(photo_id, post.id) for photo_id in post.photo_ids)),
        )
        return outcome(post, photos, claims)

    async def _claim(self, photo_id: int, post_id: int) -> Claim:
        """Who has the photo. Whoever creates a post has claimed its photos before; only where the tables are built
        anew from the log, the claims are as well."""
        mine = Claim(post_id, fingerprint="")
        held = await self._store.claim_of(photo_id) or await self._store.claim(photo_id, mine)
        if held.post_id != post_id:
            holder = await self._store.post(held.post_id)
            if holder and not holder.is_live and await self._store.take_over(photo_id, held, mine):
                return mine
        return held

    def _decision(self, post: Post, decided: tuple[PostPhoto, ...] | Failure) -> Envelope[Event]:
        now = self._clock.now()
        event: PostFailed | PostPublished
        if isinstance(decided, Failure):
            event = PostFailed(
                post_id=post.id,
                author_id=post.author_id,
                photo_id=decided.photo_id,
                reason=decided.reason,
                failed_at=now,
            )
        else:
            event = PostPublished(
                post_id=post.id,
                author_id=post.author_id,
                photos=decided,
                caption=post.caption,
                hashtags=post.hashtags,
                mentions=post.mentions,
                place=post.place,
                created_at=post.created_at,
                published_at=now,
            )
        # An id that a second attempt gives again: after a crash between log and tables the post is decided once more.
        name = f"{ids.encode('o', post.id)}.{'failed' if isinstance(decided, Failure) else 'published'}"
        return Envelope.of(event, entityversion=next_version(post, microseconds(now)), id=name, time=now)


def microseconds(time: datetime) -> int:
    """Since 1970: what versions of posts count."""
    return (time - _EPOCH) // timedelta(microseconds=1)

"""Use cases of the consumer of engagement: likes are counted, and the counts are told."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from itertools import islice
from typing import Protocol

from photomesh_post.likes.domain import Bucket, Counts, Like, LikeEvent, newest
from photomesh_post.metrics import COUNTED, TALLY_CONFLICTS
from photomesh_post.posts.event_log import microseconds
from photomesh_shared.clock import Clock
from photomesh_shared.events import Envelope, PostCounted
from photomesh_shared.failpoints import declare, failpoint
from photomesh_shared.kafka.publisher import Publisher

__all__ = ["Announcements", "Counting", "CountingStore"]

BEFORE_BUCKET = declare("engagement.before_bucket", "a bucket of likes is read and not written")
AFTER_BUCKET = declare("engagement.after_bucket", "a bucket of likes is written, others may not be")
AFTER_BUCKETS = declare("engagement.after_buckets", "all buckets are written, the counts that are shown are old")
AFTER_SHOWN = declare("engagement.after_shown", "the counts are shown, nobody was told")
AFTER_NUMBERED = declare("engagement.after_numbered", "the counts have their next version, nobody was told")
AFTER_TOLD = declare("engagement.after_told", "the counts were told, the offset is not committed")

_TOGETHER = 40  # likes in one transaction: about 4 KB, and Cassandra begins to complain at 5
_AT_A_TIME = 32


class CountingStore(Protocol):
    """What is asked of the store; see `likes_store.CassandraLikes`."""

    async def counts(self, subject_ids: Collection[int]) -> Mapping[int, Counts]: ...
    async def bucket(self, subject_id: int, number: int, account_ids: Collection[int]) -> Bucket: ...

    async def replace_bucket(self, subject_id: int, number: int, read: Bucket, counted: Bucket) -> bool:
        """Writes a bucket in the place of the one that was read; False if it is no longer that one."""
        ...

    async def show(self, subject_id: int, buckets: Mapping[int, Bucket]) -> None: ...
    async def number(self, subject_id: int, version: int) -> None: ...


class Announcements:
    """Tells how much engagement posts have: whole numbers, some time after they changed, so that many changes of a post
    in a moment are told once."""

    def __init__(self, store: CountingStore, publisher: Publisher, clock: Clock) -> None:
        self._store = store
        self._publisher = publisher
        self._clock = clock
        self._changed: dict[int, int] = {}

    def changed(self, post_id: int, author_id: int) -> None:
        """Remembers that there is something to tell of a post, or that there may be."""
        self._changed[post_id] = author_id

    async def tell(self) -> None:
        """Tells what there is to tell now. Raises EventLogUnavailable or DatabaseUnavailable; what was not told by then
        is told the next time."""
        left = len(self._changed)
        while left > 0:
            some = dict(islice(self._changed.items(), min(left, _AT_A_TIME)))
            left -= len(some)
            for post_id in some:
                del self._changed[post_id]
            try:
                await self._tell(some)
            except BaseException:
                self._changed = some | self._changed
                raise

    async def _tell(self, authors: Mapping[int, int]) -> None:
        # The time first: of two who tell at once, the one whose version is later has not read earlier than that, so
        # whoever changed a count last has the last word.
        now = self._clock.now()
        counts = await self._store.counts(authors)
        envelopes = []
        for post_id, author_id in authors.items():
            shown = counts.get(post_id, Counts())
            event = PostCounted(
                post_id=post_id,
                post_author_id=author_id,
                likes=shown.likes,
                comments=shown.comments,
                counted_at=now,
            )
            version = max(microseconds(now), shown.version + 1)
            name = f"{event.subject()}.{version}"
            envelopes.append(Envelope.of(event, entityversion=version, id=name, time=now))
        # Before they are told: a version that nobody heard of is no harm, one that comes twice may hide the later.
        await asyncio.gather(*(self._store.number(e.data.post_id, e.entityversion) for e in envelopes))
        await failpoint(AFTER_NUMBERED)
        await self._publisher.publish_many(envelopes)
        COUNTED.inc(len(envelopes))
        await failpoint(AFTER_TOLD)


class Counting:
    """Counts likes. Nothing is added up from events: a bucket's rows and its count change together or not at all, and
    what is shown is copied from there. So a batch may be repeated from any point, and by several at once."""

    def __init__(self, store: CountingStore, announcements: Announcements) -> None:
        self._store = store
        self._announcements = announcements

    async def likes(self, envelopes: Sequence[Envelope[LikeEvent]]) -> None:
        """Counts a batch of likes of one post and its comments. Raises DatabaseUnavailable."""
        said = newest(envelopes)
        await asyncio.gather(*(self._subject(subject_id, buckets) for subject_id, buckets in said.items()))
        await failpoint(AFTER_SHOWN)
        post = envelopes[0].data
        if post.post_id in said:
            self._announcements.changed(post.post_id, post.post_author_id)

    async def _subject(self, subject_id: int, said: Mapping[int, Mapping[int, Like]]) -> None:
        counted = await asyncio.gather(*(self._bucket(subject_id, number, likes) for number, likes in said.items()))
        await failpoint(AFTER_BUCKETS)
        # Also when nothing was new: since a crash they may be counted and not shown.
        await self._store.show(subject_id, dict(zip(said, counted, strict=True)))

    async def _bucket(self, subject_id: int, number: int, said: Mapping[int, Like]) -> Bucket:
        rest = iter(said.items())
        counted = Bucket()
        while some := dict(islice(rest, _TOGETHER)):
            counted = await self._transaction(subject_id, number, some)
        return counted

    async def _transaction(self, subject_id: int, number: int, said: Mapping[int, Like]) -> Bucket:
        """The bucket once these are counted in it."""
        while True:
            read = await self._store.bucket(subject_id, number, said)
            counted = read.after(said)
            if counted is read:
                return read
            await failpoint(BEFORE_BUCKET)
            if await self._store.replace_bucket(subject_id, number, read, counted):
                await failpoint(AFTER_BUCKET)
                return counted
            TALLY_CONFLICTS.inc()

"""The partitions of likes, as `reconciling.Reconciliation` goes through them."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from photomesh_post.counts.reconciliation import Balance, Place
from photomesh_post.likes.domain import BUCKETS, Bucket, Counts
from photomesh_post.likes.store import CassandraLikes
from photomesh_shared.cassandra import CassandraSession

__all__ = ["LikesLedger"]


class LikesLedger:
    """See `reconciling.Ledger`."""

    name = "likes"

    def __init__(self, session: CassandraSession) -> None:
        self._session = session
        self._likes = CassandraLikes(session)

    async def places(self, subject_id: int | None) -> AsyncGenerator[Place, None]:
        if subject_id is not None:
            for number in range(BUCKETS):
                yield Place(subject_id, number)
            return
        async for row in self._session.rows("SELECT DISTINCT subject_id, bucket FROM likes"):
            yield Place(row["subject_id"], row["bucket"])
        async for row in self._session.rows("SELECT subject_id, likes FROM counts"):
            for number, count in (row["likes"] or {}).items():
                if count and not (await self._likes.bucket(row["subject_id"], number, ())).revision:
                    yield Place(row["subject_id"], number)

    async def balance(self, place: Place) -> Balance | None:
        counts = (await self._likes.counts([place.subject_id])).get(place.subject_id, Counts())
        bucket = await self._likes.bucket(place.subject_id, place.number, ())
        held = 0
        cql = "SELECT account_id, liked FROM likes WHERE subject_id = ? AND bucket = ?"
        async for row in self._session.rows(cql, place.subject_id, place.number):
            held += bool(row["liked"])
        if (await self._likes.bucket(place.subject_id, place.number, ())).revision != bucket.revision:
            return None
        return Balance(held, bucket.count, counts.by_bucket.get(place.number, 0), bucket.revision)

    async def correct(self, place: Place, balance: Balance, revision: int) -> bool:
        right = Bucket(balance.held, revision)
        read = Bucket(balance.count, balance.revision)
        if not await self._likes.replace_bucket(place.subject_id, place.number, read, right):
            return False
        await self._likes.show(place.subject_id, {place.number: right})
        return True

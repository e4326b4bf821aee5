"""Likes in Cassandra."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, Collection, Sequence

from photomesh_post.counts.domain import PartitionRef
from photomesh_post.likes.domain import NEVER, Bucket, Like, OwnLike, bucket_of
from photomesh_post.tables.rows import BUCKETS, FINAL, by_month, month_of, months_between
from photomesh_post.tables.store import PARTITIONS_PER_STATEMENT, rows_by_month, write_batch
from photomesh_shared.concurrency.batch_loader import BatchLoader
from photomesh_shared.stores.cassandra import CassandraSession

__all__ = ["CassandraLikes"]

_ACCOUNTS_PER_READ = 100


class CassandraLikes:
    """Every method raises DatabaseUnavailable when no answer comes."""

    def __init__(self, session: CassandraSession) -> None:
        self._session = session
        # What many like at the same time is read and written in batches.
        self._own_like_reads = BatchLoader(self._read_own_likes, max_batch=PARTITIONS_PER_STATEMENT)
        self._own_like_writes = BatchLoader(self._write_own_likes, max_batch=PARTITIONS_PER_STATEMENT)

    # Own rows: what each account likes

    async def own_likes(self, account_id: int, subject_ids: Collection[int]) -> dict[int, Like]:
        if len(subject_ids) == 1:
            [subject_id] = subject_ids
            like = await self._own_like_reads.load((subject_id, account_id))
            return {subject_id: like} if like else {}
        months = await asyncio.gather(
            *(
                self._session.read(
                    "SELECT subject_id, liked, version FROM likes_by_account"
                    " WHERE account_id = ? AND month = ? AND subject_id IN ?",
                    account_id,
                    month,
                    of_month,
                )
                for month, of_month in by_month(subject_ids).items()
            )
        )
        return {row["subject_id"]: Like(row["version"], row["liked"]) for rows in months for row in rows}

    async def _read_own_likes(self, keys: Sequence[tuple[int, int]]) -> dict[tuple[int, int], Like]:
        """By subject and account: one read for each month. Asks for each account with each subject."""
        accounts: defaultdict[int, set[int]] = defaultdict(set)
        subjects: defaultdict[int, set[int]] = defaultdict(set)
        for subject_id, account_id in keys:
            accounts[month_of(subject_id)].add(account_id)
            subjects[month_of(subject_id)].add(subject_id)
        found = await asyncio.gather(
            *(
                self._session.execute(
                    "SELECT subject_id, account_id, liked, version FROM likes_by_account"
                    " WHERE account_id IN ? AND month = ? AND subject_id IN ?",
                    sorted(accounts[month]),
                    month,
                    sorted(of_month),
                )
                for month, of_month in subjects.items()
            )
        )
        return {
            (row["subject_id"], row["account_id"]): Like(row["version"], row["liked"]) for rows in found for row in rows
        }

    async def likes_of_account(self, account_id: int, *, after: int, until: int) -> AsyncGenerator[OwnLike, None]:
        """What an account likes: the posts and comments with larger ids than `after`, up to `until`, by id, as long as
        the caller takes them. Unlike `saves`, not in the order of liking."""
        cql = (
            "SELECT subject_id, liked, version FROM likes_by_account"
            " WHERE account_id = ? AND month = ? AND subject_id > ? LIMIT ?"
        )
        async for row in rows_by_month(self._session, cql, account_id, "subject_id", after=after, until=until):
            if row["liked"]:
                yield OwnLike(row["subject_id"], Like(row["version"], liked=True))

    async def save_own_like(self, account_id: int, subject_id: int, like: Like) -> None:
        await self._own_like_writes.load((account_id, subject_id, like))

    async def _write_own_likes(self, likes: Sequence[tuple[int, int, Like]]) -> dict[tuple[int, int, Like], None]:
        insert = (
            "INSERT INTO likes_by_account (account_id, month, subject_id, liked, version) VALUES (?, ?, ?, ?, ?)"
            " USING TIMESTAMP ?"
        )
        rows = [
            (account_id, month_of(subject_id), subject_id, like.liked, like.version, like.version)
            for account_id, subject_id, like in likes
        ]
        await write_batch(self._session, insert, rows)
        return {}

    # Buckets: which likes are counted

    async def own_buckets(self, account_id: int, subject_ids: Collection[int]) -> dict[int, Bucket]:
        """Count and row are read together, from one partition: so the count includes the row."""
        rows = await self._session.read(
            "SELECT subject_id, count, revision, liked, version FROM likes"
            " WHERE subject_id IN ? AND bucket = ? AND account_id = ?",
            tuple(sorted(subject_ids)),
            bucket_of(account_id),
            account_id,
        )
        return {
            row["subject_id"]: Bucket(row["count"], row["revision"], {account_id: Like(row["version"], row["liked"])})
            for row in rows
        }

    async def bucket(self, ref: PartitionRef, account_ids: Collection[int]) -> Bucket:
        partition = await self._session.execute(
            "SELECT DISTINCT subject_id, bucket, count, revision FROM likes WHERE subject_id = ? AND bucket = ?", *ref
        )
        if not partition or partition[0]["revision"] is None:
            return Bucket()
        rows = await self._session.execute(
            "SELECT account_id, liked, version FROM likes WHERE subject_id = ? AND bucket = ? AND account_id IN ?",
            *ref,
            list(account_ids),
        )
        likes = {row["account_id"]: Like(row["version"], row["liked"]) for row in rows}
        return Bucket(partition[0]["count"], partition[0]["revision"], likes)

    async def replace_bucket(self, ref: PartitionRef, read: Bucket, counted: Bucket) -> bool:
        """Writes a bucket in place of the one that was read; returns False if another writer was first.

        The rows have conditions of their own: revision and rows are read one after the other, so a row may be older
        than the revision.
        """
        statements = ["UPDATE likes SET count = ?, revision = ? WHERE subject_id = ? AND bucket = ? IF revision = ?"]
        values: list[object] = [counted.count, counted.revision, *ref, read.revision or None]
        for account_id, like in counted.likes.items():
            before = read.likes.get(account_id, NEVER)
            if like != before:
                statements.append(
                    "UPDATE likes SET liked = ?, version = ? WHERE subject_id = ? AND bucket = ? AND account_id = ?"
                    " IF version = ?"
                )
                values += [like.liked, like.version, *ref, account_id, before.version or None]
        for account_id in read.likes.keys() - counted.likes.keys():
            statements.append("DELETE FROM likes WHERE subject_id = ? AND bucket = ? AND account_id = ? IF version = ?")
            values += [*ref, account_id, read.likes[account_id].version]
        answer = await self._session.execute(
            f"BEGIN BATCH {'; '.join(statements)}; APPLY BATCH",  # the statements above, as many of the others
            *values,
        )
        return bool(answer[0]["[applied]"])

    async def accounts_in(self, ref: PartitionRef, *, after: int) -> AsyncGenerator[int, None]:
        """The accounts in a bucket that like its subject and have larger ids than `after`, by id, as long as the caller
        takes them."""
        last = after
        while True:
            rows = await self._session.execute(
                "SELECT account_id, liked FROM likes WHERE subject_id = ? AND bucket = ? AND account_id > ? LIMIT ?",
                *ref,
                last,
                _ACCOUNTS_PER_READ,
            )
            for row in rows:
                last = row["account_id"]
                if row["liked"]:
                    yield last
            if len(rows) < _ACCOUNTS_PER_READ:
                return

    # What ended

    async def buckets_of(self, subject_id: int) -> list[PartitionRef]:
        """The buckets in which a subject has, or had, likes."""
        rows = await self._session.execute(
            "SELECT DISTINCT subject_id, bucket FROM likes WHERE subject_id = ? AND bucket IN ?",
            subject_id,
            list(range(BUCKETS)),
        )
        return [PartitionRef(row["subject_id"], row["bucket"]) for row in rows]

    async def account_ids(self, ref: PartitionRef, *, after: int) -> list[int]:
        """The next accounts that like a bucket's subject, or did, by id."""
        rows = await self._session.execute(
            "SELECT account_id FROM likes WHERE subject_id = ? AND bucket = ? AND account_id > ? LIMIT ?",
            *ref,
            after,
            _ACCOUNTS_PER_READ,
        )
        return [row["account_id"] for row in rows if row["account_id"] is not None]

    async def forget_bucket(self, ref: PartitionRef) -> None:
        """Removes the likes of a subject that ended. Nothing that arrives later is stored."""
        cql = "DELETE FROM likes USING TIMESTAMP ? WHERE subject_id = ? AND bucket = ?"
        await self._session.execute(cql, FINAL, *ref)

    async def forget_own_likes(self, likes: Sequence[tuple[int, int]]) -> None:
        """Removes own rows, by account and subject, of which one ended. Nothing that arrives later is stored."""
        delete = "DELETE FROM likes_by_account USING TIMESTAMP ? WHERE account_id = ? AND month = ? AND subject_id = ?"
        for start in range(0, len(likes), PARTITIONS_PER_STATEMENT):
            some = likes[start : start + PARTITIONS_PER_STATEMENT]
            rows = [(FINAL, account_id, month_of(subject_id), subject_id) for account_id, subject_id in some]
            await write_batch(self._session, delete, rows)

    async def forget_account(self, account_id: int, until: int) -> None:
        """Removes an account's own rows, all of whose likes have ended. Nothing that arrives later is stored."""
        for month in months_between(0, until):
            cql = "DELETE FROM likes_by_account USING TIMESTAMP ? WHERE account_id = ? AND month = ?"
            await self._session.execute(cql, FINAL, account_id, month)

    # Reconciliation

    async def buckets(self) -> AsyncGenerator[PartitionRef, None]:
        """All buckets of all subjects."""
        async for row in self._session.rows("SELECT DISTINCT subject_id, bucket FROM likes"):
            yield PartitionRef(row["subject_id"], row["bucket"])

    async def count_rows(self, ref: PartitionRef) -> int:
        """How many accounts in the bucket like its subject, counted row by row."""
        likes = 0
        cql = "SELECT liked FROM likes WHERE subject_id = ? AND bucket = ?"
        async for row in self._session.rows(cql, *ref):
            likes += bool(row["liked"])
        return likes

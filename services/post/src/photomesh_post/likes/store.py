"""Likes and counts in Cassandra."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, Collection, Mapping, Sequence

from photomesh_post.likes.domain import NEVER, Bucket, Counts, Like, bucket_of
from photomesh_post.posts.domain import Author
from photomesh_post.posts.projection import month_of
from photomesh_post.posts.rows import author_of
from photomesh_shared.batch_loader import BatchLoader
from photomesh_shared.cassandra import CassandraSession

__all__ = ["CassandraLikes"]

_LIKERS_PER_READ = 100
_READ_TOGETHER = 20
_WRITTEN_TOGETHER = 10  # more partitions in a batch, and Cassandra begins to complain


class CassandraLikes:
    """See `liking.LikingStore` and `counting.CountingStore`. Every method raises DatabaseUnavailable when no answer
    comes."""

    def __init__(self, session: CassandraSession) -> None:
        self._session = session
        # Of a post that everybody likes at the same time, what each of them says is read and written together.
        self._one_said = BatchLoader(self._said_of_one_subject_each, max_batch=_READ_TOGETHER)
        self._sayings = BatchLoader(self._say, max_batch=_WRITTEN_TOGETHER)

    async def counts(self, subject_ids: Collection[int]) -> dict[int, Counts]:
        rows = await self._session.read("SELECT * FROM counts WHERE subject_id IN ?", tuple(sorted(subject_ids)))
        return {
            row["subject_id"]: Counts(row["likes"] or {}, row["comments"] or {}, row["version"] or 0) for row in rows
        }

    # What accounts say

    async def said(self, account_id: int, subject_ids: Collection[int]) -> dict[int, Like]:
        if len(subject_ids) == 1:
            [subject_id] = subject_ids
            said = await self._one_said.load((subject_id, account_id))
            return {subject_id: said} if said else {}
        by_month: defaultdict[int, list[int]] = defaultdict(list)
        for subject_id in subject_ids:
            by_month[month_of(subject_id)].append(subject_id)
        months = await asyncio.gather(
            *(
                self._session.read(
                    "SELECT subject_id, liked, version FROM likes_by_account"
                    " WHERE account_id = ? AND month = ? AND subject_id IN ?",
                    account_id,
                    month,
                    tuple(subjects),
                )
                for month, subjects in by_month.items()
            )
        )
        return {row["subject_id"]: Like(row["version"], row["liked"]) for rows in months for row in rows}

    async def _said_of_one_subject_each(self, keys: Sequence[tuple[int, int]]) -> dict[tuple[int, int], Like]:
        by_subject: defaultdict[int, list[int]] = defaultdict(list)
        for subject_id, account_id in keys:
            by_subject[subject_id].append(account_id)
        found = await asyncio.gather(
            *(
                self._session.execute(
                    "SELECT subject_id, account_id, liked, version FROM likes_by_account"
                    " WHERE account_id IN ? AND month = ? AND subject_id = ?",
                    account_ids,
                    month_of(subject_id),
                    subject_id,
                )
                for subject_id, account_ids in by_subject.items()
            )
        )
        return {
            (row["subject_id"], row["account_id"]): Like(row["version"], row["liked"]) for rows in found for row in rows
        }

    async def say(self, account_id: int, subject_id: int, like: Like) -> None:
        await self._sayings.load((account_id, subject_id, like))

    async def _say(self, sayings: Sequence[tuple[int, int, Like]]) -> dict[tuple[int, int, Like], None]:
        insert = (
            "INSERT INTO likes_by_account (account_id, month, subject_id, liked, version) VALUES (?, ?, ?, ?, ?)"
            " USING TIMESTAMP ?"
        )
        values = [
            value
            for account_id, subject_id, like in sayings
            for value in (account_id, month_of(subject_id), subject_id, like.liked, like.version, like.version)
        ]
        await self._session.execute(f"BEGIN UNLOGGED BATCH {'; '.join([insert] * len(sayings))}; APPLY BATCH", *values)
        return {}

    # What is counted

    async def counted(self, account_id: int, subject_ids: Collection[int]) -> dict[int, Bucket]:
        """Count and row come in one read of one partition: so the count knows of the row."""
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

    async def bucket(self, subject_id: int, number: int, account_ids: Collection[int]) -> Bucket:
        partition = await self._session.execute(
            "SELECT DISTINCT subject_id, bucket, count, revision FROM likes WHERE subject_id = ? AND bucket = ?",
            subject_id,
            number,
        )
        if not partition or partition[0]["revision"] is None:
            return Bucket()
        rows = await self._session.execute(
            "SELECT account_id, liked, version FROM likes WHERE subject_id = ? AND bucket = ? AND account_id IN ?",
            subject_id,
            number,
            list(account_ids),
        )
        likes = {row["account_id"]: Like(row["version"], row["liked"]) for row in rows}
        return Bucket(partition[0]["count"], partition[0]["revision"], likes)

    async def replace_bucket(self, subject_id: int, number: int, read: Bucket, counted: Bucket) -> bool:
        """Writes a bucket in the place of the one that was read; False if it is no longer that one.

        The rows have conditions of their own: what was read of them may be older than the revision, as the two were
        read one after the other.
        """
        statements = ["UPDATE likes SET count = ?, revision = ? WHERE subject_id = ? AND bucket = ? IF revision = ?"]
        values: list[object] = [counted.count, counted.revision, subject_id, number, read.revision or None]
        for account_id, like in counted.likes.items():
            before = read.likes.get(account_id, NEVER)
            if like != before:
                statements.append(
                    "UPDATE likes SET liked = ?, version = ? WHERE subject_id = ? AND bucket = ? AND account_id = ?"
                    " IF version = ?"
                )
                values += [like.liked, like.version, subject_id, number, account_id, before.version or None]
        answer = await self._session.execute(
            f"BEGIN BATCH {'; '.join(statements)}; APPLY BATCH",  # the statements above, so many of the second
            *values,
        )
        return bool(answer[0]["[applied]"])

    async def show(self, subject_id: int, buckets: Mapping[int, Bucket]) -> None:
        """Copies the counts of buckets to where they are read."""
        update = "UPDATE counts USING TIMESTAMP ? SET likes[?] = ? WHERE subject_id = ?"
        values = [
            value for number, bucket in buckets.items() for value in (bucket.revision, number, bucket.count, subject_id)
        ]
        statements = "; ".join([update] * len(buckets))
        await self._session.execute(f"BEGIN UNLOGGED BATCH {statements}; APPLY BATCH", *values)

    async def number(self, subject_id: int, version: int) -> None:
        """Numbers what is published of a subject's counts."""
        await self._session.execute(
            "UPDATE counts USING TIMESTAMP ? SET version = ? WHERE subject_id = ?", version, version, subject_id
        )

    # Who

    async def likers(self, subject_id: int, *, after: tuple[int, int]) -> AsyncGenerator[tuple[int, int], None]:
        """The buckets and ids of the accounts that like a subject, in this order, as long as the caller takes them."""
        counts = (await self.counts([subject_id])).get(subject_id, Counts())
        first, last = after
        for number in sorted(number for number, count in counts.by_bucket.items() if count and number >= first):
            last = last if number == first else -1
            while True:
                rows = await self._session.execute(
                    "SELECT account_id, liked FROM likes"
                    " WHERE subject_id = ? AND bucket = ? AND account_id > ? LIMIT ?",
                    subject_id,
                    number,
                    last,
                    _LIKERS_PER_READ,
                )
                for row in rows:
                    last = row["account_id"]
                    if row["liked"]:
                        yield number, last
                if len(rows) < _LIKERS_PER_READ:
                    break

    async def authors(self, account_ids: Collection[int]) -> dict[int, Author]:
        """What is known of these accounts."""
        if not account_ids:
            return {}
        rows = await self._session.execute("SELECT * FROM accounts WHERE user_id IN ?", list(account_ids))
        return {row["user_id"]: author_of(row["user_id"], row) for row in rows}

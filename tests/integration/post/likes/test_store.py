"""The stores of likes and counts in memory, which unit tests use, and those in Cassandra behave the same."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

import pytest

from photomesh_post.counts.domain import Counts, PartitionCount, PartitionRef
from photomesh_post.counts.store import CassandraCounts
from photomesh_post.likes.domain import Bucket, Like, bucket_of
from photomesh_post.likes.store import CassandraLikes
from photomesh_shared.stores.cassandra import CassandraSession
from tests.support.post.memory_counts import MemoryCounts
from tests.support.post.memory_likes import MemoryLikes

Store = MemoryLikes | CassandraLikes
CountStore = MemoryCounts | CassandraCounts


@pytest.fixture(params=["memory", "cassandra"])
def store(request: pytest.FixtureRequest, database: CassandraSession) -> Store:
    return MemoryLikes() if request.param == "memory" else CassandraLikes(database)


@pytest.fixture(params=["memory", "cassandra"])
def count_store(request: pytest.FixtureRequest, database: CassandraSession) -> CountStore:
    return MemoryCounts() if request.param == "memory" else CassandraCounts(database)


async def count(store: Store, ref: PartitionRef, likes: dict[int, Like]) -> Bucket:
    read = await store.bucket(ref, likes)
    counted = read.after(likes)
    assert await store.replace_bucket(ref, read, counted)
    return counted


async def test_an_empty_store(store: Store, count_store: CountStore, new_id: Callable[[], int]) -> None:
    subject, account = new_id(), new_id()
    assert (await count_store.counts([subject])).get(subject, Counts()) == Counts()
    assert await store.own_likes(account, [subject]) == {}
    assert await store.own_buckets(account, [subject]) == {}
    assert await store.bucket(PartitionRef(subject, 3), [account]) == Bucket()
    assert await store.count_rows(PartitionRef(subject, 3)) == 0
    assert [account async for account in store.accounts_in(PartitionRef(subject, 3), after=-1)] == []


async def test_the_newest_own_like_wins(store: Store, new_id: Callable[[], int]) -> None:
    account, subjects = new_id(), [new_id() for _ in range(3)]
    await store.save_own_like(account, subjects[0], Like(7, True))
    await store.save_own_like(account, subjects[0], Like(5, False))
    await store.save_own_like(account, subjects[1], Like(7, False))
    await store.save_own_like(account, subjects[1], Like(7, True))
    own = await store.own_likes(account, [*subjects, new_id()])
    assert own == {subjects[0]: Like(7, True), subjects[1]: Like(7, True)}


async def test_a_bucket_and_its_rows_change_together_or_not_at_all(store: Store, new_id: Callable[[], int]) -> None:
    ref, accounts = PartitionRef(new_id(), 2), [new_id() for _ in range(40)]
    first = await count(store, ref, {account: Like(1, True) for account in accounts})
    assert (first.count, first.revision) == (40, 1)
    await count(store, ref, {accounts[0]: Like(2, False), accounts[1]: Like(2, False)})
    stale = await store.bucket(ref, accounts)
    late = await count(store, ref, {accounts[2]: Like(2, False)})
    assert not await store.replace_bucket(ref, stale, stale.after({accounts[3]: Like(2, False)}))
    stored = await store.bucket(ref, accounts)
    assert (stored.count, stored.revision) == (late.count, late.revision) == (37, 3)
    assert sum(like.liked for like in stored.likes.values()) == await store.count_rows(ref) == 37
    assert await store.bucket(ref, [accounts[5], new_id()]) == Bucket(37, 3, {accounts[5]: Like(1, True)})


async def test_concurrent_writers_of_one_bucket(store: Store, new_id: Callable[[], int]) -> None:
    ref, accounts = PartitionRef(new_id(), 1), [new_id() for _ in range(30)]
    conflicts = 0

    async def work(seed: int) -> None:
        nonlocal conflicts
        rng = random.Random(seed)
        for _ in range(6):
            likes = {account: Like(rng.randrange(1, 9), rng.random() < 0.6) for account in rng.sample(accounts, 8)}
            while True:
                read = await store.bucket(ref, likes)
                counted = read.after(likes)
                if counted is read or await store.replace_bucket(ref, read, counted):
                    break
                conflicts += 1

    await asyncio.gather(*(work(seed) for seed in range(4)))
    stored = await store.bucket(ref, accounts)
    assert stored.count == sum(like.liked for like in stored.likes.values())
    assert conflicts, "these writers never met and so test little"


async def test_an_own_row_with_the_count_of_its_bucket(store: Store, new_id: Callable[[], int]) -> None:
    account, subjects = new_id(), [new_id() for _ in range(3)]
    number = bucket_of(account)
    await count(store, PartitionRef(subjects[0], number), {account: Like(1, True), new_id(): Like(1, True)})
    await count(store, PartitionRef(subjects[1], number), {new_id(): Like(1, True)})
    assert await store.own_buckets(account, subjects) == {subjects[0]: Bucket(2, 1, {account: Like(1, True)})}


async def test_late_counts_change_nothing(count_store: CountStore, new_id: Callable[[], int]) -> None:
    subject, other = new_id(), new_id()

    def of(subject_id: int, number: int, count: int, revision: int) -> PartitionCount:
        return PartitionCount(PartitionRef(subject_id, number), count, revision)

    await count_store.publish_like_counts([of(subject, 1, 5, 2), of(subject, 7, 3, 9), of(other, 1, 8, 1)])
    await count_store.publish_like_counts([of(subject, 1, 9, 1), of(subject, 8, 1, 1)])
    await count_store.publish_comment_counts([of(subject, 202611, 4, 3)])
    await count_store.publish_comment_counts([of(subject, 202611, 2, 2), of(subject, 202610, 1, 1)])
    await count_store.set_version(subject, 20)
    await count_store.set_version(subject, 10)
    counts = await count_store.counts([subject, other, new_id()])
    assert dict(counts[subject].by_bucket) == {1: 5, 7: 3, 8: 1}
    assert dict(counts[subject].by_month) == {202611: 4, 202610: 1}
    assert (counts[subject].likes, counts[subject].comments, counts[subject].version) == (9, 5, 20)
    assert (counts[other].likes, counts[other].comments, counts[other].version) == (8, 0, 0)


async def test_accounts_by_id_from_any_position(store: Store, new_id: Callable[[], int]) -> None:
    ref, accounts = PartitionRef(new_id(), 4), sorted(new_id() for _ in range(260))
    for start in range(0, len(accounts), 40):
        await count(store, ref, {account: Like(1, True) for account in accounts[start : start + 40]})
    await count(store, ref, {accounts[3]: Like(2, False)})
    liking = [account for account in accounts if account != accounts[3]]
    assert [account async for account in store.accounts_in(ref, after=-1)] == liking
    assert [account async for account in store.accounts_in(ref, after=liking[120])] == liking[121:]
    assert [account async for account in store.accounts_in(ref, after=accounts[3])] == accounts[4:]

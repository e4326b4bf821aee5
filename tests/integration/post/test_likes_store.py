"""The store of likes in memory, which unit tests use, and the one in Cassandra behave the same."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Protocol

import pytest

from photomesh_post.likes.domain import Bucket, Counts, Like, bucket_of
from photomesh_post.likes.event_handlers import CountingStore
from photomesh_post.likes.service import LikingStore
from photomesh_post.likes.store import CassandraLikes
from photomesh_shared.cassandra import CassandraSession
from tests.unit.post.fake_likes import MemoryLikes


class Store(LikingStore, CountingStore, Protocol):
    """Both halves."""


@pytest.fixture(params=["memory", "cassandra"])
def store(request: pytest.FixtureRequest, database: CassandraSession) -> Store:
    return MemoryLikes() if request.param == "memory" else CassandraLikes(database)


async def put(store: Store, subject_id: int, number: int, said: dict[int, Like]) -> Bucket:
    read = await store.bucket(subject_id, number, said)
    counted = read.after(said)
    assert await store.replace_bucket(subject_id, number, read, counted)
    return counted


async def test_nothing_yet(store: Store, new_id: Callable[[], int]) -> None:
    subject, account = new_id(), new_id()
    assert (await store.counts([subject])).get(subject, Counts()) == Counts()
    assert await store.said(account, [subject]) == {}
    assert await store.counted(account, [subject]) == {}
    assert await store.bucket(subject, 3, [account]) == Bucket()
    assert [place async for place in store.likers(subject, after=(-1, 0))] == []


async def test_what_an_account_says_last_stands(store: Store, new_id: Callable[[], int]) -> None:
    account, subjects = new_id(), [new_id() for _ in range(3)]
    await store.say(account, subjects[0], Like(7, True))
    await store.say(account, subjects[0], Like(5, False))
    await store.say(account, subjects[1], Like(7, False))
    await store.say(account, subjects[1], Like(7, True))
    said = await store.said(account, [*subjects, new_id()])
    assert said == {subjects[0]: Like(7, True), subjects[1]: Like(7, True)}


async def test_a_bucket_and_its_rows_change_together_or_not_at_all(store: Store, new_id: Callable[[], int]) -> None:
    subject, people = new_id(), [new_id() for _ in range(40)]
    first = await put(store, subject, 2, {account: Like(1, True) for account in people})
    assert (first.count, first.revision) == (40, 1)
    await put(store, subject, 2, {people[0]: Like(2, False), people[1]: Like(2, False)})
    stale = await store.bucket(subject, 2, people)
    late = await put(store, subject, 2, {people[2]: Like(2, False)})
    assert not await store.replace_bucket(subject, 2, stale, stale.after({people[3]: Like(2, False)}))
    kept = await store.bucket(subject, 2, people)
    assert (kept.count, kept.revision) == (late.count, late.revision) == (37, 3)
    assert sum(like.liked for like in kept.likes.values()) == 37
    assert await store.bucket(subject, 2, [people[5], new_id()]) == Bucket(37, 3, {people[5]: Like(1, True)})


async def test_many_writers_of_one_bucket(store: Store, new_id: Callable[[], int]) -> None:
    subject, people = new_id(), [new_id() for _ in range(30)]
    conflicts = 0

    async def work(seed: int) -> None:
        nonlocal conflicts
        randomness = random.Random(seed)
        for _ in range(6):
            said = {
                a: Like(randomness.randrange(1, 9), randomness.random() < 0.6) for a in randomness.sample(people, 8)
            }
            while True:
                read = await store.bucket(subject, 1, said)
                counted = read.after(said)
                if counted is read or await store.replace_bucket(subject, 1, read, counted):
                    break
                conflicts += 1

    await asyncio.gather(*(work(seed) for seed in range(4)))
    kept = await store.bucket(subject, 1, people)
    assert kept.count == sum(like.liked for like in kept.likes.values())
    assert conflicts, "these writers never met and so test little"


async def test_ones_own_row_and_the_count_of_its_bucket(store: Store, new_id: Callable[[], int]) -> None:
    account, subjects = new_id(), [new_id() for _ in range(3)]
    number = bucket_of(account)
    await put(store, subjects[0], number, {account: Like(1, True), new_id(): Like(1, True)})
    await put(store, subjects[1], number, {new_id(): Like(1, True)})
    assert await store.counted(account, subjects) == {subjects[0]: Bucket(2, 1, {account: Like(1, True)})}


async def test_counts_that_come_late_change_nothing(store: Store, new_id: Callable[[], int]) -> None:
    subject = new_id()
    await store.show(subject, {1: Bucket(5, 2), 7: Bucket(3, 9)})
    await store.show(subject, {1: Bucket(9, 1), 8: Bucket(1, 1)})
    await store.number(subject, 20)
    await store.number(subject, 10)
    counts = (await store.counts([subject, new_id()]))[subject]
    assert dict(counts.by_bucket) == {1: 5, 7: 3, 8: 1}
    assert (counts.likes, counts.comments, counts.version) == (9, 0, 20)


async def test_likers_in_order_from_any_place(store: Store, new_id: Callable[[], int]) -> None:
    subject, people = new_id(), sorted(new_id() for _ in range(260))
    for number, some in ((0, people[:250]), (4, people[250:])):
        for start in range(0, len(some), 40):
            counted = await put(
                store, subject, number, {account: Like(1, True) for account in some[start : start + 40]}
            )
        await store.show(subject, {number: counted})
    await store.show(subject, {0: await put(store, subject, 0, {people[3]: Like(2, False)})})
    places = [(0, account) for account in people[:250] if account != people[3]] + [(4, a) for a in people[250:]]
    assert [place async for place in store.likers(subject, after=(-1, 0))] == places
    assert [place async for place in store.likers(subject, after=places[120])] == places[121:]
    assert [place async for place in store.likers(subject, after=places[248])] == places[249:]

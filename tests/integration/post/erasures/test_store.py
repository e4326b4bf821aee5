"""The store of pending erasures in memory, which unit tests use, and that in Cassandra behave the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from photomesh_post.erasures.domain import Kind, Pending, shard_of
from photomesh_post.erasures.store import CassandraErasures
from photomesh_shared.stores.cassandra import CassandraSession
from tests.support.post.memory_erasures import MemoryErasures

Store = MemoryErasures | CassandraErasures
LONG_AGO = datetime(2024, 3, 1, tzinfo=UTC)


@pytest.fixture(params=["memory", "cassandra"])
def store(request: pytest.FixtureRequest, database: CassandraSession) -> Store:
    return MemoryErasures() if request.param == "memory" else CassandraErasures(database)


async def test_the_oldest_come_first_until_they_are_removed(store: Store, new_id: Callable[[], int]) -> None:
    id_ = new_id()
    shard = shard_of(id_)
    first, second, third = (Pending(Kind.OBJECTS, id_, LONG_AGO + timedelta(seconds=n), f"[{n}]") for n in range(3))
    for pending in (third, first, second, first):
        await store.add(pending)
    assert await store.oldest(Kind.OBJECTS, shard, limit=2) == [first, second]
    assert await store.oldest(Kind.OBJECTS, shard, after=second, limit=1) == [third]
    assert first not in await store.oldest(Kind.CACHES, shard, limit=100)
    changed = replace(first, details="[7]")
    await store.add(changed)
    assert await store.oldest(Kind.OBJECTS, shard, limit=1) == [changed]
    for pending in (first, second, third, third):
        await store.remove(pending)
    assert id_ not in {pending.id for pending in await store.oldest(Kind.OBJECTS, shard, limit=100)}


async def test_a_shard_has_one_worker_at_a_time(store: Store) -> None:
    shard = 99  # that no process has
    assert await store.claim(Kind.CACHES, shard, "a")
    assert not await store.claim(Kind.CACHES, shard, "b")
    assert await store.claim(Kind.CACHES, shard, "a")
    await store.release(Kind.CACHES, shard, "b")
    assert not await store.claim(Kind.CACHES, shard, "b")
    await store.release(Kind.CACHES, shard, "a")
    assert await store.claim(Kind.CACHES, shard, "b")
    await store.release(Kind.CACHES, shard, "b")


async def test_what_has_ended_is_known(store: Store, new_id: Callable[[], int]) -> None:
    ended, living = new_id(), new_id()
    await store.mark_ended(ended)
    await store.mark_ended(ended)
    assert await store.ended_among([ended, living]) == {ended}

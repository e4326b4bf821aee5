"""The store of saves in memory, which unit tests use, and the one in Cassandra behave the same."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from photomesh_post.saves.domain import Collection, ListPosition, ListTally, Membership
from photomesh_post.saves.projection import added_rows, collection_rows, removed_rows
from photomesh_post.saves.store import CassandraSaves
from photomesh_shared.events import CollectionCreated, CollectionDeleted, CollectionRenamed
from photomesh_shared.stores.cassandra import CassandraSession
from tests.support.post.memory_saves import MemorySaves

Store = MemorySaves | CassandraSaves
_NOW = 1_795_000_000_000_000
_DAY = 24 * 3600 * 1_000_000


@pytest.fixture(params=["memory", "cassandra"])
def store(request: pytest.FixtureRequest, database: CassandraSession) -> Store:
    return MemorySaves() if request.param == "memory" else CassandraSaves(database)


async def test_an_empty_store(store: Store, new_id: Callable[[], int]) -> None:
    assert await store.memberships(new_id(), [new_id()]) == {}
    assert await store.memberships(new_id(), []) == {}
    assert await store.memberships_of_post([], new_id()) == {}
    assert [position async for position in store.positions(new_id(), before=None)] == []
    assert list(await store.collections(new_id())) == []
    assert await store.collection(new_id(), new_id()) is None


@pytest.mark.parametrize("seed", range(4))
async def test_a_list_over_months_in_any_order(store: Store, new_id: Callable[[], int], seed: int) -> None:
    account, posts = new_id(), [new_id() for _ in range(4)]
    versions = [_NOW - days * _DAY for days in (0, 1, 40, 80)]
    rows = [added_rows(account, post, version) for post, version in zip(posts, versions, strict=True)] * 2
    rows += [removed_rows(account, posts[1], versions[1] + 5), removed_rows(account, posts[2], versions[2] - 5)]
    rows.append(added_rows(account, posts[3], versions[3] - 9))
    random.Random(seed).shuffle(rows)
    for write in rows:
        await store.write(write)
    assert await store.memberships(account, posts) == {
        posts[0]: Membership(True, versions[0]),
        posts[1]: Membership(False, versions[1] + 5, versions[1] + 5),
        posts[2]: Membership(True, versions[2], versions[2] - 5),
        posts[3]: Membership(True, versions[3]),
    }
    assert await store.memberships_of_post([account, posts[0]], posts[0]) == {account: Membership(True, versions[0])}
    positions = [ListPosition(version, post) for post, version in zip(posts, versions, strict=True)]
    positions.append(ListPosition(versions[3] - 9, posts[3]))
    assert [position async for position in store.positions(account, before=None)] == positions
    assert [position async for position in store.positions(account, before=positions[1])] == positions[2:]


async def test_a_list_longer_than_a_read_and_with_equal_versions(store: Store, new_id: Callable[[], int]) -> None:
    account, posts = new_id(), [new_id() for _ in range(203)]
    for post in posts:
        await store.write(added_rows(account, post, _NOW))
    found = [position async for position in store.positions(account, before=None)]
    assert [position.post_id for position in found] == posts[::-1]
    assert [position async for position in store.positions(account, before=found[99])] == found[100:]


async def test_collections(store: Store, new_id: Callable[[], int]) -> None:
    account, first, second = new_id(), new_id(), new_id()
    created = CollectionCreated.example().model_copy(update={"account_id": account, "collection_id": first})
    renamed = CollectionRenamed.example().model_copy(update={"account_id": account, "collection_id": first})
    deleted = CollectionDeleted.example().model_copy(update={"account_id": account, "collection_id": second})
    await store.write(collection_rows(renamed, 20))
    await store.write(collection_rows(created, 10))
    await store.write(collection_rows(created.model_copy(update={"collection_id": second}), 10))
    assert [collection.id for collection in await store.collections(account)] == [second, first]
    await store.write(collection_rows(deleted, 20))
    assert list(await store.collections(account)) == [Collection(first, renamed.name)]
    assert await store.collection(account, second) is None
    assert await store.collection(new_id(), first) is None


async def test_a_tally_replaces_only_the_one_that_was_read(store: Store, new_id: Callable[[], int]) -> None:
    account, lakes, post, other = (new_id() for _ in range(4))
    created = CollectionCreated.example().model_copy(update={"account_id": account, "collection_id": lakes})
    await store.write(collection_rows(created, 10))
    await store.write([*added_rows(lakes, post, _NOW), *added_rows(lakes, other, _NOW)])
    read = await store.tally(lakes, post)
    assert read == ListTally(membership=Membership(True, _NOW))
    counted = read.with_post_counted()
    assert await store.replace_tally(lakes, post, read, counted)
    assert not await store.replace_tally(lakes, post, read, counted)
    assert await store.tally(lakes, post) == counted
    assert counted.with_post_counted() is counted
    stale = replace(await store.tally(lakes, other), revision=0, count=0)
    assert not await store.replace_tally(lakes, other, stale, stale.with_post_counted())
    read = await store.tally(lakes, other)
    both = read.with_post_counted()
    assert (both.count, both.revision) == (2, 2)
    assert await store.replace_tally(lakes, other, read, both)
    for tally in (both, counted):
        await store.publish_count(account, lakes, post, tally)
    found = await store.collection(account, lakes)
    assert found is not None
    assert found.posts == 2


async def test_a_post_of_a_list_that_ended_is_not_counted(store: Store, new_id: Callable[[], int]) -> None:
    """An event that arrives late, or is read again, finds no row: everything of the list is deleted for good."""
    lakes, post = new_id(), new_id()
    await store.write(added_rows(lakes, post, _NOW))
    await store.forget_list(lakes)
    tally = await store.tally(lakes, post)
    assert tally.with_post_counted() == tally == ListTally()

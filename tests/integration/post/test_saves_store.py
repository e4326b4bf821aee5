"""The store of saves in memory, which unit tests use, and the one in Cassandra behave the same."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from photomesh_post.saves.domain import Collection, Kept, ListTally, Place, collection_rows, kept_rows, removed_rows
from photomesh_post.saves.event_log import Store
from photomesh_post.saves.store import CassandraSaves
from photomesh_shared.cassandra import CassandraSession
from photomesh_shared.events import CollectionCreated, CollectionDeleted, CollectionRenamed
from tests.unit.post.fake_saves import MemorySaves

_NOW = 1_795_000_000_000_000
_DAY = 24 * 3600 * 1_000_000


@pytest.fixture(params=["memory", "cassandra"])
def store(request: pytest.FixtureRequest, database: CassandraSession) -> Store:
    return MemorySaves() if request.param == "memory" else CassandraSaves(database)


async def test_an_absent_thing(store: Store, new_id: Callable[[], int]) -> None:
    assert await store.kept(new_id(), [new_id()]) == {}
    assert await store.kept(new_id(), []) == {}
    assert await store.kept_in([], new_id()) == {}
    assert [place async for place in store.newest_in(new_id(), before=None)] == []
    assert list(await store.collections(new_id())) == []
    assert await store.collection(new_id(), new_id()) is None


@pytest.mark.parametrize("seed", range(4))
async def test_a_list_over_months_in_any_order(store: Store, new_id: Callable[[], int], seed: int) -> None:
    account, posts = new_id(), [new_id() for _ in range(4)]
    versions = [_NOW - days * _DAY for days in (0, 1, 40, 80)]
    rows = [kept_rows(account, post, version) for post, version in zip(posts, versions, strict=True)] * 2
    rows += [removed_rows(account, posts[1], versions[1] + 5), removed_rows(account, posts[2], versions[2] - 5)]
    rows.append(kept_rows(account, posts[3], versions[3] - 9))
    random.Random(seed).shuffle(rows)
    for those in rows:
        await store.write(those)
    assert await store.kept(account, posts) == {
        posts[0]: Kept(True, versions[0]),
        posts[1]: Kept(False, versions[1] + 5, versions[1] + 5),
        posts[2]: Kept(True, versions[2], versions[2] - 5),
        posts[3]: Kept(True, versions[3]),
    }
    assert await store.kept_in([account, posts[0]], posts[0]) == {account: Kept(True, versions[0])}
    places = [Place(version, post) for post, version in zip(posts, versions, strict=True)]
    places.append(Place(versions[3] - 9, posts[3]))
    assert [place async for place in store.newest_in(account, before=None)] == places
    assert [place async for place in store.newest_in(account, before=places[1])] == places[2:]


async def test_more_than_one_read_and_equal_versions(store: Store, new_id: Callable[[], int]) -> None:
    account, posts = new_id(), [new_id() for _ in range(203)]
    for post in posts:
        await store.write(kept_rows(account, post, _NOW))
    found = [place async for place in store.newest_in(account, before=None)]
    assert [place.post_id for place in found] == posts[::-1]
    assert [place async for place in store.newest_in(account, before=found[99])] == found[100:]


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


async def test_a_tally_is_written_over_the_one_that_was_read_only(store: Store, new_id: Callable[[], int]) -> None:
    account, lakes, post, other = (new_id() for _ in range(4))
    created = CollectionCreated.example().model_copy(update={"account_id": account, "collection_id": lakes})
    await store.write(collection_rows(created, 10))
    await store.write([*kept_rows(lakes, post, _NOW), *kept_rows(lakes, other, _NOW)])
    read = await store.tally(lakes, post)
    assert read == ListTally(said=Kept(True, _NOW))
    counted = read.brought_up()
    assert await store.replace_tally(lakes, post, read, counted)
    assert not await store.replace_tally(lakes, post, read, counted)
    assert await store.tally(lakes, post) == counted
    assert counted.brought_up() is counted
    stale = replace(await store.tally(lakes, other), revision=0, count=0)
    assert not await store.replace_tally(lakes, other, stale, stale.brought_up())
    read = await store.tally(lakes, other)
    both = read.brought_up()
    assert (both.count, both.revision) == (2, 2)
    assert await store.replace_tally(lakes, other, read, both)
    for tally in (both, counted):
        await store.show_tally(account, lakes, post, tally)
    found = await store.collection(account, lakes)
    assert found is not None
    assert found.posts == 2

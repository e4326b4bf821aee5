"""The index in Redis behaves as the one in memory, with the rights of the program."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from redis.asyncio import Redis

from photomesh_notification.positions import Position, moment_of, ms_of
from photomesh_notification.store.list_index import LISTED, ListIndex
from photomesh_notification.store.shared_scripts import SharedScripts
from photomesh_shared.events import Envelope, NotificationRemoved, NotificationUpdated
from tests.support.notification.memory_inbox import MemoryIndex

Index = ListIndex | MemoryIndex


@pytest.fixture(params=["redis", "memory"])
def index(request: pytest.FixtureRequest) -> Index:
    return MemoryIndex() if request.param == "memory" else ListIndex(request.getfixturevalue("redis"))


@pytest.fixture
def account_id(new_id: Callable[[], int]) -> int:
    return new_id()


async def test_an_index_is_complete_only_after_it_was_filled(index: Index, account_id: int) -> None:
    assert await index.newest(account_id) is None
    await index.put(account_id, "b", moment_of(2_000))
    assert await index.newest(account_id) is None
    await index.fill(account_id, [Position(1_000, "a"), Position(1_500, "b")])
    assert await index.newest(account_id) == [Position(2_000, "b"), Position(1_000, "a")], "what was put is newer"


async def test_an_empty_list_is_complete_too(index: Index, account_id: int) -> None:
    await index.fill(account_id, [])
    assert await index.newest(account_id) == []
    await index.put(account_id, "a", moment_of(1_000))
    assert await index.newest(account_id) == [Position(1_000, "a")]


async def test_a_group_only_moves_up_until_it_is_removed(index: Index, account_id: int) -> None:
    await index.fill(account_id, [Position(1_000, "a"), Position(2_000, "b")])
    await index.put(account_id, "a", moment_of(3_000))
    await index.put(account_id, "a", moment_of(500))
    assert await index.newest(account_id) == [Position(3_000, "a"), Position(2_000, "b")]
    await index.remove(account_id, "a")
    await index.remove(account_id, "a")
    assert await index.newest(account_id) == [Position(2_000, "b")]
    await index.put(account_id, "a", moment_of(500))
    assert await index.newest(account_id) == [Position(2_000, "b"), Position(500, "a")]


async def test_parts_of_a_list(index: Index, account_id: int) -> None:
    every = [Position(1_000 + number, f"{number:02}") for number in range(5)]
    await index.fill(account_id, [*every, Position(1_002, "x")])
    newest = sorted([*every, Position(1_002, "x")], reverse=True)
    assert await index.newest(account_id) == newest
    assert await index.newest(account_id, until=1_002) == newest[2:]
    assert await index.newest(account_id, since=1_002) == newest[:2]


async def test_only_the_newest_are_kept(index: Index, account_id: int) -> None:
    await index.fill(account_id, [Position(1_000 + number, f"{number:04}") for number in range(LISTED + 5)])
    found = await index.newest(account_id)
    assert found is not None
    assert [found[0], found[-1], len(found)] == [Position(1_504, "0504"), Position(1_005, "0005"), LISTED]
    await index.put(account_id, "new", moment_of(9_000))
    found = await index.newest(account_id)
    assert found is not None
    assert [found[0], found[-1], len(found)] == [Position(9_000, "new"), Position(1_006, "0006"), LISTED]


async def test_the_index_follows_what_the_writer_publishes(redis: Redis, account_id: int) -> None:
    index = ListIndex(redis)
    await index.fill(account_id, [])
    updated = NotificationUpdated.example().model_copy(update={"recipient_id": account_id})
    removed = NotificationRemoved(recipient_id=account_id, group_id=updated.group_id)
    for _ in range(2):
        await index.changed(account_id, Envelope.of(updated, entityversion=1))
    assert await index.newest(account_id) == [Position(ms_of(updated.changed_at), updated.group_id)]
    for _ in range(2):
        await index.changed(account_id, Envelope.of(removed, entityversion=2))
    assert await index.newest(account_id) == []
    await index.forget(account_id)
    assert await index.newest(account_id) is None


async def test_an_index_expires(redis: Redis, account_id: int) -> None:
    await ListIndex(redis).put(account_id, "a", moment_of(1_000))
    assert 0 < await redis.ttl(f"n:l:{account_id}") <= 7 * 24 * 3600


async def test_scripts_that_redis_does_not_know_are_loaded(redis: Redis, new_id: Callable[[], int]) -> None:
    """Calls at the same time share a round trip."""
    script = redis.register_script(f"-- {new_id()}\nredis.call('ZADD', KEYS[1], ARGV[1], ARGV[2])")
    shared, keys = SharedScripts(redis), [f"n:l:{new_id()}" for _ in range(120)]
    await asyncio.gather(*(shared.call(script, (key,), (1_000, "a")) for key in keys))
    for key in keys:
        assert await redis.zscore(key, "a") == 1_000
        await redis.delete(key)

"""The erasure of an account removes all that Redis has of it, wherever it is interrupted; nothing brings it back."""

from __future__ import annotations

from typing import Any

import pytest

from photomesh_feed.event_handlers.erasure import AccountEraser
from photomesh_feed.store import keys
from photomesh_feed.store.eraser import FeedEraser
from photomesh_feed.store.writer import FeedWriter
from photomesh_shared.events import AccountErasureRequested, Envelope
from photomesh_shared.failpoints import FailpointReached, configure
from tests.support.clock import FakeClock
from tests.support.feed.events import account_changed, post_published, user_followed
from tests.support.feed.in_memory_feed import InMemoryFeed, post_ids

READER, ADA, GRACE = 1, 2_000_001, 3
VERSION = 1 << 52
REQUEST = Envelope.of(
    AccountErasureRequested.example().model_copy(update={"user_id": ADA}), entityversion=VERSION, id="request"
)


async def traces(redis: Any) -> set[str]:
    """Keys that have the account in their name, as a member or as a field."""
    found: set[str] = set()
    for key in await redis.keys("*"):
        match await redis.type(key):
            case b"hash":
                inside: dict[Any, Any] = await redis.hgetall(key)
            case b"zset":
                inside = dict(await redis.zrange(key, 0, -1, withscores=True))
            case b"set":
                inside = dict.fromkeys(await redis.smembers(key))
            case _:
                inside = {}
        words = {key, *key.split(b":"), *inside, *(value for value in inside.values() if isinstance(value, bytes))}
        if words & {b"%d" % ADA, b"m%d" % ADA}:
            found.add(key.decode())
    return found


async def populate(feed: InMemoryFeed) -> list[int]:
    await feed.write.know_since_long_ago()
    posts = feed.publish(ADA, range(5))
    await feed.warm(READER, [ADA, GRACE])
    await feed.warm(ADA, [GRACE])
    await feed.write.handle(account_changed(ADA, version=2))
    assert post_ids(await feed.page(READER)) == posts
    await feed.redis.zadd(keys.affinity(READER), {str(ADA): 3})
    await feed.redis.zadd(keys.affinity(ADA), {str(GRACE): 3})
    await feed.redis.zadd(keys.PULLED, {str(ADA): "+inf"})
    await feed.redis.rpush(keys.order(ADA, "name"), "1")
    assert {f"u:{ADA}", f"fo:{READER}", f"af:{READER}"} <= await traces(feed.redis)
    return posts


@pytest.mark.parametrize("failpoint", ["", "feed.erasure_after_snapshots", "feed.erasure_after_own"])
async def test_everything_goes_wherever_it_is_interrupted(feed: InMemoryFeed, failpoint: str) -> None:
    posts = await populate(feed)
    eraser = AccountEraser(FeedWriter(feed.redis), FeedEraser(feed.redis), FakeClock())
    if failpoint:
        configure({"PHOTOMESH_ENV": "test", "PHOTOMESH_FAILPOINTS": f"{failpoint}=raise"})
        with pytest.raises(FailpointReached):
            await eraser.erase(REQUEST)
        configure({})
    for _ in range(2):
        erased = await eraser.erase(REQUEST)
        assert {kept.until is not None for kept in erased.keeps} == {True}
        assert await traces(feed.redis) == {f"u:{ADA}"}
        assert await feed.redis.hgetall(keys.user(ADA)) == {b"hidden": b"1", b"erased": b"1", b"v": b"%d" % VERSION}
        assert [await feed.redis.hgetall(keys.post(post)) for post in posts] == [{b"x": b"1"}] * len(posts)
        assert post_ids(await feed.page(READER)) == []


async def test_late_events_bring_nothing_back(feed: InMemoryFeed) -> None:
    (post, *_) = await populate(feed)
    await AccountEraser(FeedWriter(feed.redis), FeedEraser(feed.redis), FakeClock()).erase(REQUEST)
    late = post + (1 << 22)
    await feed.write.handle(
        account_changed(ADA, version=3), user_followed(READER, ADA, version=9), post_published(late, ADA)
    )
    assert await feed.redis.hget(keys.user(ADA), "username") is None
    assert not await feed.redis.exists(keys.post(late))
    assert post_ids(await feed.page(READER)) == []


async def test_a_flushed_redis_has_nothing_to_erase(feed: InMemoryFeed) -> None:
    await populate(feed)
    await feed.redis.flushall()
    erased = await AccountEraser(FeedWriter(feed.redis), FeedEraser(feed.redis), FakeClock()).erase(REQUEST)
    assert dict(erased.counts) == {"snapshots": 0, "keys": 0, "keys_of_others": 0}

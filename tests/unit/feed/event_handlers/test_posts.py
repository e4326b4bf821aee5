"""Events of posts, repeated and in any order, on the fake Redis."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from redis.asyncio import Redis

from photomesh_feed.domain.snapshots import Snapshot, StoredPost
from photomesh_feed.store import keys
from photomesh_feed.store.writer import FeedWriter
from photomesh_shared.events import Envelope
from tests.support.feed.events import post_counted, post_deleted, post_edited, post_fact, post_published
from tests.support.feed.sources import InMemorySources
from tests.support.feed.write_side import THRESHOLD, WriteSide

AUTHOR, POST, READER = 7, 1 << 40, 1


@pytest.fixture
def write_side(redis: Redis, sources: InMemorySources) -> WriteSide:
    return WriteSide(redis, sources)


@pytest.mark.parametrize("order", list(itertools.permutations(range(5))))
async def test_any_order_ends_the_same(write_side: WriteSide, redis: Redis, order: tuple[int, ...]) -> None:
    events: list[Envelope[Any]] = [
        post_published(POST, AUTHOR, 1),
        post_edited(POST, AUTHOR, 2),
        post_edited(POST, AUTHOR, 3),
        post_counted(POST, AUTHOR, 4, likes=4),
        post_counted(POST, AUTHOR, 5, likes=5),
    ]
    await write_side.handle(*(events[which] for which in order), *(events[which] for which in order))
    stored = await redis.hgetall(keys.post(POST))
    assert json.loads(stored[b"s"])["caption"] == "version 3"
    assert (stored[b"v"], stored[b"lc"]) == (b"3", b"5")
    assert await write_side.lists.timeline(AUTHOR) == [POST]


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
async def test_deletion_wins_in_any_order(write_side: WriteSide, redis: Redis, order: tuple[int, ...]) -> None:
    await write_side.follow(AUTHOR, [READER])
    events: list[Envelope[Any]] = [
        post_published(POST, AUTHOR),
        post_edited(POST, AUTHOR, 2),
        post_deleted(POST, AUTHOR),
        post_counted(POST, AUTHOR),
    ]
    await write_side.handle(*(events[which] for which in order))
    await write_side.execute_tasks()
    assert await redis.hgetall(keys.post(POST)) == {b"x": b"1"}
    assert await write_side.lists.timeline(AUTHOR) == []
    assert await write_side.lists.feed(READER) == []


async def test_edit_is_enough_when_the_publication_is_compacted_away(write_side: WriteSide, redis: Redis) -> None:
    await write_side.handle(post_edited(POST, AUTHOR, 2), post_edited(POST, AUTHOR, 2))
    stored = json.loads((await redis.hgetall(keys.post(POST)))[b"s"])
    assert (stored["caption"], len(stored["photos"])) == ("version 2", 1)
    assert stored["edited_at"] is not None
    assert await write_side.lists.timeline(AUTHOR) == [POST]
    assert write_side.tasks == []

    await write_side.handle(post_published(POST, AUTHOR, 1))
    assert json.loads((await redis.hgetall(keys.post(POST)))[b"s"])["caption"] == "version 2"


async def test_partial_edit_waits_for_the_publication(write_side: WriteSide, redis: Redis) -> None:
    await write_side.handle(post_edited(POST, AUTHOR, 2, whole=False))
    assert await redis.hget(keys.post(POST), "s") is None
    await write_side.handle(post_published(POST, AUTHOR, 1))
    assert json.loads((await redis.hgetall(keys.post(POST)))[b"s"])["caption"] == "version 2"


async def test_post_of_a_pulled_author_is_in_the_timeline_only(write_side: WriteSide) -> None:
    await write_side.follow(AUTHOR, range(1, THRESHOLD + 1))
    await write_side.handle(post_published(POST, AUTHOR))
    assert write_side.tasks == []
    assert await write_side.lists.timeline(AUTHOR) == [POST]


async def test_replay_publishes_the_same_tasks(write_side: WriteSide) -> None:
    await write_side.follow(AUTHOR, [READER])
    event = post_published(POST, AUTHOR)
    await write_side.handle(event, event)
    first, second = write_side.tasks
    assert first.id == second.id
    await write_side.execute_tasks()
    assert await write_side.lists.feed(READER) == [POST]


async def test_concurrent_writes_are_merged(redis: Redis) -> None:
    """A write after another one that it has not seen is refused, so the handler reads again."""
    writer = FeedWriter(redis)
    before = await writer.post(POST)
    assert before == StoredPost(0, None, 0, None, False)
    snapshot = Snapshot.of_publication(post_fact(POST, AUTHOR), 1, "http://cdn")
    assert await writer.save_edit(POST, "{}", 2, before)
    assert not await writer.save_snapshot(snapshot, before)
    assert await writer.save_snapshot(snapshot, await writer.post(POST))


@pytest.mark.parametrize("envelope", [post_edited(POST, AUTHOR, 2), post_published(POST, AUTHOR)])
async def test_after_a_loss_a_post_has_its_counts(
    write_side: WriteSide, redis: Redis, sources: InMemorySources, envelope: Envelope[Any]
) -> None:
    """They come with no event of the post, and the next count may be far."""
    sources.publish(POST, AUTHOR)
    sources.counts[POST] = 7, 5
    await write_side.handle(envelope)
    assert await redis.hmget(keys.post(POST), ["lc", "cv"]) == [b"7", b"5"]
    await write_side.handle(post_counted(POST, AUTHOR, 6, likes=8))
    assert await redis.hmget(keys.post(POST), ["lc", "cv"]) == [b"8", b"6"]

"""Events of follows and mutes, on the fake Redis."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from redis.asyncio import Redis

from photomesh_feed.event_handlers.relations import BACK_FILL_POSTS
from photomesh_feed.store import keys
from photomesh_shared.events import Envelope
from tests.support.feed.events import post_published, user_followed, user_muted, user_unfollowed, user_unmuted
from tests.support.feed.sources import InMemorySources
from tests.support.feed.write_side import THRESHOLD, WriteSide

AUTHOR, OTHER, READER = 7, 8, 1
POSTS = [(1 << 40) + (number << 22) for number in range(300)]


@pytest.fixture
def write_side(redis: Redis, sources: InMemorySources) -> WriteSide:
    return WriteSide(redis, sources)


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
async def test_versions_decide(write_side: WriteSide, redis: Redis, order: tuple[int, ...]) -> None:
    await write_side.lists.open([READER])
    events: list[Envelope[Any]] = [
        user_followed(READER, AUTHOR, 1),
        user_unfollowed(READER, AUTHOR, 2),
        user_muted(READER, AUTHOR, 3),
        user_unmuted(READER, AUTHOR, 4),
    ]
    await write_side.handle(*(events[which] for which in order), *events)
    assert await redis.smembers(keys.following(READER)) == set()
    assert await redis.smembers(keys.muted(READER)) == set()


async def test_follow_back_fills_newest_posts(write_side: WriteSide, sources: InMemorySources) -> None:
    await write_side.lists.open([READER])
    sources.by_author[AUTHOR] = list(POSTS)
    await write_side.handle(user_followed(READER, AUTHOR))
    assert await write_side.lists.feed(READER) == POSTS[: -BACK_FILL_POSTS - 1 : -1]
    assert await write_side.lists.markers(keys.feed(READER)) == {keys.COMPLETE}  # it ends there


async def test_back_fill_is_idempotent(write_side: WriteSide, sources: InMemorySources) -> None:
    await write_side.lists.open([READER])
    sources.by_author[AUTHOR] = POSTS[:5]
    event = user_followed(READER, AUTHOR)
    await write_side.handle(event, event)
    assert await write_side.lists.feed(READER) == POSTS[4::-1]
    assert await write_side.lists.markers(keys.feed(READER)) == {keys.COMPLETE, keys.BOTTOM}


async def test_late_follow_after_an_unfollow_adds_nothing(write_side: WriteSide, sources: InMemorySources) -> None:
    await write_side.lists.open([READER])
    sources.by_author[AUTHOR] = POSTS[:5]
    await write_side.handle(user_unfollowed(READER, AUTHOR, 2), user_followed(READER, AUTHOR, 1))
    assert await write_side.lists.feed(READER) == []


async def test_unfollow_removes_that_author_only(write_side: WriteSide) -> None:
    await write_side.follow(OTHER, [READER])
    await write_side.follow(AUTHOR, [READER])
    await write_side.handle(post_published(POSTS[0], AUTHOR), post_published(POSTS[1], OTHER))
    await write_side.execute_tasks()
    await write_side.handle(user_unfollowed(READER, AUTHOR))
    assert await write_side.lists.feed(READER) == [POSTS[1]]


async def test_last_post_of_a_cut_list_is_removed_with_the_list(write_side: WriteSide, redis: Redis) -> None:
    """No entry is left from which readers could go on, so the next read builds the feed."""
    await write_side.follow(AUTHOR, [READER])
    await redis.zrem(keys.feed(READER), keys.BOTTOM)
    await redis.zadd(keys.feed(READER), {str(POSTS[0]): keys.score(POSTS[0])})
    await redis.zadd(keys.timeline(AUTHOR), {keys.COMPLETE: "-inf", str(POSTS[0]): keys.score(POSTS[0])})
    await write_side.handle(user_unfollowed(READER, AUTHOR))
    assert not await redis.exists(keys.feed(READER))


async def test_follow_by_an_account_without_feed_counts_only(write_side: WriteSide, redis: Redis) -> None:
    await write_side.handle(user_followed(READER, AUTHOR, followers=THRESHOLD))
    assert await redis.keys("f*:*") == []
    assert await redis.zscore(keys.PULLED, str(AUTHOR)) == float("inf")

"""The chronological feed: warm, deep, cold."""

from __future__ import annotations

import asyncio

import pytest

from photomesh_feed.domain.order import in_feed_order
from photomesh_feed.domain.pages import AfterPost
from photomesh_feed.domain.timelines import FEED_POSTS
from photomesh_feed.errors import SourceUnavailable
from photomesh_feed.store import keys
from tests.support.feed.events import (
    account_changed,
    post_deleted,
    user_followed,
    user_muted,
    user_unfollowed,
    user_unmuted,
)
from tests.support.feed.in_memory_feed import InMemoryFeed, post_ids

READER, ADA, GRACE = 1, 2, 3


async def test_first_read_returns_a_page_and_fills_the_list(feed: InMemoryFeed) -> None:
    posts = feed.publish(ADA, range(30))
    feed.sources.follow(READER, [ADA])
    first = await feed.page(READER, limit=10)
    assert post_ids(first) == posts[:10]
    assert first.next == AfterPost(posts[9])
    await feed.warm(READER, [ADA])
    feed.sources.calls.clear()
    second = await feed.page(READER, position=first.next, limit=10)
    assert post_ids(second) == posts[10:20]
    assert not feed.sources.calls


async def test_feed_of_an_account_that_follows_nobody_is_empty(feed: InMemoryFeed) -> None:
    for _ in range(2):
        page = await feed.page(READER)
        assert (page.rows, page.next) == ([], None)
        await feed.warm(READER, [])


async def test_page_that_ends_the_feed_has_no_next(feed: InMemoryFeed) -> None:
    feed.publish(ADA, range(10))
    await feed.warm(READER, [ADA])
    assert (await feed.page(READER, limit=9)).next is not None
    assert (await feed.page(READER, limit=10)).next is None


async def test_feed_continues_below_the_list(feed: InMemoryFeed) -> None:
    expected = feed.publish(ADA, range(0, 1_200, 2)) + feed.publish(GRACE, range(1, 1_001, 2))
    await feed.warm(READER, [ADA, GRACE])
    assert await feed.redis.zcard(keys.feed(READER)) == FEED_POSTS + 1
    assert await feed.all_pages(READER, limit=50) == in_feed_order(expected)


async def test_rules_apply_below_the_list_too(feed: InMemoryFeed) -> None:
    feed.publish(ADA, range(0, 1_200, 2))
    hidden = feed.publish(GRACE, range(1, 1_001, 2))
    await feed.warm(READER, [ADA, GRACE])
    await feed.write.handle(user_unfollowed(READER, GRACE, version=2))
    assert not set(await feed.all_pages(READER, limit=50)) & set(hidden)


async def test_posts_of_an_account_that_is_not_active_are_hidden_warm_and_cold(feed: InMemoryFeed) -> None:
    (post,) = feed.publish(ADA, [5])
    await feed.warm(READER, [ADA])
    for version, status, expected in ((2, "deactivated", []), (3, "active", [post]), (4, "leaving", [])):
        await feed.write.know_since_long_ago()
        await feed.write.handle(account_changed(ADA, version=version, status=status))
        assert post_ids(await feed.page(READER)) == expected
    feed.sources.hidden = {ADA}
    await feed.redis.flushall()
    assert post_ids(await feed.page(READER)) == []


async def test_hidden_posts_disappear_at_once_and_return(feed: InMemoryFeed) -> None:
    (post,) = feed.publish(ADA, [5])
    await feed.warm(READER, [ADA])
    await feed.write.handle(user_muted(READER, ADA, version=2))
    assert post_ids(await feed.page(READER)) == []
    await feed.write.handle(user_unmuted(READER, ADA, version=3))
    assert post_ids(await feed.page(READER)) == [post]
    await feed.write.handle(user_unfollowed(READER, ADA, version=4))
    assert post_ids(await feed.page(READER)) == []
    await feed.write.handle(user_followed(READER, ADA, version=5))
    assert post_ids(await feed.page(READER)) == [post]
    await feed.write.handle(post_deleted(post, ADA))
    assert post_ids(await feed.page(READER)) == []


async def test_pushed_post_does_not_shift_pages(feed: InMemoryFeed) -> None:
    posts = feed.publish(ADA, range(10, 30))
    await feed.warm(READER, [ADA])
    first = await feed.page(READER, limit=5)
    new = feed.post_id(1)
    await feed.push(new, ADA)
    assert post_ids(await feed.page(READER, position=first.next, limit=5)) == posts[5:10]
    assert post_ids(await feed.page(READER, limit=1)) == [new]


async def test_posts_of_pulled_authors_are_merged(feed: InMemoryFeed) -> None:
    posts = feed.publish(ADA, range(0, 40, 2))
    await feed.warm(READER, [ADA, GRACE])
    await feed.redis.zadd(keys.PULLED, {str(GRACE): float("inf")})
    await feed.redis.set(keys.POPULAR_KNOWN, "1")
    for minutes in range(1, 41, 2):
        posts.append(feed.post_id(minutes))
        await feed.push(posts[-1], GRACE)
    assert await feed.write.lists.feed(READER) != in_feed_order(posts)
    assert await feed.all_pages(READER, limit=7) == in_feed_order(posts)


async def test_feed_is_rebuilt_after_redis_was_flushed(feed: InMemoryFeed) -> None:
    posts = feed.publish(ADA, range(30))
    await feed.warm(READER, [ADA])
    await feed.redis.flushall()
    assert await feed.all_pages(READER, limit=7) == posts


async def test_concurrent_reads_of_a_page_are_coalesced(feed: InMemoryFeed) -> None:
    posts = feed.publish(ADA, range(30))
    feed.sources.follow(READER, [ADA])
    feed.sources.gate.clear()
    reads = [asyncio.create_task(feed.page(READER)) for _ in range(1_000)]
    await asyncio.sleep(0)
    feed.sources.gate.set()
    assert {tuple(post_ids(page)) for page in await asyncio.gather(*reads)} == {tuple(posts[:20])}
    assert feed.sources.calls.total() < 10


async def test_cold_feed_needs_its_sources(feed: InMemoryFeed) -> None:
    posts = feed.publish(ADA, range(3))
    feed.sources.follow(READER, [ADA])
    feed.sources.unavailable = True
    with pytest.raises(SourceUnavailable):
        await feed.page(READER)
    feed.sources.unavailable = False
    assert post_ids(await feed.page(READER)) == posts


async def test_author_without_names_is_shown_and_loaded_again_later(feed: InMemoryFeed) -> None:
    posts = feed.publish(ADA, range(3))
    feed.sources.unknown_accounts.add(ADA)
    await feed.warm(READER, [ADA])
    page = await feed.page(READER)
    assert post_ids(page) == posts
    assert {row.username for row in page.rows} == {b""}
    feed.sources.unknown_accounts.clear()
    await feed.clock.advance(31)
    assert {row.username for row in (await feed.page(READER)).rows} == {b"name_2"}


async def test_deleted_post_whose_event_is_late_is_left_out(feed: InMemoryFeed) -> None:
    posts = feed.publish(ADA, range(5))
    await feed.warm(READER, [ADA])
    feed.sources.delete(posts[2])
    await feed.redis.delete(*map(keys.post, posts))
    assert post_ids(await feed.page(READER)) == [*posts[:2], *posts[3:]]

"""The ranked feed: an order that holds, and the chronological feed after it."""

from __future__ import annotations

from collections import Counter

import pytest

from photomesh_feed.domain.pages import AfterPost, AfterRanked
from photomesh_feed.errors import RankingExpired
from photomesh_feed.store import keys
from photomesh_feed.store.writer import FeedWriter
from tests.support.feed.events import post_counted, user_unfollowed
from tests.support.feed.in_memory_feed import InMemoryFeed, post_ids

READER, ADA, GRACE, LINUS = 1, 2, 3, 4


async def test_an_author_has_three_posts_on_a_page(feed: InMemoryFeed) -> None:
    posts = feed.publish(ADA, range(20)) + feed.publish(GRACE, range(20, 40))
    await feed.warm(READER, [ADA, GRACE])
    page = await feed.page(READER, "ranked", limit=10)
    assert Counter(row.author_id for row in page.rows) == {b"2": 3, b"3": 3}
    assert sorted(await feed.all_pages(READER, "ranked", limit=10)) == sorted(posts)


async def test_feed_continues_chronologically_after_200_posts(feed: InMemoryFeed) -> None:
    posts = feed.publish(ADA, range(230))
    await feed.warm(READER, [ADA])
    read = await feed.all_pages(READER, "ranked", limit=50)
    assert sorted(read[:200], reverse=True) == posts[:200]
    assert read[200:] == posts[200:]


async def test_order_holds_while_posts_are_liked_and_published(feed: InMemoryFeed) -> None:
    posts = feed.publish(ADA, range(10, 20)) + feed.publish(GRACE, range(20, 30)) + feed.publish(LINUS, range(30, 40))
    await feed.warm(READER, [ADA, GRACE, LINUS])
    first = await feed.page(READER, "ranked", limit=9)
    await feed.write.handle(post_counted(post_ids(first)[-1], LINUS, 2, likes=99_999))
    await feed.push(feed.post_id(0), ADA)
    rest = list[int]()
    position = first.next
    while position is not None:
        page = await feed.page(READER, "ranked", position, limit=9)
        rest += post_ids(page)
        position = page.next
    assert sorted(post_ids(first) + rest) == sorted(posts)


async def test_order_is_reused_until_a_post_is_new(feed: InMemoryFeed) -> None:
    feed.publish(ADA, range(10, 20))
    feed.publish(GRACE, range(20, 30))
    await feed.warm(READER, [ADA, GRACE])
    first = post_ids(await feed.page(READER, "ranked", limit=6))
    await feed.write.handle(post_counted(first[-1], ADA, 2, likes=99_999))
    assert post_ids(await feed.page(READER, "ranked", limit=6)) == first
    await feed.push(feed.post_id(0), ADA)
    assert post_ids(await feed.page(READER, "ranked", limit=6)) != first


async def test_order_is_made_anew_for_another_page_size(feed: InMemoryFeed) -> None:
    feed.publish(ADA, range(10))
    await feed.warm(READER, [ADA])
    assert len(post_ids(await feed.page(READER, "ranked", limit=2))) == 2
    assert len(post_ids(await feed.page(READER, "ranked", limit=3))) == 3


async def test_hidden_posts_disappear_from_an_order(feed: InMemoryFeed) -> None:
    feed.publish(ADA, range(10))
    theirs = feed.publish(GRACE, range(10, 20))
    await feed.warm(READER, [ADA, GRACE])
    first = await feed.page(READER, "ranked", limit=4)
    await feed.write.handle(user_unfollowed(READER, GRACE, version=2))
    position = first.next
    while position is not None:
        page = await feed.page(READER, "ranked", position, limit=4)
        assert not set(post_ids(page)) & set(theirs)
        position = page.next


async def test_pages_of_an_order_carry_the_request_id_of_its_record(feed: InMemoryFeed) -> None:
    posts = feed.publish(ADA, range(4)) + feed.publish(GRACE, range(4, 8))
    await feed.warm(READER, [ADA, GRACE])
    first = await feed.page(READER, "ranked", limit=4)
    second = await feed.page(READER, "ranked", first.next, limit=4)
    (record,) = feed.served
    assert first.request_id == second.request_id == record.request_id
    assert list(record.order[:4]) == post_ids(first)
    assert sorted(record.order) == sorted(posts)
    assert {author for author, _ in record.made.values()} == {ADA, GRACE}
    assert (await feed.page(READER)).request_id is None


async def test_what_is_served_counts_known_impressions(feed: InMemoryFeed) -> None:
    feed.publish(ADA, range(4))
    await feed.warm(READER, [ADA])
    await FeedWriter(feed.redis).add_impressions(READER, 20)
    await FeedWriter(feed.redis).add_impressions(READER, 5)
    await feed.page(READER, "ranked")
    assert [one.known_impressions for one in feed.served] == [25]
    assert await feed.redis.ttl(keys.impressions(READER)) > 0


async def test_expired_order(feed: InMemoryFeed) -> None:
    feed.publish(ADA, range(10))
    await feed.warm(READER, [ADA])
    with pytest.raises(RankingExpired):
        await feed.page(READER, "ranked", AfterRanked("unknown", 3, 0))


async def test_affinity_and_taste_rank_first(feed: InMemoryFeed) -> None:
    quiet, liked = feed.publish(ADA, [50]), feed.publish(GRACE, [60])
    await feed.warm(READER, [ADA, GRACE])
    assert post_ids(await feed.page(READER, "ranked", limit=2)) == [*quiet, *liked]
    await feed.redis.delete(keys.latest_order(READER))
    await feed.redis.zadd(keys.affinity(READER), {str(GRACE): float("1e30")})
    assert post_ids(await feed.page(READER, "ranked", limit=2)) == [*liked, *quiet]


async def test_hashtags_of_liked_posts_count(feed: InMemoryFeed) -> None:
    plain, sea = feed.publish(ADA, [50]), feed.publish(GRACE, [60], "#sea")
    (liked,) = feed.publish(LINUS, [600], "#sea")
    await feed.warm(READER, [ADA, GRACE, LINUS])
    await feed.page(READER)
    await feed.redis.hset(keys.likes(READER), str(liked), "+1")
    assert post_ids(await feed.page(READER, "ranked", limit=3)) == [*sea, *plain, liked]


async def test_cold_feed_starts_chronologically(feed: InMemoryFeed) -> None:
    posts = feed.publish(ADA, range(10))
    feed.sources.follow(READER, [ADA])
    page = await feed.page(READER, "ranked", limit=5)
    assert post_ids(page) == posts[:5]
    assert page.next == AfterPost(posts[4])


async def test_snapshots_of_candidates_are_loaded(feed: InMemoryFeed) -> None:
    posts = feed.publish(ADA, range(3))
    await feed.warm(READER, [ADA])
    await feed.redis.delete(*map(keys.post, posts))
    assert sorted(post_ids(await feed.page(READER, "ranked"))) == sorted(posts)

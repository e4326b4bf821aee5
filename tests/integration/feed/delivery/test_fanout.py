"""Fan-out of posts into lists."""

from __future__ import annotations

from photomesh_feed.domain.timelines import FEED_POSTS, TIMELINE_POSTS
from photomesh_feed.store import keys
from tests.support.feed.events import post_deleted, post_published
from tests.support.feed.write_side import WriteSide


async def test_post_reaches_followers_with_a_feed(write_side: WriteSide, ids: list[int]) -> None:
    author, post, active, inactive, stranger = ids[0], ids[1], ids[2:12], ids[12:20], ids[20]
    await write_side.follow(author, active)
    write_side.sources.followers[author] = sorted(active + inactive)
    await write_side.lists.open([stranger])
    for _ in range(2):
        await write_side.handle(post_published(post, author))
        await write_side.execute_tasks()
    assert [await write_side.lists.feed(one) for one in active] == [[post]] * len(active)
    assert await write_side.lists.feed(stranger) == []
    assert not await write_side.redis.exists(*map(keys.feed, inactive))
    assert await write_side.lists.timeline(author) == [post]


async def test_deletion_stops_a_fan_out(write_side: WriteSide, ids: list[int]) -> None:
    author, post, followers = ids[0], ids[1], ids[2:1300]
    await write_side.follow(author, followers)
    await write_side.redis.set(keys.POPULAR_KNOWN, "1")
    await write_side.handle(post_published(post, author))
    first, second = write_side.tasks
    await write_side.worker.execute(first)
    await write_side.handle(post_deleted(post, author))
    await write_side.worker.execute(second)
    assert await write_side.lists.count_having(post, followers) == 1000
    assert await write_side.redis.hget(keys.post(post), "x") == b"1"  # hides it from readers


async def test_list_is_trimmed(write_side: WriteSide, ids: list[int]) -> None:
    author, reader, posts = ids[0], ids[1], ids[2:902]
    await write_side.follow(author, [reader])
    for post in posts:
        await write_side.handle(post_published(post, author))
        await write_side.execute_tasks()
    feed = await write_side.lists.feed(reader)
    assert feed == sorted(posts, key=lambda post: (keys.score(post), post))[: len(feed)]
    assert FEED_POSTS <= len(feed) <= FEED_POSTS + 32
    assert await write_side.lists.markers(keys.feed(reader)) == {keys.COMPLETE}
    assert len(await write_side.lists.timeline(author)) == TIMELINE_POSTS
    assert await write_side.lists.markers(keys.timeline(author)) == {keys.INCOMPLETE}
    assert await write_side.redis.object("encoding", keys.feed(reader)) == b"listpack"


async def test_nothing_is_added_below_the_end_of_a_cut_list(write_side: WriteSide, ids: list[int]) -> None:
    author, reader = ids[0], ids[1]
    early, end, late = ids[10], ids[20], ids[30]
    await write_side.follow(author, [reader])
    await write_side.redis.zadd(keys.feed(reader), {str(end): keys.score(end)})
    await write_side.redis.zrem(keys.feed(reader), keys.BOTTOM)
    await write_side.handle(post_published(late, author), post_published(early, author))
    await write_side.execute_tasks()
    assert await write_side.lists.feed(reader) == [late, end]

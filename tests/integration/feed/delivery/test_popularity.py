"""Push and pull: authors who cross the threshold."""

from __future__ import annotations

from photomesh_feed.store import keys
from tests.support.feed.events import post_published, user_followed, user_unfollowed
from tests.support.feed.write_side import THRESHOLD, WriteSide


async def test_author_crosses_the_threshold_both_ways(write_side: WriteSide, ids: list[int]) -> None:
    author, followers, posts = ids[0], ids[100 : 100 + THRESHOLD], ids[10:14]
    lists, redis = write_side.lists, write_side.redis
    await write_side.follow(author, followers[:-1])
    await write_side.handle(post_published(posts[0], author))
    await write_side.execute_tasks()
    assert await lists.count_having(posts[0], followers) == THRESHOLD - 1

    await write_side.follow(author, followers)
    await write_side.handle(user_followed(followers[-1], author, followers=THRESHOLD))
    await write_side.handle(post_published(posts[1], author))
    assert write_side.tasks == []
    assert await redis.zscore(keys.PULLED, str(author)) == float("inf")

    # A few fewer are not few enough. Then the posts that were not pushed are.
    await write_side.handle(user_unfollowed(followers[0], author, followers=THRESHOLD - 1))
    await write_side.handle(post_published(posts[2], author))
    assert write_side.tasks == []
    rest = followers[10:]
    write_side.sources.followers[author] = sorted(rest)
    await write_side.handle(user_unfollowed(followers[1], author, followers=len(rest)))
    await write_side.execute_tasks()
    assert [await lists.feed(one) for one in rest] == [sorted(posts[:3], key=keys.score)] * len(rest)
    until = await redis.zscore(keys.PULLED, str(author))
    assert until is not None
    assert until < float("inf")  # readers pull for one more day
    assert await redis.scard(keys.REFILLING) == 0
    await write_side.handle(post_published(posts[3], author))
    await write_side.execute_tasks()
    assert await lists.count_having(posts[3], rest) == len(rest)


async def test_popularity_is_refreshed_after_redis_was_flushed(write_side: WriteSide, ids: list[int]) -> None:
    author, followers, post = ids[0], ids[100 : 100 + THRESHOLD], ids[10]
    await write_side.follow(author, followers)
    await write_side.handle(post_published(ids[9], author))
    await write_side.redis.flushdb()
    await write_side.redis.script_flush()
    for known in (ids[9], post):  # an event may be outdated after a loss, so post is asked
        write_side.sources.publish(known, author)
    await write_side.handle(post_published(post, author))
    assert write_side.tasks == []
    assert sorted(await write_side.lists.timeline(author)) == sorted([ids[9], post])
    assert await write_side.redis.zscore(keys.PULLED, str(author)) == float("inf")

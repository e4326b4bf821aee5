"""The ranked feed: three posts of an author a page, an order that holds, and the chronological feed behind it."""

from __future__ import annotations

import itertools
from collections import Counter

from photomesh_feed.store import keys
from tests.integration.feed.conftest import World


async def ready(world: World, posts_each: int, authors: int = 6) -> tuple[int, list[int]]:
    reader = world.account()
    followed = [world.account() for _ in range(authors)]
    world.sources.follow(reader, followed)
    for number, author in enumerate(followed):
        world.publish(author, range(number, number + posts_each * authors, authors))
    await world.page(reader)
    await world.whole(reader)
    return reader, followed


async def test_pages_neither_repeat_nor_skip_and_go_on_chronologically(world: World) -> None:
    reader, followed = await ready(world, 50)  # 300 posts: 200 are ranked
    read: list[int] = []
    cursor = None
    for number in itertools.count():
        page, cursor = await world.page(reader, mode="ranked", limit=20, **({"cursor": cursor} if cursor else {}))
        if number < 5:
            assert max(Counter(world.sources.posts[post].author_id for post in page).values()) <= 3
        if number == 0:  # posts come and posts are liked meanwhile
            await world.push(world.sources.publish(world.post_id(1_000), followed[0]), reader)
            await world.redis.hset(keys.post(page[-1]), "lc", "9999")
        read += page
        if cursor is None:
            break
    assert len(read) == len(set(read)) == 300
    assert set(read) == set(world.sources.posts) - {world.post_id(1_000)}
    assert (await world.all(reader, mode="ranked", limit=50)).count(world.post_id(1_000)) == 1


async def test_the_same_order_is_given_again_until_something_is_new(world: World) -> None:
    reader, followed = await ready(world, 5)
    first, _ = await world.page(reader, mode="ranked", limit=10)
    await world.redis.hset(keys.post(first[-1]), "lc", "9999")
    assert (await world.page(reader, mode="ranked", limit=10))[0] == first
    await world.push(world.sources.publish(world.post_id(1_000), followed[0]), reader)
    again, _ = await world.page(reader, mode="ranked", limit=10)
    assert again[0] == first[-1]


async def test_what_is_hidden_vanishes_from_an_order_that_was_made(world: World) -> None:
    reader, followed = await ready(world, 20, authors=2)
    first, cursor = await world.page(reader, mode="ranked", limit=5)
    await world.redis.srem(keys.following(reader), str(followed[0]))
    rest: list[int] = []
    while cursor:
        page, cursor = await world.page(reader, mode="ranked", limit=5, cursor=cursor)
        rest += page
    assert set(first) | set(rest) >= set(world.sources.by_author[followed[1]])
    assert not set(rest) & set(world.sources.by_author[followed[0]])


async def test_what_is_close_to_the_viewer_comes_first(world: World) -> None:
    reader, followed = await ready(world, 10)
    friend = followed[3]
    await world.redis.zadd(keys.affinity(reader), {str(friend): 1e9})
    page, _ = await world.page(reader, mode="ranked", limit=3)
    assert world.sources.posts[page[0]].author_id == friend


async def test_an_order_that_is_gone_is_said_to_be(world: World) -> None:
    reader, _ = await ready(world, 10)
    _, cursor = await world.page(reader, mode="ranked", limit=10)
    for key in await world.redis.keys(f"rk:{reader}*"):
        await world.redis.delete(key)
    answer = await world.read(reader, mode="ranked", cursor=cursor)
    assert (answer.status_code, answer.json()["code"]) == (410, "ranking-expired")


async def test_a_cold_ranked_feed_comes_at_once(world: World) -> None:
    reader, ada = world.account(), world.account()
    expected = world.publish(ada, range(30))
    world.sources.follow(reader, [ada])
    page, cursor = await world.page(reader, mode="ranked", limit=10)
    assert page == expected[:10]
    assert cursor
    rest, _ = await world.page(reader, mode="ranked", limit=20, cursor=cursor)
    assert rest == expected[10:]

"""Reading feeds: cold, warm, below the list, and while things change."""

from __future__ import annotations

import asyncio

import pytest

from photomesh_feed.app import create_app
from photomesh_feed.domain.pages import in_order
from photomesh_feed.reading.chronological import Reading
from photomesh_feed.settings import Settings
from photomesh_feed.store import keys
from photomesh_shared.ids import decode
from tests.integration.feed.conftest import World
from tests.support.services import client_of, settings_from
from tests.support.tokens import free_port


async def test_a_cold_feed_comes_at_once_and_is_then_kept(world: World) -> None:
    reader, ada, grace = world.account(), world.account(), world.account()
    posts = world.publish(ada, range(0, 60, 2)) + world.publish(grace, range(1, 61, 2))
    expected = sorted(posts, reverse=True)
    world.sources.follow(reader, [ada, grace])

    first, cursor = await world.page(reader, limit=20)
    assert first == expected[:20]
    assert cursor
    await world.whole(reader)
    asked = world.sources.asked.copy()
    assert (await world.page(reader, limit=20))[0] == expected[:20]
    assert world.sources.asked == asked  # warm: nobody but Redis
    assert await world.all(reader, limit=7) == expected
    assert (await world.page(reader, limit=20, cursor=cursor))[0] == expected[20:40]


async def test_following_nobody_is_an_empty_feed(world: World) -> None:
    reader = world.account()
    assert await world.page(reader) == ([], None)
    await world.whole(reader)
    assert await world.page(reader) == ([], None)
    assert await world.page(reader, mode="ranked") == ([], None)


async def test_a_pushed_post_is_on_top_and_pages_do_not_shift(world: World) -> None:
    reader, ada = world.account(), world.account()
    expected = world.publish(ada, range(50))
    world.sources.follow(reader, [ada])
    first, cursor = await world.page(reader, limit=10)
    await world.whole(reader)
    await world.push(world.sources.publish(world.post_id(100), ada), reader)
    second, _ = await world.page(reader, limit=10, cursor=cursor)
    assert first + second == expected[:20]
    assert (await world.page(reader, limit=1))[0] == [world.post_id(100)]


async def test_posts_of_one_millisecond_are_neither_repeated_nor_skipped(world: World) -> None:
    reader = world.account()
    authors = [world.account() for _ in range(10)]
    world.sources.follow(reader, authors)
    expected = []
    for minute in (2, 1, 0):
        ids = [world.post_id(minute, number) for number in range(40)]
        for post in ids:
            world.sources.publish(post, authors[post % 10])
        expected += ids  # within a millisecond the smaller id comes first
    assert await world.all(reader, limit=7) == expected
    await world.whole(reader)
    assert await world.all(reader, limit=7) == expected


async def test_the_feed_goes_on_below_the_list(world: World) -> None:
    reader, ada, grace = world.account(), world.account(), world.account()
    expected = in_order(world.publish(ada, range(700)) + world.publish(grace, range(300, 900)))
    world.sources.follow(reader, [ada, grace])
    await world.page(reader)
    await world.whole(reader)
    assert await world.redis.zcard(keys.feed(reader)) == keys.FEED_POSTS + 1
    assert await world.all(reader, limit=50) == expected


async def test_what_is_hidden_vanishes_at_once(world: World) -> None:
    reader, ada, grace, linus = (world.account() for _ in range(4))
    for author in (ada, grace, linus):
        world.publish(author, range(author, author + 3))
    world.sources.follow(reader, [ada, grace, linus])
    await world.page(reader)
    await world.whole(reader)
    await world.page(reader)

    gone = world.sources.by_author[linus][1]
    await world.redis.srem(keys.following(reader), str(ada))
    await world.redis.sadd(keys.muted(reader), str(grace))
    await world.redis.delete(keys.post(gone))
    await world.redis.hset(keys.post(gone), "x", "1")
    assert set(await world.all(reader)) == set(world.sources.by_author[linus]) - {gone}


async def test_pulled_authors_are_merged(world: World) -> None:
    reader, ada, star = world.account(), world.account(), world.account()
    world.publish(ada, range(0, 40, 2))
    world.sources.follow(reader, [ada, star])
    await world.page(reader)
    await world.whole(reader)
    await world.redis.zadd(keys.PULLED, {str(star): float("inf")})
    for minute in range(1, 41, 2):
        await world.push(world.sources.publish(world.post_id(minute), star))
    expected = sorted(world.sources.posts, reverse=True)
    assert await world.all(reader, limit=9) == expected


async def test_lost_redis_comes_back(world: World) -> None:
    reader, ada = world.account(), world.account()
    expected = world.publish(ada, range(30))
    world.sources.follow(reader, [ada])
    world.sources.liked[reader].add(expected[0])
    await world.page(reader)
    await world.whole(reader)
    await world.redis.flushdb()
    assert (await world.page(reader, limit=50))[0] == expected
    await world.whole(reader)
    body = (await world.read(reader, limit=1)).json()
    assert body["items"][0]["viewer"] == {"liked": True, "saved": False}
    assert body["items"][0]["author"]["username"].startswith("name_")


async def test_a_warm_feed_needs_nobody_else_and_a_cold_one_says_try_again(world: World) -> None:
    warm, cold, ada = world.account(), world.account(), world.account()
    expected = world.publish(ada, range(5))
    world.sources.follow(warm, [ada])
    world.sources.follow(cold, [ada])
    await world.page(warm)
    await world.whole(warm)
    world.sources.away = True
    assert (await world.page(warm))[0] == expected
    answer = await world.read(cold)
    assert answer.status_code == 503
    assert answer.json()["code"] == "feed-source-unavailable"
    assert answer.json()["retryable"]
    assert answer.headers["Retry-After"]
    world.sources.away = False
    assert (await world.page(cold))[0] == expected


async def test_five_thousand_readers_of_one_cold_feed_ask_a_handful_of_times(world: World) -> None:
    reader, star = world.account(), world.account()
    expected = world.publish(star, range(30))
    world.sources.follow(reader, [star])
    world.sources.gate.clear()
    reading: Reading = world.app.state.deps.reading
    reads = [asyncio.create_task(reading.chronological(reader, None, 20)) for _ in range(5_000)]
    await asyncio.sleep(0)
    world.sources.gate.set()
    pages = await asyncio.gather(*reads)
    assert {int(page.rows[0].post_id) for page in pages} == {expected[0]}
    assert sum(world.sources.asked.values()) < 20, world.sources.asked


async def test_many_readers_of_one_cold_celebrity_load_each_post_once(world: World) -> None:
    star = world.account()
    world.publish(star, range(30))
    readers = [world.account() for _ in range(100)]
    for reader in readers:
        world.sources.follow(reader, [star])
    pages = await asyncio.gather(*(world.page(reader) for reader in readers))
    assert len({tuple(page) for page, _ in pages}) == 1
    assert world.sources.asked["timelines"] <= 6
    assert world.sources.asked["posts"] <= 4


async def test_etag(world: World) -> None:
    reader, ada = world.account(), world.account()
    world.publish(ada, range(3))
    world.sources.follow(reader, [ada])
    await world.page(reader)
    await world.whole(reader)
    answer = await world.read(reader)
    assert answer.headers["Cache-Control"] == "private, no-cache"
    headers = {**world.issuer.headers(reader), "If-None-Match": answer.headers["ETag"]}
    again = await world.client.get("/v1/feed", headers=headers)
    assert (again.status_code, again.content) == (304, b"")
    await world.push(world.sources.publish(world.post_id(50), ada), reader)
    changed = await world.client.get("/v1/feed", headers=headers)
    assert changed.status_code == 200
    assert decode("o", changed.json()["items"][0]["id"]) == world.post_id(50)


@pytest.mark.parametrize("query", [{"cursor": "abc"}, {"limit": 0}, {"limit": 51}, {"mode": "best"}])
async def test_bad_queries_are_refused(world: World, query: dict[str, str]) -> None:
    assert (await world.read(world.account(), **query)).status_code in (400, 422)


async def test_a_cursor_is_good_for_its_owner_and_mode_only(world: World) -> None:
    reader, ada = world.account(), world.account()
    world.publish(ada, range(30))
    world.sources.follow(reader, [ada])
    _, cursor = await world.page(reader, limit=5)
    assert (await world.read(world.account(), cursor=cursor)).status_code == 400
    assert (await world.read(reader, cursor=cursor, mode="ranked")).status_code == 400


async def test_without_a_token_there_is_no_feed(world: World) -> None:
    assert (await world.client.get("/v1/feed")).status_code == 401


async def test_without_redis_there_is_no_feed_until_it_is_back(world: World) -> None:
    environment = {**world.environment, "PHOTOMESH_FEED_REDIS_URL": f"redis://127.0.0.1:{free_port()}/0"}
    async with client_of(create_app(settings_from(Settings, environment))) as client:
        answer = await client.get("/v1/feed", headers=world.issuer.headers(world.account()))
    assert (answer.status_code, answer.json()["code"]) == (503, "feeds-unavailable")
    assert answer.json()["retryable"]
    assert answer.headers["Retry-After"]


async def test_all_caches_lost_under_many_readers(world: World) -> None:
    """Nobody waits for long, the services behind are asked a bounded number of times, and then it is warm again."""
    authors = [world.account() for _ in range(20)]
    for number, author in enumerate(authors):
        world.publish(author, range(number, 1_000 + number, 50))
    readers = [world.account() for _ in range(100)]
    for reader in readers:
        world.sources.follow(reader, authors)
        await world.page(reader)
    expected = (await world.page(readers[0]))[0]
    for reader in readers:
        await world.whole(reader)
    world.sources.asked.clear()
    await world.redis.flushdb()
    pages = await asyncio.gather(*(world.page(reader) for reader in readers))
    assert all(page == expected for page, _ in pages)
    for reader in readers:
        await world.whole(reader)
    assert world.sources.asked["following"] == len(readers)
    assert world.sources.asked["posts"] + world.sources.asked["timelines"] < 40, world.sources.asked


async def test_a_reader_of_two_pages_while_everything_moves(world: World) -> None:
    """Posts come, go, and are back-filled between pages; what was there all the time is read once."""
    reader, ada, grace = world.account(), world.account(), world.account()
    stays = world.publish(ada, range(0, 120, 2))
    goes = world.publish(grace, range(1, 121, 2))
    world.sources.follow(reader, [ada, grace])
    await world.page(reader)
    await world.whole(reader)
    read: list[int] = []
    cursor = None
    for number in range(100):
        page, cursor = await world.page(reader, limit=7, **({"cursor": cursor} if cursor else {}))
        read += page
        if cursor is None:
            break
        await world.push(world.sources.publish(world.post_id(1_000 + number), ada), reader)
        gone = goes[number % len(goes)]
        if gone in world.sources.posts:
            world.sources.delete(gone)
        await world.redis.delete(keys.post(gone))
        await world.redis.hset(keys.post(gone), "x", "1")
        await world.redis.zrem(keys.feed(reader), str(gone))
    assert len(read) == len(set(read))
    assert [post for post in read if post in set(stays)] == stays

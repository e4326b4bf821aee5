"""Reading feeds: cold, warm, below the list, and while things change."""

from __future__ import annotations

import asyncio

import pytest

from photomesh_feed.app import create_app
from photomesh_feed.domain.order import in_feed_order
from photomesh_feed.domain.timelines import FEED_POSTS
from photomesh_feed.reading.service import FeedService
from photomesh_feed.settings import Settings
from photomesh_feed.store import keys
from photomesh_shared.ids import decode, encode
from photomesh_shared.internal_api import feed
from tests.integration.feed.read_side import ReadSide
from tests.support.internal_calls import RightfulCaller
from tests.support.services import client_of, settings_from
from tests.support.tokens import free_port


async def test_first_read_returns_a_page_and_fills_the_list(read_side: ReadSide) -> None:
    reader, ada, grace = read_side.new_account(), read_side.new_account(), read_side.new_account()
    posts = read_side.publish(ada, range(0, 60, 2)) + read_side.publish(grace, range(1, 61, 2))
    expected = sorted(posts, reverse=True)
    read_side.sources.follow(reader, [ada, grace])

    first, cursor = await read_side.page(reader, limit=20)
    assert first == expected[:20]
    assert cursor
    await read_side.list_filled(reader)
    asked = read_side.sources.calls.copy()
    assert (await read_side.page(reader, limit=20))[0] == expected[:20]
    assert read_side.sources.calls == asked  # warm: only Redis was called
    assert await read_side.all_pages(reader, limit=7) == expected
    assert (await read_side.page(reader, limit=20, cursor=cursor))[0] == expected[20:40]


async def test_feed_of_an_account_that_follows_nobody_is_empty(read_side: ReadSide) -> None:
    reader = read_side.new_account()
    assert await read_side.page(reader) == ([], None)
    await read_side.list_filled(reader)
    assert await read_side.page(reader) == ([], None)
    assert await read_side.page(reader, mode="ranked") == ([], None)


async def test_pushed_post_is_on_top_and_pages_do_not_shift(read_side: ReadSide) -> None:
    reader, ada = read_side.new_account(), read_side.new_account()
    expected = read_side.publish(ada, range(50))
    read_side.sources.follow(reader, [ada])
    first, cursor = await read_side.page(reader, limit=10)
    await read_side.list_filled(reader)
    await read_side.push(read_side.sources.publish(read_side.post_id(100), ada), reader)
    second, _ = await read_side.page(reader, limit=10, cursor=cursor)
    assert first + second == expected[:20]
    assert (await read_side.page(reader, limit=1))[0] == [read_side.post_id(100)]


async def test_posts_of_one_millisecond_are_neither_repeated_nor_skipped(read_side: ReadSide) -> None:
    reader = read_side.new_account()
    authors = [read_side.new_account() for _ in range(10)]
    read_side.sources.follow(reader, authors)
    expected = []
    for minute in (2, 1, 0):
        ids = [read_side.post_id(minute, number) for number in range(40)]
        for post in ids:
            read_side.sources.publish(post, authors[post % 10])
        expected += ids  # within a millisecond the smaller id comes first
    assert await read_side.all_pages(reader, limit=7) == expected
    await read_side.list_filled(reader)
    assert await read_side.all_pages(reader, limit=7) == expected


async def test_feed_continues_below_the_list(read_side: ReadSide) -> None:
    reader, ada, grace = read_side.new_account(), read_side.new_account(), read_side.new_account()
    expected = in_feed_order(read_side.publish(ada, range(700)) + read_side.publish(grace, range(300, 900)))
    read_side.sources.follow(reader, [ada, grace])
    await read_side.page(reader)
    await read_side.list_filled(reader)
    assert await read_side.redis.zcard(keys.feed(reader)) == FEED_POSTS + 1
    assert await read_side.all_pages(reader, limit=50) == expected


async def test_hidden_posts_disappear_at_once(read_side: ReadSide) -> None:
    reader, ada, grace, linus = (read_side.new_account() for _ in range(4))
    for number, author in enumerate((ada, grace, linus)):
        read_side.publish(author, range(number, number + 3))
    read_side.sources.follow(reader, [ada, grace, linus])
    await read_side.page(reader)
    await read_side.list_filled(reader)
    await read_side.page(reader)

    gone = read_side.sources.by_author[linus][1]
    await read_side.redis.srem(keys.following(reader), str(ada))
    await read_side.redis.sadd(keys.muted(reader), str(grace))
    await read_side.delete(gone, linus)
    assert set(await read_side.all_pages(reader)) == set(read_side.sources.by_author[linus]) - {gone}


async def test_pulled_authors_are_merged(read_side: ReadSide) -> None:
    reader, ada, star = read_side.new_account(), read_side.new_account(), read_side.new_account()
    read_side.publish(ada, range(0, 40, 2))
    read_side.sources.follow(reader, [ada, star])
    await read_side.page(reader)
    await read_side.list_filled(reader)
    await read_side.redis.zadd(keys.PULLED, {str(star): float("inf")})
    for minute in range(1, 41, 2):
        await read_side.push(read_side.sources.publish(read_side.post_id(minute), star))
    expected = sorted(read_side.sources.published, reverse=True)
    assert await read_side.all_pages(reader, limit=9) == expected


async def test_feed_is_rebuilt_after_redis_was_flushed(read_side: ReadSide) -> None:
    reader, ada = read_side.new_account(), read_side.new_account()
    expected = read_side.publish(ada, range(30))
    read_side.sources.follow(reader, [ada])
    read_side.sources.liked[reader].add(expected[0])
    await read_side.page(reader)
    await read_side.list_filled(reader)
    await read_side.redis.flushdb()
    assert (await read_side.page(reader, limit=50))[0] == expected
    await read_side.list_filled(reader)
    body = (await read_side.get(reader, limit=1)).json()
    assert body["items"][0]["viewer"] == {"liked": True, "saved": False}
    assert body["items"][0]["author"]["username"].startswith("name_")


async def test_warm_feed_needs_no_other_service_and_a_cold_one_is_unavailable(read_side: ReadSide) -> None:
    warm, cold, ada = read_side.new_account(), read_side.new_account(), read_side.new_account()
    expected = read_side.publish(ada, range(5))
    read_side.sources.follow(warm, [ada])
    read_side.sources.follow(cold, [ada])
    await read_side.page(warm)
    await read_side.list_filled(warm)
    read_side.sources.unavailable = True
    assert (await read_side.page(warm))[0] == expected
    answer = await read_side.get(cold)
    assert answer.status_code == 503
    assert answer.json()["code"] == "feed-source-unavailable"
    assert answer.json()["retryable"]
    assert answer.headers["Retry-After"]
    read_side.sources.unavailable = False
    assert (await read_side.page(cold))[0] == expected


async def test_concurrent_reads_of_one_cold_feed_are_coalesced(read_side: ReadSide) -> None:
    reader, star = read_side.new_account(), read_side.new_account()
    expected = read_side.publish(star, range(30))
    read_side.sources.follow(reader, [star])
    read_side.sources.gate.clear()
    feed: FeedService = read_side.app.state.deps.feed
    reads = [asyncio.create_task(feed.page(reader, "chronological", None, 20)) for _ in range(5_000)]
    await asyncio.sleep(0)
    read_side.sources.gate.set()
    pages = await asyncio.gather(*reads)
    assert {int(page.rows[0].post_id) for page in pages} == {expected[0]}
    assert sum(read_side.sources.calls.values()) < 20, read_side.sources.calls


async def test_readers_of_the_same_cold_posts_load_them_once(read_side: ReadSide) -> None:
    star = read_side.new_account()
    read_side.publish(star, range(30))
    readers = [read_side.new_account() for _ in range(100)]
    for reader in readers:
        read_side.sources.follow(reader, [star])
    pages = await asyncio.gather(*(read_side.page(reader) for reader in readers))
    assert len({tuple(page) for page, _ in pages}) == 1
    assert read_side.sources.calls["timelines"] <= 6
    assert read_side.sources.calls["posts"] <= 4


async def test_etag(read_side: ReadSide) -> None:
    reader, ada = read_side.new_account(), read_side.new_account()
    read_side.publish(ada, range(3))
    read_side.sources.follow(reader, [ada])
    await read_side.page(reader)
    await read_side.list_filled(reader)
    answer = await read_side.get(reader)
    assert answer.headers["Cache-Control"] == "private, no-cache"
    headers = {**read_side.issuer.headers(reader), "If-None-Match": answer.headers["ETag"]}
    again = await read_side.client.get("/v1/feed", headers=headers)
    assert (again.status_code, again.content) == (304, b"")
    await read_side.push(read_side.sources.publish(read_side.post_id(50), ada), reader)
    changed = await read_side.client.get("/v1/feed", headers=headers)
    assert changed.status_code == 200
    assert decode("o", changed.json()["items"][0]["id"]) == read_side.post_id(50)


@pytest.mark.parametrize("query", [{"cursor": "abc"}, {"limit": 0}, {"limit": 51}, {"mode": "best"}])
async def test_invalid_queries_are_rejected(read_side: ReadSide, query: dict[str, str]) -> None:
    assert (await read_side.get(read_side.new_account(), **query)).status_code in (400, 422)


async def test_cursor_is_valid_for_its_owner_and_mode_only(read_side: ReadSide) -> None:
    reader, ada = read_side.new_account(), read_side.new_account()
    read_side.publish(ada, range(30))
    read_side.sources.follow(reader, [ada])
    _, cursor = await read_side.page(reader, limit=5)
    assert (await read_side.get(read_side.new_account(), cursor=cursor)).status_code == 400
    assert (await read_side.get(reader, cursor=cursor, mode="ranked")).status_code == 400


async def test_token_is_required(read_side: ReadSide) -> None:
    assert (await read_side.client.get("/v1/feed")).status_code == 401


async def test_unavailable_while_redis_does_not_respond(read_side: ReadSide) -> None:
    environment = {**read_side.environment, "PHOTOMESH_FEED_REDIS_URL": f"redis://127.0.0.1:{free_port()}/0"}
    async with client_of(create_app(settings_from(Settings, environment))) as client:
        answer = await client.get("/v1/feed", headers=read_side.issuer.headers(read_side.new_account()))
    assert (answer.status_code, answer.json()["code"]) == (503, "feeds-unavailable")
    assert answer.json()["retryable"]
    assert answer.headers["Retry-After"]


async def test_flush_under_many_readers(read_side: ReadSide) -> None:
    """The services behind get a bounded number of calls, and then all feeds are warm."""
    authors = [read_side.new_account() for _ in range(20)]
    for number, author in enumerate(authors):
        read_side.publish(author, range(number, 1_000 + number, 50))
    readers = [read_side.new_account() for _ in range(100)]
    for reader in readers:
        read_side.sources.follow(reader, authors)
        await read_side.page(reader)
    expected = (await read_side.page(readers[0]))[0]
    for reader in readers:
        await read_side.list_filled(reader)
    read_side.sources.calls.clear()
    await read_side.redis.flushdb()
    pages = await asyncio.gather(*(read_side.page(reader) for reader in readers))
    assert all(page == expected for page, _ in pages)
    for reader in readers:
        await read_side.list_filled(reader)
    assert read_side.sources.calls["relations"] == len(readers)
    assert read_side.sources.calls["posts"] + read_side.sources.calls["timelines"] < 40, read_side.sources.calls


async def test_paging_while_posts_come_and_go(read_side: ReadSide) -> None:
    """Posts that are there all the time are read once."""
    reader, ada, grace = read_side.new_account(), read_side.new_account(), read_side.new_account()
    stays = read_side.publish(ada, range(0, 120, 2))
    goes = read_side.publish(grace, range(1, 121, 2))
    read_side.sources.follow(reader, [ada, grace])
    await read_side.page(reader)
    await read_side.list_filled(reader)
    read: list[int] = []
    cursor = None
    for number in range(100):
        page, cursor = await read_side.page(reader, limit=7, **({"cursor": cursor} if cursor else {}))
        read += page
        if cursor is None:
            break
        await read_side.push(read_side.sources.publish(read_side.post_id(1_000 + number), ada), reader)
        gone = goes[number % len(goes)]
        if gone in read_side.sources.published:
            read_side.sources.delete(gone)
        await read_side.delete(gone, grace)
        await read_side.redis.zrem(keys.feed(reader), str(gone))
    assert len(read) == len(set(read))
    assert [post for post in read if post in set(stays)] == stays


@pytest.mark.parametrize("warm", [True, False])
async def test_the_end_of_a_follow_is_effective_ahead_of_its_event(read_side: ReadSide, warm: bool) -> None:
    """As social-graph writes a block or a removed follower through."""
    reader, ada, grace = (read_side.new_account() for _ in range(3))
    theirs, others = read_side.publish(ada, range(3)), read_side.publish(grace, range(3, 6))
    read_side.sources.follow(reader, [ada, grace])
    if warm:
        assert (await read_side.page(reader))[0] == others + theirs
        await read_side.list_filled(reader)
    state = {"account_id": encode("u", reader), "other_id": encode("u", ada), "version": 9}
    body = {"relations": [{**state, "follows": False, "blocks": False}]}
    auth = RightfulCaller(read_side.environment, feed)
    assert (await read_side.client.put("/internal/relations", json=body, auth=auth)).status_code == 200
    if warm:
        assert (await read_side.page(reader))[0] == others
    else:  # nothing is kept of a reader without a feed: it is built from social-graph, which has the end of the follow
        assert await read_side.redis.keys(f"*{reader}*") == []

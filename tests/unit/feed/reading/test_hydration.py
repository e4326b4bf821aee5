"""Hydration: what is loaded, how often, and what is missing."""

from __future__ import annotations

import asyncio

import pytest
from redis.asyncio import Redis

from photomesh_feed.domain.pages import Gaps
from photomesh_feed.errors import SourceUnavailable
from photomesh_feed.reading.hydration import Hydrator
from photomesh_feed.store import keys
from photomesh_feed.store.filler import FeedFiller
from tests.support.clock import FakeClock
from tests.support.feed.sources import InMemorySources

READER, ADA = 1, 3
POSTS = [(1 << 40) + number for number in range(250)]


@pytest.fixture
def hydrator(redis: Redis, sources: InMemorySources, clock: FakeClock) -> Hydrator:
    return Hydrator(FeedFiller(redis), sources, "http://cdn", clock)


async def test_everything_ends_up_in_redis(hydrator: Hydrator, redis: Redis, sources: InMemorySources) -> None:
    sources.publish(POSTS[0], ADA)
    sources.liked[READER].add(POSTS[0])
    gaps = Gaps(posts=POSTS[:1], viewer_states=POSTS[:2], authors=[ADA])
    assert await hydrator.fill(READER, gaps) == set()
    post = await redis.hgetall(keys.post(POSTS[0]))
    assert (post[b"a"], post[b"lc"], post[b"cc"]) == (b"3", b"1", b"0")
    assert await redis.hgetall(keys.likes(READER)) == {b"%d" % POSTS[0]: b"+0", b"%d" % POSTS[1]: b"-0"}
    assert await redis.hget(keys.user(ADA), "username") == b"name_3"


async def test_concurrent_readers_load_each_post_once(hydrator: Hydrator, sources: InMemorySources) -> None:
    for post in POSTS:
        sources.publish(post, ADA)
    sources.gate.clear()
    loads = [asyncio.create_task(hydrator.load_posts(POSTS)) for _ in range(50)]
    await asyncio.sleep(0)
    sources.gate.set()
    assert await asyncio.gather(*loads) == [set()] * 50
    assert sources.calls["posts"] == 3


async def test_absent_posts_are_remembered_for_half_a_minute(
    hydrator: Hydrator, sources: InMemorySources, clock: FakeClock
) -> None:
    for _ in range(3):
        assert await hydrator.load_posts(POSTS[:1]) == {POSTS[0]}
    assert sources.calls["posts"] == 1
    sources.publish(POSTS[0], ADA)
    await clock.advance(31)
    assert await hydrator.load_posts(POSTS[:1]) == set()


async def test_viewer_states_are_loaded_in_batches(hydrator: Hydrator, sources: InMemorySources) -> None:
    await hydrator.fill(READER, Gaps(viewer_states=POSTS))
    assert sources.calls["viewer_states"] == 3


async def test_unknown_author_is_a_gap_only_once(hydrator: Hydrator, sources: InMemorySources) -> None:
    sources.unknown_accounts.add(ADA)
    gaps = Gaps(posts=POSTS[:1], authors=[ADA])
    assert hydrator.fillable(gaps) == gaps
    await hydrator.fill(READER, gaps)
    assert hydrator.fillable(gaps) == Gaps(posts=POSTS[:1], authors=[])
    assert not hydrator.fillable(Gaps(authors=[ADA]))


async def test_a_page_needs_no_names(hydrator: Hydrator, sources: InMemorySources) -> None:
    sources.unavailable = True
    await hydrator.fill(READER, Gaps(authors=[ADA]))
    assert not hydrator.fillable(Gaps(authors=[ADA]))
    with pytest.raises(SourceUnavailable):
        await hydrator.fill(READER, Gaps(viewer_states=[5]))


async def test_event_wins_over_the_source(hydrator: Hydrator, redis: Redis, sources: InMemorySources) -> None:
    sources.publish(POSTS[0], ADA)
    await redis.hset(keys.likes(READER), str(POSTS[0]), "+7")
    await redis.hset(keys.user(ADA), "username", "renamed")
    await redis.hset(keys.post(POSTS[0]), mapping={"lc": 9, "cc": 9, "cv": 4})
    await hydrator.fill(READER, Gaps(posts=POSTS[:1], viewer_states=POSTS[:1], authors=[ADA]))
    assert await redis.hget(keys.likes(READER), str(POSTS[0])) == b"+7"
    assert await redis.hget(keys.user(ADA), "username") == b"renamed"
    assert await redis.hget(keys.post(POSTS[0]), "lc") == b"9"

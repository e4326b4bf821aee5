"""Rules and hydration of the read scripts, on the fake Redis: who sees which posts, and what is missing."""

from __future__ import annotations

import time
from collections.abc import Collection
from datetime import UTC, datetime

import pytest
from fakeredis import FakeAsyncRedis
from hypothesis import given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from photomesh_feed.domain.engagement import Engagement
from photomesh_feed.domain.order import in_feed_order
from photomesh_feed.domain.pages import ChosenPosts, FeedList, Gaps, StoredPage
from photomesh_feed.store import keys
from photomesh_feed.store.reader import FeedReader
from photomesh_feed.store.writer import FeedWriter

READER, ADA, GRACE = 1, 2, 3
BASE = 1 << 50


def post_id(number: int) -> int:
    return BASE + (number << 22)


async def add_post(redis: Redis, post: int, author: int) -> None:
    await redis.hset(keys.post(post), mapping={"s": '{"id":1}', "v": 1, "a": author, "h": "", "lc": 4, "cc": 2})
    await redis.zadd(keys.feed(READER), {str(post): keys.score(post)})


async def open_feed(redis: Redis, *, following: Collection[int] = (), muted: Collection[int] = ()) -> FeedReader:
    await redis.zadd(keys.feed(READER), {keys.COMPLETE: "-inf", keys.BOTTOM: "+inf"})
    await redis.hset(keys.follow_versions(READER), keys.MARKER, "0")
    for states in (keys.likes(READER), keys.saves(READER)):
        await redis.hset(states, keys.MARKER, "0")
    if following:
        await redis.sadd(keys.following(READER), *following)
    if muted:
        await redis.sadd(keys.muted(READER), *muted)
    for author in (ADA, GRACE):
        await redis.hset(keys.user(author), mapping={"username": f"u{author}", "display_name": "", "avatar_url": ""})
    return FeedReader(redis)


def ids(page: StoredPage) -> list[int]:
    return [int(row.post_id) for row in page.rows]


async def test_row_has_everything_that_a_page_shows(redis: Redis) -> None:
    reader = await open_feed(redis, following=[ADA])
    await add_post(redis, post_id(1), ADA)
    await redis.hset(keys.likes(READER), str(post_id(1)), "+5")
    page = await reader.page(READER, FeedList(None, 20), ())
    (row,) = page.rows
    assert row == (b"%d" % post_id(1), b"2", b'{"id":1}', b"u2", b"", b"", b"4", b"2", b"1", b"0")
    assert (page.outcome, page.gaps) == ("end", Gaps([], [], []))


@pytest.mark.parametrize(
    ("following", "muted", "visible"), [([ADA], [], True), ([], [], False), ([ADA], [ADA], False), ([GRACE], [], False)]
)
async def test_only_followed_authors_who_are_not_muted_are_visible(
    redis: Redis, following: list[int], muted: list[int], visible: bool
) -> None:
    reader = await open_feed(redis, following=following, muted=muted)
    await add_post(redis, post_id(1), ADA)
    expected = [post_id(1)] if visible else []
    assert ids(await reader.page(READER, FeedList(None, 20), ())) == expected
    assert ids(await reader.page(READER, ChosenPosts([post_id(1)]), ())) == expected


async def test_deleted_and_absent_posts_are_hidden_and_no_gap(redis: Redis) -> None:
    reader = await open_feed(redis, following=[ADA])
    for number in range(3):
        await add_post(redis, post_id(number), ADA)
    await redis.delete(keys.post(post_id(0)), keys.post(post_id(1)))
    await redis.hset(keys.post(post_id(0)), "x", "1")
    page = await reader.page(READER, FeedList(None, 20), [post_id(1)])
    assert ids(page) == [post_id(2)]
    assert not page.gaps


async def test_gaps(redis: Redis) -> None:
    reader = await open_feed(redis, following=[ADA])
    for number in range(2):
        await add_post(redis, post_id(number), ADA)
    await redis.delete(keys.post(post_id(0)), keys.user(ADA), keys.likes(READER))
    page = await reader.page(READER, FeedList(None, 20), ())
    assert ids(page) == [post_id(1)]
    assert page.gaps == Gaps([post_id(0)], [post_id(1)], [ADA])


async def test_viewer_state_is_known_from_the_marker_on(redis: Redis) -> None:
    """Events tell of younger posts; of older ones it has to be loaded. A minute allows for clocks that differ."""
    reader = await open_feed(redis, following=[ADA])
    young, old = post_id(200_000), post_id(0)
    for post in (young, old):
        await add_post(redis, post, ADA)
    await redis.hset(keys.likes(READER), keys.MARKER, str((young >> 22) - 60_001))
    assert (await reader.page(READER, FeedList(None, 20), ())).gaps.viewer_states == [old]
    await redis.hset(keys.likes(READER), keys.MARKER, str((young >> 22) - 59_999))
    assert (await reader.page(READER, FeedList(None, 20), ())).gaps.viewer_states == [young, old]


async def test_feed_that_is_not_complete_is_cold_but_its_posts_can_be_read(redis: Redis) -> None:
    reader = await open_feed(redis, following=[ADA])
    await add_post(redis, post_id(1), ADA)
    await redis.zrem(keys.feed(READER), keys.COMPLETE)
    await redis.zadd(keys.feed(READER), {keys.INCOMPLETE: "-inf"})
    assert (await reader.page(READER, FeedList(None, 20), ())).outcome == "cold"
    assert ids(await reader.page(READER, ChosenPosts([post_id(1)]), ())) == [post_id(1)]


async def test_feed_without_known_follows_is_cold(redis: Redis) -> None:
    reader = await open_feed(redis, following=[ADA])
    await redis.delete(keys.follow_versions(READER))
    assert (await reader.page(READER, FeedList(None, 20), ())).outcome == "cold"
    assert (await reader.candidates(READER, 200, ())).outcome == "cold"


async def test_floor_of_a_cut_list(redis: Redis) -> None:
    reader = await open_feed(redis, following=[ADA])
    for number in range(3):
        await add_post(redis, post_id(number), ADA)
    await redis.zrem(keys.feed(READER), keys.BOTTOM)
    page = await reader.page(READER, FeedList(None, 20), ())
    assert (page.outcome, page.floor) == ("floor", post_id(0))
    assert (await reader.page(READER, FeedList(None, 2), ())).outcome == "more"


async def test_reading_extends_the_life_of_the_feed(redis: Redis) -> None:
    reader = await open_feed(redis, following=[ADA])
    await redis.expire(keys.feed(READER), 60)
    await reader.page(READER, FeedList(None, 20), ())
    assert await redis.ttl(keys.feed(READER)) == keys.ACTIVE_SECONDS
    assert await redis.ttl(keys.following(READER)) == keys.ACTIVE_SECONDS


_NUMBERS = st.integers(0, 12)


@settings(deadline=None, max_examples=80)
@given(
    own=st.dictionaries(_NUMBERS, st.sampled_from([ADA, GRACE]), max_size=12),
    pulled=st.sets(_NUMBERS, max_size=8),
    following=st.sets(st.sampled_from([ADA, GRACE, 4])),
    muted=st.sets(st.sampled_from([ADA, GRACE, 4])),
    deleted=st.sets(_NUMBERS, max_size=4),
    limit=st.integers(1, 5),
)
async def test_pages_are_the_visible_posts_of_list_and_pulled_timelines(
    own: dict[int, int], pulled: set[int], following: set[int], muted: set[int], deleted: set[int], limit: int
) -> None:
    async with FakeAsyncRedis() as redis:
        reader = await open_feed(redis, following=following, muted=muted)
        posts = {post_id(number): author for number, author in own.items()}
        for post, author in posts.items():
            await add_post(redis, post, author)
        await redis.zadd(keys.PULLED, {"4": "+inf"})
        await redis.zadd(keys.timeline(4), {keys.COMPLETE: "-inf"})
        for number in pulled:
            post = post_id(number) + 1
            posts[post] = 4
            await redis.hset(keys.post(post), mapping={"s": "{}", "v": 1, "a": 4, "h": ""})
            await redis.zadd(keys.timeline(4), {str(post): keys.score(post)})
        for number in deleted:
            await redis.hset(keys.post(post_id(number)), "x", "1")
        visible = in_feed_order(
            post
            for post, author in posts.items()
            if author in following - muted and not (author != 4 and (post - BASE) >> 22 in deleted)
        )
        read: list[int] = []
        after = None
        while True:
            page = await reader.page(READER, FeedList(after, limit), ())
            assert len(page.rows) <= limit
            read += ids(page)
            if page.outcome == "end":
                break
            after = read[-1]
        assert read == visible


class OwnLike:
    """A reader's likes of a post whose counts are of `counted_at`: four likes."""

    def __init__(self, redis: Redis, reader: FeedReader, now: int) -> None:
        self._redis = redis
        self._reader = reader
        self.now = now

    async def happens(self, at: int, *, liked: bool) -> None:
        """`at`: microseconds from the counts."""
        engagement = Engagement("like", READER, post_id(1), self.now + at, active=liked, at=datetime.now(UTC))
        await FeedWriter(self._redis).apply_engagement(engagement)

    async def are_counted(self, likes: int, at: int) -> None:
        await FeedWriter(self._redis).apply_counts(post_id(1), likes=likes, comments=2, version=self.now + at)

    async def shown(self) -> tuple[int, bool]:
        [row] = (await self._reader.page(READER, FeedList(None, 20), ())).rows
        return int(row.likes), row.liked == b"1"


@pytest.fixture
async def own_like(redis: Redis) -> OwnLike:
    reader = await open_feed(redis, following=[ADA])
    await add_post(redis, post_id(1), ADA)
    own_like = OwnLike(redis, reader, time.time_ns() // 1000)
    await own_like.are_counted(4, at=0)
    return own_like


async def test_an_own_like_is_in_the_count_once(own_like: OwnLike) -> None:
    await own_like.happens(1, liked=True)
    assert await own_like.shown() == (5, True)
    await own_like.are_counted(5, at=2)
    assert await own_like.shown() == (5, True)
    await own_like.happens(3, liked=False)
    assert await own_like.shown() == (4, False)
    await own_like.are_counted(4, at=4)
    assert await own_like.shown() == (4, False)


async def test_the_first_like_of_a_post_without_counts(own_like: OwnLike, redis: Redis) -> None:
    await redis.hdel(keys.post(post_id(1)), "lc", "cv", "ct")
    await own_like.happens(1, liked=True)
    assert await own_like.shown() == (1, True)


async def test_likes_and_unlikes_before_anything_is_counted(own_like: OwnLike) -> None:
    for at, liked, likes in ((1, True, 5), (2, False, 4), (3, True, 5), (4, True, 5), (5, False, 4)):
        await own_like.happens(at, liked=liked)
        assert await own_like.shown() == (likes, liked)


@pytest.mark.parametrize("known", ["+3", "-3"])
async def test_a_repeated_event_or_one_of_unknown_history_changes_no_count(
    own_like: OwnLike, redis: Redis, known: str
) -> None:
    liked = known[0] == "+"
    await redis.hset(keys.likes(READER), str(post_id(1)), known)
    await own_like.happens(1, liked=liked)
    await own_like.happens(2, liked=liked)
    assert await own_like.shown() == (4, liked)


async def test_a_count_that_precedes_the_event_of_the_like_has_it(own_like: OwnLike) -> None:
    """Topics are read independently of each other."""
    await own_like.are_counted(5, at=2)
    await own_like.happens(1, liked=True)
    assert await own_like.shown() == (5, True)


async def test_clocks_that_differ_make_a_count_wrong_for_a_minute_only(own_like: OwnLike) -> None:
    own_like.now -= 61_000_000
    await own_like.are_counted(5, at=0)
    await own_like.happens(1, liked=True)
    assert await own_like.shown() == (4, True)

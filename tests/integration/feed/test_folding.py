"""What follows from events, on a real Redis: twice, late, and in any order."""

from __future__ import annotations

import itertools
import json
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import pytest

from photomesh_feed.store import keys
from photomesh_feed.store.connection import open_redis
from photomesh_feed.store.writer import FeedWrites
from photomesh_shared.events import (
    CommentCreated,
    CommentDeleted,
    Envelope,
    MuteCreated,
    MuteDeleted,
    PostCounted,
    PostLiked,
    PostUnliked,
)
from photomesh_shared.kafka.failures import DependencyDown
from photomesh_shared.packed_ids import unpack
from tests.integration.feed.writing import Desk, deleted, edited, follow, published, unfollow
from tests.support.tokens import free_port

NewId = Callable[[], int]
THRESHOLD = 50


@pytest.fixture
async def desk(service_environment: Callable[[str], Mapping[str, str]]) -> AsyncIterator[Desk]:
    url = service_environment("feed")["PHOTOMESH_FEED_REDIS_URL"].rsplit("/", 1)[0] + "/7"
    async with Desk.opened(url, THRESHOLD) as opened:
        yield opened


@pytest.fixture
def ids(new_id: NewId) -> list[int]:
    """Of one millisecond each."""
    first = new_id()
    return [first + (number << 22) for number in range(1500)]


async def _followed(desk: Desk, author: int, followers: list[int]) -> None:
    desk.neighbours.followers[author] = sorted(followers)
    await desk.lists.open(followers, following=[author])


async def test_a_post_reaches_followers_who_read_lately_and_nobody_else(desk: Desk, ids: list[int]) -> None:
    author, post, active, away, stranger = ids[0], ids[1], ids[2:12], ids[12:20], ids[20]
    await _followed(desk, author, active)
    desk.neighbours.followers[author] = sorted(active + away)
    await desk.lists.open([stranger])
    for _ in range(2):
        await desk.hears(published(post, author))
        await desk.work()
    assert [await desk.lists.feed(one) for one in active] == [[post]] * len(active)
    assert await desk.lists.feed(stranger) == []
    assert not await desk.lists.redis.exists(*map(keys.feed, away))
    assert await desk.lists.timeline(author) == [post]


async def test_tasks_are_the_same_again_when_an_event_comes_again(desk: Desk, ids: list[int]) -> None:
    author, post, followers = ids[0], ids[1], ids[2:1200]
    desk.neighbours.followers[author] = followers
    await desk.lists.redis.set(keys.POPULAR_KNOWN, "1")
    event = published(post, author)
    await desk.hears(event, event)
    assert [task.id for task in desk.tasks[:2]] == [task.id for task in desk.tasks[2:]]
    assert [len(unpack(task.data.followers)) for task in desk.tasks[:2]] == [1000, 198]


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
async def test_a_publication_and_two_edits_end_the_same_in_any_order(
    desk: Desk, ids: list[int], order: tuple[int, ...]
) -> None:
    author, post = ids[:2]
    events: list[Envelope[Any]] = [published(post, author, 1), edited(post, author, 2), edited(post, author, 3)]
    await desk.hears(*(events[which] for which in order), *(events[which] for which in order))
    kept = await desk.lists.redis.hgetall(keys.post(post))
    assert json.loads(kept[b"s"])["caption"] == "version 3"
    assert kept[b"v"] == b"3"


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
async def test_a_deletion_wins_in_any_order(desk: Desk, ids: list[int], order: tuple[int, ...]) -> None:
    author, post, reader = ids[:3]
    await _followed(desk, author, [reader])
    counted = PostCounted.example().model_copy(update={"post_id": post})
    events: list[Envelope[Any]] = [
        published(post, author),
        edited(post, author, 2),
        deleted(post, author),
        Envelope.of(counted, entityversion=1),
    ]
    await desk.hears(*(events[which] for which in order))
    await desk.work()
    assert await desk.lists.redis.hgetall(keys.post(post)) == {b"x": b"1"}
    assert await desk.lists.timeline(author) == []
    assert await desk.lists.feed(reader) == []


async def test_a_post_that_is_deleted_during_its_fan_out_goes_no_further(desk: Desk, ids: list[int]) -> None:
    author, post, followers = ids[0], ids[1], ids[2:1300]
    await _followed(desk, author, followers)
    await desk.lists.redis.set(keys.POPULAR_KNOWN, "1")
    await desk.hears(published(post, author))
    first, second = desk.tasks
    await desk.inserting.insert(first)
    await desk.hears(deleted(post, author))
    await desk.inserting.insert(second)
    assert await desk.lists.having(post, followers) == 1000
    assert await desk.lists.redis.hget(keys.post(post), "x") == b"1"  # by which readers leave it out


async def test_unfollowing_during_a_fan_out_shows_nothing(desk: Desk, ids: list[int]) -> None:
    author, post, reader = ids[:3]
    await _followed(desk, author, [reader])
    await desk.hears(published(post, author))
    await desk.hears(unfollow(reader, author))
    await desk.work()
    # The late insert is in the list, but readers show authors only whom they follow now.
    assert await desk.lists.feed(reader) == [post]
    assert not await desk.lists.redis.sismember(keys.following(reader), str(author))


async def test_a_list_is_cut_at_its_length(desk: Desk, ids: list[int]) -> None:
    author, reader, posts = ids[0], ids[1], ids[2:902]
    await _followed(desk, author, [reader])
    for post in posts:
        await desk.hears(published(post, author))
        await desk.work()
    feed = await desk.lists.feed(reader)
    assert feed == sorted(posts, key=lambda post: (keys.score(post), post))[: len(feed)]
    assert keys.FEED_POSTS <= len(feed) <= keys.FEED_POSTS + 32
    assert await desk.lists.marked(keys.feed(reader)) == {keys.COMPLETE}
    assert len(await desk.lists.timeline(author)) == keys.TIMELINE_POSTS
    assert await desk.lists.marked(keys.timeline(author)) == {keys.INCOMPLETE}
    assert await desk.lists.redis.object("encoding", keys.feed(reader)) == b"listpack"


async def test_nothing_is_put_below_the_end_of_a_list_that_was_cut(desk: Desk, ids: list[int]) -> None:
    author, reader = ids[0], ids[1]
    early, end, late = ids[10], ids[20], ids[30]
    await _followed(desk, author, [reader])
    await desk.lists.redis.zadd(keys.feed(reader), {str(end): keys.score(end)})
    await desk.lists.redis.zrem(keys.feed(reader), keys.BOTTOM)
    await desk.hears(published(late, author), published(early, author))
    await desk.work()
    assert await desk.lists.feed(reader) == [late, end]


async def test_following_back_fills_and_unfollowing_takes_out(desk: Desk, ids: list[int]) -> None:
    author, other, reader = ids[:3]
    theirs, others = ids[10:40], ids[40:43]
    desk.neighbours.posts[author] = sorted(theirs, reverse=True)
    await _followed(desk, other, [reader])
    for post in others:
        await desk.hears(published(post, other))
    await desk.work()
    event = follow(reader, author)
    await desk.hears(event, event)
    assert sorted(await desk.lists.feed(reader)) == sorted(theirs + others)
    assert await desk.lists.marked(keys.feed(reader)) == {keys.COMPLETE, keys.BOTTOM}
    assert await desk.lists.marked(keys.timeline(author)) == {keys.COMPLETE}
    await desk.hears(unfollow(reader, author), event)
    assert sorted(await desk.lists.feed(reader)) == sorted(others)
    assert not await desk.lists.redis.sismember(keys.following(reader), str(author))


async def test_a_list_ends_where_the_back_fill_ends(desk: Desk, ids: list[int]) -> None:
    """Or there would be a gap: the author's older posts are missing below."""
    author, other, reader = ids[:3]
    oldest, theirs = ids[5], ids[10:200]
    desk.neighbours.posts[author] = sorted(theirs, reverse=True)
    await _followed(desk, other, [reader])
    await desk.hears(published(oldest, other))
    await desk.work()
    await desk.hears(follow(reader, author))
    assert await desk.lists.feed(reader) == sorted(theirs, key=keys.score)[:100]
    assert await desk.lists.marked(keys.feed(reader)) == {keys.COMPLETE}


async def test_a_follow_of_somebody_who_does_not_read_changes_nothing(desk: Desk, ids: list[int]) -> None:
    author, reader = ids[:2]
    desk.neighbours.posts[author] = [ids[9]]
    await desk.hears(follow(reader, author))
    assert await desk.lists.redis.keys("f*:*") == []


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
async def test_mutes_and_follows_apply_by_version(desk: Desk, ids: list[int], order: tuple[int, ...]) -> None:
    reader, other = ids[:2]
    await desk.lists.open([reader])
    mute = MuteCreated.example().model_copy(update={"muter_id": reader, "muted_id": other})
    unmute = MuteDeleted.example().model_copy(update={"muter_id": reader, "muted_id": other})
    events: list[Envelope[Any]] = [
        follow(reader, other, 1),
        Envelope.of(mute, entityversion=2),
        Envelope.of(unmute, entityversion=3),
    ]
    await desk.hears(*(events[which] for which in order), events[1])
    assert await desk.lists.redis.smembers(keys.following(reader)) == {str(other).encode()}
    assert await desk.lists.redis.smembers(keys.muted(reader)) == set()


async def test_an_author_crosses_the_threshold_both_ways(desk: Desk, ids: list[int]) -> None:
    author, followers, posts = ids[0], ids[100 : 100 + THRESHOLD], ids[10:14]
    await _followed(desk, author, followers[:-1])
    await desk.hears(published(posts[0], author))
    await desk.work()
    assert await desk.lists.having(posts[0], followers) == THRESHOLD - 1

    await _followed(desk, author, followers)
    await desk.hears(follow(followers[-1], author, followers=THRESHOLD))
    await desk.hears(published(posts[1], author))
    assert desk.tasks == []
    assert await desk.lists.redis.zscore(keys.PULLED, str(author)) == float("inf")

    # A few fewer are not few enough; then the posts that were not pushed are.
    await desk.hears(unfollow(followers[0], author, followers=THRESHOLD - 1))
    await desk.hears(published(posts[2], author))
    assert desk.tasks == []
    rest = followers[10:]
    desk.neighbours.followers[author] = sorted(rest)
    await desk.hears(unfollow(followers[1], author, followers=len(rest)))
    await desk.work()
    assert [await desk.lists.feed(one) for one in rest] == [sorted(posts[:3], key=keys.score)] * len(rest)
    until = await desk.lists.redis.zscore(keys.PULLED, str(author))
    assert until is not None
    assert until < float("inf")  # readers pull a day longer
    assert await desk.lists.redis.scard(keys.REFILLING) == 0
    await desk.hears(published(posts[3], author))
    await desk.work()
    assert await desk.lists.having(posts[3], rest) == len(rest)


async def test_after_redis_was_lost_popularity_is_asked_for(desk: Desk, ids: list[int]) -> None:
    author, followers, post = ids[0], ids[100 : 100 + THRESHOLD], ids[10]
    await _followed(desk, author, followers)
    await desk.hears(published(ids[9], author))
    await desk.lists.redis.flushdb()
    await desk.lists.redis.script_flush()
    await desk.hears(published(post, author))
    assert desk.tasks == []
    assert await desk.lists.timeline(author) == [post]
    assert await desk.lists.marked(keys.timeline(author)) == {keys.INCOMPLETE}  # older ones may be in post
    assert await desk.lists.redis.zscore(keys.PULLED, str(author)) == float("inf")


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
async def test_affinity_counts_what_is_so_and_not_what_was_said(
    desk: Desk, ids: list[int], order: tuple[int, ...]
) -> None:
    author, reader, post, other_post = ids[:4]
    await desk.lists.redis.hset(keys.likes(reader), keys.MARKER, "0")
    names = {"post_id": post, "post_author_id": author, "account_id": reader}
    liked = PostLiked.example().model_copy(update=names)
    events: list[Envelope[Any]] = [
        Envelope.of(liked, entityversion=1),
        Envelope.of(PostUnliked.example().model_copy(update=names), entityversion=2),
        Envelope.of(liked, entityversion=3),
        Envelope.of(liked.model_copy(update={"post_id": other_post}), entityversion=1),
    ]
    await desk.hears(*(events[which] for which in order), *(events[which] for which in order))
    score = await desk.lists.redis.zscore(keys.affinity(reader), str(author))
    await desk.lists.redis.delete(keys.likes(reader), keys.affinity(reader))
    await desk.lists.redis.hset(keys.likes(reader), keys.MARKER, "0")
    await desk.hears(events[0], events[3])
    assert score == pytest.approx(await desk.lists.redis.zscore(keys.affinity(reader), str(author)))


async def test_comments_count_more_and_only_while_they_are_there(desk: Desk, ids: list[int]) -> None:
    author, reader, post = ids[:3]
    await desk.lists.redis.hset(keys.likes(reader), keys.MARKER, "0")
    names = {"post_id": post, "post_author_id": author, "account_id": reader, "comment_id": ids[4]}
    created = Envelope.of(CommentCreated.example().model_copy(update=names), entityversion=1)
    await desk.hears(created, created)
    assert await desk.lists.redis.zcard(keys.affinity(reader)) == 1
    await desk.hears(Envelope.of(CommentDeleted.example().model_copy(update=names), entityversion=2), created)
    assert await desk.lists.redis.zcard(keys.affinity(reader)) == 0


async def test_counts_apply_by_version(desk: Desk, ids: list[int]) -> None:
    author, post = ids[:2]
    for likes, version in ((5, 2), (9, 3), (1, 1)):
        counted = PostCounted.example().model_copy(update={"post_id": post, "post_author_id": author, "likes": likes})
        await desk.hears(Envelope.of(counted, entityversion=version))
    await desk.hears(published(post, author))
    kept = await desk.lists.redis.hgetall(keys.post(post))
    assert (kept[b"lc"], kept[b"cv"], kept[b"v"]) == (b"9", b"3", b"1")


async def test_redis_away_is_a_dependency_that_is_down() -> None:
    """So that the record waits."""
    async with open_redis(f"redis://127.0.0.1:{free_port()}/0") as redis:
        with pytest.raises(DependencyDown):
            await FeedWrites(redis).fan_out(1 << 40, [1], older_remain=False)

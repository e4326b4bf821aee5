"""Events of follows and mutes."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from photomesh_feed.store import keys
from photomesh_shared.events import Envelope
from tests.support.feed.events import post_published, user_followed, user_muted, user_unfollowed, user_unmuted
from tests.support.feed.write_side import WriteSide


async def test_follow_back_fills_and_unfollow_removes(write_side: WriteSide, ids: list[int]) -> None:
    author, other, reader = ids[:3]
    theirs, others = ids[10:40], ids[40:43]
    write_side.sources.by_author[author] = theirs
    await write_side.follow(other, [reader])
    for post in others:
        await write_side.handle(post_published(post, other))
    await write_side.execute_tasks()
    event = user_followed(reader, author)
    await write_side.handle(event, event)
    assert sorted(await write_side.lists.feed(reader)) == sorted(theirs + others)
    assert await write_side.lists.markers(keys.feed(reader)) == {keys.COMPLETE, keys.BOTTOM}
    assert await write_side.lists.markers(keys.timeline(author)) == {keys.COMPLETE}
    await write_side.handle(user_unfollowed(reader, author), event)
    assert sorted(await write_side.lists.feed(reader)) == sorted(others)
    assert not await write_side.redis.sismember(keys.following(reader), str(author))


async def test_list_ends_where_the_back_fill_ends(write_side: WriteSide, ids: list[int]) -> None:
    """Otherwise there would be a gap, because the author's older posts are missing below."""
    author, other, reader = ids[:3]
    oldest, theirs = ids[5], ids[10:200]
    write_side.sources.by_author[author] = theirs
    await write_side.follow(other, [reader])
    await write_side.handle(post_published(oldest, other))
    await write_side.execute_tasks()
    await write_side.handle(user_followed(reader, author))
    assert await write_side.lists.feed(reader) == sorted(theirs, key=keys.score)[:100]
    assert await write_side.lists.markers(keys.feed(reader)) == {keys.COMPLETE}


async def test_follow_by_an_account_without_feed_changes_nothing(write_side: WriteSide, ids: list[int]) -> None:
    author, reader = ids[:2]
    write_side.sources.by_author[author] = [ids[9]]
    await write_side.handle(user_followed(reader, author))
    assert await write_side.redis.keys("f*:*") == []


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
async def test_relations_apply_by_version(write_side: WriteSide, ids: list[int], order: tuple[int, ...]) -> None:
    reader, other = ids[:2]
    await write_side.lists.open([reader])
    events: list[Envelope[Any]] = [
        user_followed(reader, other, 1),
        user_muted(reader, other, 2),
        user_unmuted(reader, other, 3),
    ]
    await write_side.handle(*(events[which] for which in order), events[1])
    assert await write_side.redis.smembers(keys.following(reader)) == {str(other).encode()}
    assert await write_side.redis.smembers(keys.muted(reader)) == set()


async def test_unfollow_during_a_fan_out(write_side: WriteSide, ids: list[int]) -> None:
    author, post, reader = ids[:3]
    await write_side.follow(author, [reader])
    await write_side.handle(post_published(post, author))
    await write_side.handle(user_unfollowed(reader, author))
    await write_side.execute_tasks()
    # The late insert is in the list, but the rules of reading hide it.
    assert await write_side.lists.feed(reader) == [post]
    assert not await write_side.redis.sismember(keys.following(reader), str(author))

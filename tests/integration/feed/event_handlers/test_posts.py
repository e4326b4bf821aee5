"""Events of posts: repeated, late, and in any order."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

from photomesh_feed.store import keys
from photomesh_shared.events import Envelope
from tests.support.feed.events import post_counted, post_deleted, post_edited, post_published
from tests.support.feed.write_side import WriteSide


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
async def test_publication_and_edits_in_any_order(
    write_side: WriteSide, ids: list[int], order: tuple[int, ...]
) -> None:
    author, post = ids[:2]
    events: list[Envelope[Any]] = [
        post_published(post, author, 1),
        post_edited(post, author, 2),
        post_edited(post, author, 3),
    ]
    await write_side.handle(*(events[which] for which in order), *(events[which] for which in order))
    stored = await write_side.redis.hgetall(keys.post(post))
    assert json.loads(stored[b"s"])["caption"] == "version 3"
    assert stored[b"v"] == b"3"


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
async def test_deletion_wins_in_any_order(write_side: WriteSide, ids: list[int], order: tuple[int, ...]) -> None:
    author, post, reader = ids[:3]
    await write_side.follow(author, [reader])
    events: list[Envelope[Any]] = [
        post_published(post, author),
        post_edited(post, author, 2),
        post_deleted(post, author),
        post_counted(post, author),
    ]
    await write_side.handle(*(events[which] for which in order))
    await write_side.execute_tasks()
    assert await write_side.redis.hgetall(keys.post(post)) == {b"x": b"1"}
    assert await write_side.lists.timeline(author) == []
    assert await write_side.lists.feed(reader) == []


async def test_counts_apply_by_version(write_side: WriteSide, ids: list[int]) -> None:
    author, post = ids[:2]
    for likes, version in ((5, 2), (9, 3), (1, 1)):
        await write_side.handle(post_counted(post, author, version, likes=likes))
    await write_side.handle(post_published(post, author))
    stored = await write_side.redis.hgetall(keys.post(post))
    assert (stored[b"lc"], stored[b"cv"], stored[b"v"]) == (b"9", b"3", b"1")

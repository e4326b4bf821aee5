"""Events of likes and comments: affinity to authors."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from photomesh_feed.store import keys
from photomesh_shared.events import CommentCreated, CommentDeleted, Envelope, PostLiked, PostUnliked
from tests.support.feed.write_side import WriteSide


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
async def test_affinity_depends_on_states_and_not_on_events(
    write_side: WriteSide, ids: list[int], order: tuple[int, ...]
) -> None:
    author, reader, post, other_post = ids[:4]
    redis = write_side.redis
    await redis.hset(keys.likes(reader), keys.MARKER, "0")
    names = {"post_id": post, "post_author_id": author, "account_id": reader}
    liked = PostLiked.example().model_copy(update=names)
    events: list[Envelope[Any]] = [
        Envelope.of(liked, entityversion=1),
        Envelope.of(PostUnliked.example().model_copy(update=names), entityversion=2),
        Envelope.of(liked, entityversion=3),
        Envelope.of(liked.model_copy(update={"post_id": other_post}), entityversion=1),
    ]
    await write_side.handle(*(events[which] for which in order), *(events[which] for which in order))
    score = await redis.zscore(keys.affinity(reader), str(author))
    await redis.delete(keys.likes(reader), keys.affinity(reader))
    await redis.hset(keys.likes(reader), keys.MARKER, "0")
    await write_side.handle(events[0], events[3])
    assert score == pytest.approx(await redis.zscore(keys.affinity(reader), str(author)))


async def test_deleted_comment_does_not_count(write_side: WriteSide, ids: list[int]) -> None:
    author, reader, post = ids[:3]
    await write_side.redis.hset(keys.likes(reader), keys.MARKER, "0")
    names = {"post_id": post, "post_author_id": author, "account_id": reader, "comment_id": ids[4]}
    created = Envelope.of(CommentCreated.example().model_copy(update=names), entityversion=1)
    await write_side.handle(created, created)
    assert await write_side.redis.zcard(keys.affinity(reader)) == 1
    await write_side.handle(Envelope.of(CommentDeleted.example().model_copy(update=names), entityversion=2), created)
    assert await write_side.redis.zcard(keys.affinity(reader)) == 0

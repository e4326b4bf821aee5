"""Events of likes, comments and saves, on the fake Redis."""

from __future__ import annotations

from typing import Any

import pytest
from fakeredis import FakeAsyncRedis
from hypothesis import given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from photomesh_feed.domain import affinity
from photomesh_feed.store import keys
from photomesh_shared.events import (
    CommentCreated,
    CommentDeleted,
    Envelope,
    PostLiked,
    PostSaved,
    PostUnliked,
    PostUnsaved,
)
from tests.support.feed.sources import InMemorySources
from tests.support.feed.write_side import WriteSide

AUTHOR, READER, POST, COMMENT = 7, 1, 1 << 40, 3 << 40


def liked(version: int, *, author: int = AUTHOR) -> Envelope[PostLiked]:
    names = {"post_id": POST, "post_author_id": author, "account_id": READER}
    return Envelope.of(PostLiked.example().model_copy(update=names), entityversion=version)


def unliked(version: int) -> Envelope[PostUnliked]:
    names = {"post_id": POST, "post_author_id": AUTHOR, "account_id": READER}
    return Envelope.of(PostUnliked.example().model_copy(update=names), entityversion=version)


def commented(version: int) -> Envelope[CommentCreated]:
    names = {"post_id": POST, "post_author_id": AUTHOR, "account_id": READER, "comment_id": COMMENT}
    return Envelope.of(CommentCreated.example().model_copy(update=names), entityversion=version)


def uncommented(version: int) -> Envelope[CommentDeleted]:
    names = {"post_id": POST, "post_author_id": AUTHOR, "account_id": READER, "comment_id": COMMENT}
    return Envelope.of(CommentDeleted.example().model_copy(update=names), entityversion=version)


async def with_states(redis: Redis, sources: InMemorySources) -> WriteSide:
    for states in (keys.likes(READER), keys.saves(READER)):
        await redis.hset(states, keys.MARKER, "0")
    return WriteSide(redis, sources)


@pytest.fixture
async def write_side(redis: Redis, sources: InMemorySources) -> WriteSide:
    return await with_states(redis, sources)


async def test_like_counts_for_the_author(write_side: WriteSide, redis: Redis) -> None:
    await write_side.handle(liked(1), liked(1))
    assert await redis.hget(keys.likes(READER), str(POST)) == b"+1"
    expected = affinity.points(affinity.LIKE, POST)
    assert await redis.zscore(keys.affinity(READER), str(AUTHOR)) == pytest.approx(expected)


async def test_own_post_does_not_count(write_side: WriteSide, redis: Redis) -> None:
    await write_side.handle(liked(1, author=READER))
    assert await redis.hget(keys.likes(READER), str(POST)) == b"+1"
    assert not await redis.exists(keys.affinity(READER))


async def test_save_changes_its_state_only(write_side: WriteSide, redis: Redis) -> None:
    names = {"post_id": POST, "account_id": READER}
    saved = Envelope.of(PostSaved.example().model_copy(update=names), entityversion=1)
    unsaved = Envelope.of(PostUnsaved.example().model_copy(update=names), entityversion=2)
    await write_side.handle(saved)
    assert await redis.hget(keys.saves(READER), str(POST)) == b"+1"
    await write_side.handle(unsaved, saved)
    assert await redis.hget(keys.saves(READER), str(POST)) == b"-2"
    assert not await redis.exists(keys.affinity(READER))


async def test_states_of_inactive_accounts_are_not_kept(redis: Redis, sources: InMemorySources) -> None:
    await WriteSide(redis, sources).handle(liked(1), commented(1))
    assert await redis.keys("*") == []


_EVENTS: list[Envelope[Any]] = [liked(1), unliked(2), liked(3), commented(1), uncommented(2)]


@settings(deadline=None, max_examples=50)
@given(st.permutations(_EVENTS), st.lists(st.sampled_from(_EVENTS), max_size=5))
async def test_affinity_depends_on_states_and_not_on_events(
    order: list[Envelope[Any]], repeated: list[Envelope[Any]]
) -> None:
    async with FakeAsyncRedis() as redis:
        write_side = await with_states(redis, InMemorySources())
        await write_side.handle(*order, *repeated)
        expected = affinity.points(affinity.LIKE, POST)  # liked, comment deleted
        assert await redis.zscore(keys.affinity(READER), str(AUTHOR)) == pytest.approx(expected)


async def test_events_that_wait_together_take_few_calls_and_keep_their_order(
    redis: Redis, sources: InMemorySources, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_side = await with_states(redis, sources)
    likers, calls, evaluate = range(1_000, 1_250), 0, redis.evalsha
    events: list[Envelope[Any]] = []
    for liker in likers:
        await redis.hset(keys.likes(liker), keys.MARKER, "0")
        names = {"post_id": POST, "post_author_id": AUTHOR, "account_id": liker}
        events.append(Envelope.of(PostLiked.example().model_copy(update=names), entityversion=1))
        events.append(Envelope.of(PostUnliked.example().model_copy(update=names), entityversion=2))

    async def counted(*arguments: Any) -> Any:
        nonlocal calls
        calls += 1
        return await evaluate(*arguments)

    monkeypatch.setattr(redis, "evalsha", counted)
    await write_side.handle(*events, *events)
    assert calls <= 12  # of a hundred, and one more when the script is not loaded yet
    for liker in likers:
        assert await redis.hget(keys.likes(liker), str(POST)) == b"-2:2:1"
        assert await redis.zcard(keys.affinity(liker)) == 0

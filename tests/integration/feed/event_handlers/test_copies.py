"""Copies of accounts and relations in Redis are repaired towards their owners' newer states."""

from __future__ import annotations

import pytest

from photomesh_feed.event_handlers.copies import AccountCopies, RelationCopies
from photomesh_feed.store import keys
from photomesh_feed.store.copies import FeedCopies, RedisCopyProgress
from photomesh_feed.store.filler import FeedFiller
from photomesh_shared.internal_api.states import OwnedAccount, OwnedPair
from tests.support.feed.events import user_followed, user_muted
from tests.support.feed.write_side import WriteSide


@pytest.fixture
def relations(write_side: WriteSide) -> RelationCopies:
    redis = write_side.redis
    return RelationCopies(FeedCopies(redis), FeedFiller(redis), write_side.handlers.relations)


async def state_of(write_side: WriteSide, reader: int, author: int) -> tuple[bool, bool]:
    follows = await write_side.redis.sismember(keys.following(reader), str(author))
    return bool(follows), bool(await write_side.redis.sismember(keys.muted(reader), str(author)))


async def test_relations(write_side: WriteSide, relations: RelationCopies, ids: list[int]) -> None:
    reader, removed, newer, missing, muted = ids[:5]
    theirs = ids[10:20]
    write_side.sources.by_author[missing] = theirs
    await write_side.lists.open([reader])
    await write_side.handle(user_followed(reader, removed, 1))
    await write_side.handle(user_followed(reader, newer, 9))
    await write_side.handle(user_followed(reader, muted, 1))
    states = [
        OwnedPair(reader, removed, 5, follows=False, blocks=True, mutes=False),
        OwnedPair(reader, newer, 5, follows=False, blocks=False, mutes=False),
        OwnedPair(reader, missing, 5, follows=True, blocks=False, mutes=False),
        OwnedPair(reader, muted, 5, follows=True, blocks=False, mutes=True),
    ]
    assert await relations.repair(states) == 3
    assert await state_of(write_side, reader, removed) == (False, False)
    assert await state_of(write_side, reader, newer) == (True, False)
    assert await state_of(write_side, reader, missing) == (True, False)
    assert await state_of(write_side, reader, muted) == (True, True)
    assert sorted(await write_side.lists.feed(reader)) == sorted(theirs), "the follow brings the author's posts"
    assert await relations.repair(states) == 0
    await write_side.handle(user_followed(reader, removed, 1), user_muted(reader, newer, 1))
    assert await state_of(write_side, reader, removed) == (False, False), "old events change nothing"


async def test_readers_who_are_not_active(write_side: WriteSide, relations: RelationCopies, ids: list[int]) -> None:
    state = OwnedPair(ids[0], ids[1], 5, follows=True, blocks=False, mutes=False)
    assert await relations.repair([state]) == 0
    assert await write_side.redis.keys("f*:*") == []


async def test_accounts(write_side: WriteSide, ids: list[int]) -> None:
    redis, (outdated, newer, unversioned, unknown) = write_side.redis, ids[:4]
    await redis.hset(keys.user(outdated), mapping={"username": "a", "hidden": "0", "private": "0", "v": "1"})
    await redis.hset(keys.user(newer), mapping={"username": "b", "hidden": "0", "private": "0", "v": "9"})
    await redis.hset(keys.user(unversioned), mapping={"username": "c", "hidden": "0"})
    states = [
        OwnedAccount(id_, 5, "now", "Now", None, True, "deactivated", "everybody")
        for id_ in (outdated, newer, unversioned, unknown)
    ]
    copies = AccountCopies(FeedCopies(redis))
    assert await copies.repair(states) == 2
    assert await redis.hmget(keys.user(outdated), ["username", "hidden", "v"]) == [b"now", b"1", b"5"]
    assert await redis.hmget(keys.user(newer), ["username", "hidden", "v"]) == [b"b", b"0", b"9"]
    assert await redis.hget(keys.user(unversioned), "hidden") == b"1"
    assert not await redis.exists(keys.user(unknown))
    assert await copies.repair(states) == 0


async def test_progress(write_side: WriteSide) -> None:
    progress = RedisCopyProgress(write_side.redis)
    assert await progress.load("tests") is None
    assert not await progress.swap("tests", "0", "1")
    assert await progress.swap("tests", None, "1")
    assert not await progress.swap("tests", None, "2")
    assert await progress.swap("tests", "1", "2")
    assert await progress.load("tests") == "2"

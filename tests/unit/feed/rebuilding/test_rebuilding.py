"""Read models made from zero: what events and reads leave in Redis is what topics say, and differences are found."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from photomesh_feed.domain.holdings import Holdings
from photomesh_feed.domain.order import MS_BITS, id_ms
from photomesh_feed.rebuilding.comparison import compare
from photomesh_feed.rebuilding.replay import Replay
from photomesh_feed.store import keys
from photomesh_feed.store.holdings import FeedHoldings
from photomesh_shared.events import (
    AccountErasureRequested,
    AccountUpdated,
    CommentCreated,
    Envelope,
    Event,
    PostDeleted,
    PostLiked,
    PostSaved,
    Record,
    encode,
    ended_with,
    tombstone_of,
)
from photomesh_shared.ids import timestamp_of
from tests.support.feed.events import (
    account_changed,
    post_counted,
    post_deleted,
    post_edited,
    post_published,
    user_followed,
    user_muted,
    user_unfollowed,
)
from tests.support.feed.in_memory_feed import InMemoryFeed
from tests.support.feed.write_side import CDN

READER, ADA, GRACE, MUTED, STRANGER = 1 << 40, 2 << 40, 3 << 40, 4 << 40, 5 << 40


class World:
    """A reader with a feed, by events alone. `log` has the records of all topics."""

    def __init__(self, feed: InMemoryFeed) -> None:
        self.feed = feed
        self.redis = feed.redis
        self.log: list[Record] = []
        self.posts: list[int] = []

    async def settle(self) -> None:
        await self.feed.write.know_since_long_ago()
        for account_id in (READER, ADA, GRACE, MUTED, STRANGER):
            await self.happen(account_changed(account_id, version=1))
        await self.feed.warm(READER, [])
        for author in (ADA, GRACE, MUTED):
            await self.happen(user_followed(READER, author, 1))
            self.feed.sources.followers[author] = [READER]
        await self.happen(user_muted(READER, MUTED, 2))
        for number in range(9):
            self.posts.append(id_ms(self.feed.clock.now()) + 120_000 + number << MS_BITS)
            await self.happen(post_published(self.posts[-1], (ADA, GRACE, MUTED)[number % 3]))
        await self.feed.write.execute_tasks()
        await self.happen(post_edited(self.posts[0], ADA, 2), post_counted(self.posts[0], ADA, 1, likes=3))
        await self.happen(*(self.by_reader(kind, self.posts[1]) for kind in (PostLiked, PostSaved, CommentCreated)))
        await self.feed.all_pages(READER)

    def by_reader(self, kind: type[Event], post_id: int, version: int = 5) -> Envelope[Any]:
        changes = {"account_id": READER, "post_id": post_id, "post_author_id": GRACE, "comment_id": post_id + 7}
        example = kind.example()
        known = {name: value for name, value in changes.items() if name in type(example).model_fields}
        at = self.feed.clock.now() + timedelta(minutes=3)  # some time after the states are kept
        return Envelope.of(example.model_copy(update=known), entityversion=version, time=at)

    async def happen(self, *envelopes: Envelope[Any]) -> None:
        for envelope in envelopes:
            await self.feed.write.handle(envelope)
            self.tell(envelope)

    def tell(self, envelope: Envelope[Any]) -> None:
        """Write an event into its topic alone."""
        record = encode(envelope)
        self.log += [record, ended] if (ended := tombstone_of(record)) else [record]

    async def held(self, part: int = 0, parts: int = 1) -> Holdings:
        return await FeedHoldings(self.redis).read(part, parts)

    async def differences(self, **more: Any) -> list[str]:
        return [str(one) for one in (await self.compared(**more))[1]]

    async def compared(self, part: int = 0, parts: int = 1, since: datetime | None = None) -> tuple[int, list[Any]]:
        held = await self.held(part, parts)
        replay = Replay(held, CDN)
        for record in self.log:
            replay.take(record)
        return compare(held, replay, since=since)


@pytest.fixture
async def world(feed: InMemoryFeed) -> World:
    world = World(feed)
    await world.settle()
    return world


async def test_what_events_leave_is_what_the_topics_say(world: World) -> None:
    compared, differences = await world.compared()
    assert [str(one) for one in differences] == []
    held = await world.held()
    assert held.readers[READER].posts == sorted(world.posts)[::-1]
    assert held.readers[READER].muted == {MUTED}
    assert set(held.posts) == set(world.posts)
    assert compared == 1 + 3 + 9 + 5  # a feed, timelines, posts, accounts


async def test_parts_together_are_all(world: World) -> None:
    parts = [await world.compared(part, 3) for part in range(3)]
    assert [differences for _, differences in parts] == [[], [], []]
    assert sum(compared for compared, _ in parts) == (await world.compared())[0]
    await world.redis.zrem(keys.feed(READER), str(world.posts[1]))
    assert len([one for part in range(3) for one in await world.differences(part=part, parts=3)]) == 1


async def test_what_redis_lost_is_no_difference(world: World) -> None:
    for key in (keys.post(world.posts[0]), keys.timeline(ADA), keys.user(ADA)):
        await world.redis.delete(key)
    assert await world.differences() == []
    await world.redis.flushdb()
    assert await world.compared() == (0, [])


async def _without_a_post(world: World) -> str:
    await world.redis.zrem(keys.feed(READER), str(world.posts[1]))
    return f"f:{READER}: lacks 1 posts, first {world.posts[1]}"


async def _at_the_wrong_place(world: World) -> str:
    await world.redis.zadd(keys.feed(READER), {str(world.posts[8]): 5})
    return f"f:{READER}: out of order"


async def _without_a_follow(world: World) -> str:
    await world.redis.srem(keys.following(READER), str(ADA))
    return f"fo:{READER}: lacks {ADA}"


async def _with_a_follow(world: World) -> str:
    await world.redis.sadd(keys.following(READER), str(STRANGER))
    return f"fo:{READER}: has too much: {STRANGER}"


async def _without_a_mute(world: World) -> str:
    await world.redis.srem(keys.muted(READER), str(MUTED))
    return f"mu:{READER}: lacks {MUTED}"


async def _without_a_like(world: World) -> str:
    await world.redis.hset(keys.likes(READER), str(world.posts[1]), "-9")
    return f"li:{READER}: {world.posts[1]} is not active in Redis alone"


async def _with_a_like(world: World) -> str:
    await world.redis.hset(keys.likes(READER), str(world.posts[2]), "+9")
    return f"li:{READER}: {world.posts[2]} is active in Redis alone"


async def _without_an_entry_of_a_like(world: World) -> str:
    await world.redis.hdel(keys.likes(READER), str(world.posts[1]))
    return f"li:{READER}: lacks {world.posts[1]}"


async def _without_a_comment(world: World) -> str:
    await world.redis.hdel(keys.likes(READER), f"c{world.posts[1] + 7}")
    return f"li:{READER}: lacks the comment {world.posts[1] + 7}"


async def _without_a_save(world: World) -> str:
    await world.redis.hset(keys.saves(READER), str(world.posts[1]), "-9")
    return f"sa:{READER}: {world.posts[1]} is not active in Redis alone"


async def _with_other_counts(world: World) -> str:
    await world.redis.hset(keys.post(world.posts[0]), "lc", "2")
    return f"p:{world.posts[0]}: counts differ"


async def _with_another_caption(world: World) -> str:
    static: Any = await world.redis.hget(keys.post(world.posts[0]), "s")
    await world.redis.hset(keys.post(world.posts[0]), "s", static.replace(b"version 2", b"version 1"))
    return f"p:{world.posts[0]}: caption differ"


async def _from_a_later_version(world: World) -> str:
    await world.redis.hset(keys.post(world.posts[0]), "v", "99")
    return f"p:{world.posts[0]}: newer than the topic"


async def _with_a_tombstone(world: World) -> str:
    await world.redis.hset(keys.post(world.posts[0]), "x", "1")
    return f"p:{world.posts[0]}: deleted in Redis alone"


async def _with_a_deleted_post(world: World) -> str:
    world.tell(post_deleted(world.posts[0], ADA))
    return f"p:{world.posts[0]}: not published, or deleted"


async def _with_an_earlier_name(world: World) -> str:
    await world.redis.hset(keys.user(ADA), "username", "before")
    return f"u:{ADA}: username differ"


async def _with_a_hidden_author(world: World) -> str:
    await world.redis.hset(keys.user(ADA), "hidden", "1")
    return f"u:{ADA}: hidden differ"


async def _with_a_gap_in_a_timeline(world: World) -> str:
    await world.redis.zrem(keys.timeline(ADA), str(world.posts[3]))
    return f"t:{ADA}: lacks 1 posts, first {world.posts[3]}"


@pytest.mark.parametrize(
    "change",
    [
        _without_a_post,
        _at_the_wrong_place,
        _without_a_follow,
        _with_a_follow,
        _without_a_mute,
        _without_a_like,
        _with_a_like,
        _without_an_entry_of_a_like,
        _without_a_comment,
        _without_a_save,
        _with_other_counts,
        _with_another_caption,
        _from_a_later_version,
        _with_a_tombstone,
        _with_a_deleted_post,
        _with_an_earlier_name,
        _with_a_hidden_author,
        _with_a_gap_in_a_timeline,
    ],
)
async def test_each_difference_is_named(world: World, change: Callable[[World], Awaitable[str]]) -> None:
    expected = await change(world)
    assert expected in await world.differences()


async def test_what_ended_may_stay_where_nobody_sees_it(world: World) -> None:
    await world.happen(post_deleted(world.posts[1], GRACE), user_unfollowed(READER, ADA, 9))
    await world.redis.zadd(keys.feed(READER), {str(world.posts[1]): keys.score(world.posts[1])})
    world.log.append(ended_with(world.by_reader(PostLiked, world.posts[1]), PostDeleted))
    assert await world.differences() == []


async def test_order_repetition_and_compaction_change_nothing(world: World) -> None:
    await world.happen(post_deleted(world.posts[4], GRACE), user_unfollowed(READER, ADA, 9))
    log = world.log
    world.log = [*log, *log]
    assert await world.differences() == []
    latest = {(record.topic, record.key): record for record in log}
    world.log = list(latest.values())
    assert await world.differences() == []
    undecodable = replace(log[0], value=b"not JSON")
    moved = replace(log[0], value=None, headers=(("ce_type", b"photomesh.tombstone.v1"),))
    world.log = [undecodable, *log, moved]
    assert await world.differences() == []


async def test_an_erased_account_has_left_nothing(world: World) -> None:
    erased = AccountErasureRequested.example().model_copy(update={"user_id": READER})
    world.tell(Envelope.of(erased, entityversion=99))
    assert await world.differences() == [
        f"f:{READER}: the account has ended",
        f"u:{READER}: the account has ended in one of them alone",
    ]
    await world.feed.write.handlers.eraser.erase(Envelope.of(erased, entityversion=99))
    assert await world.differences() == []


async def test_of_older_things_only_some_events_were_replayed(world: World) -> None:
    began = timestamp_of(GRACE)
    await world.redis.zrem(keys.feed(READER), str(world.posts[0]))
    for account_id in (ADA, STRANGER):
        changes = {"user_id": account_id, "username": "later"}
        world.tell(Envelope.of(AccountUpdated.example().model_copy(update=changes), entityversion=9))
    assert await world.differences(since=began) == [f"u:{STRANGER}: username differ"]
    assert len(await world.differences()) == 3

"""Whatever is delivered again, in any order, of any topic, and after Redis was flushed: feeds show what is true.

A random history runs against the real handlers, the fan-out worker, the read path and a real Redis. Each event is
delivered when it happens; in between, earlier events and fan-out tasks come again, and Redis loses everything. The
sources have the state that post and social-graph would have. Timelines and lists are read in small steps, so that most
are partial.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from photomesh_feed.delivery import timeline_cache
from photomesh_feed.domain.accounts import Account
from photomesh_feed.domain.order import MS_BITS, id_ms, in_feed_order
from photomesh_feed.domain.pages import Position
from photomesh_feed.event_handlers import posts, relations
from photomesh_feed.reading import rebuild, timeline_merger
from photomesh_feed.reading.service import FeedService
from photomesh_feed.rebuilding.comparison import compare
from photomesh_feed.rebuilding.replay import Replay
from photomesh_feed.store import keys
from photomesh_feed.store.holdings import FeedHoldings
from photomesh_feed.wiring import open_feed_service
from photomesh_shared.clock import SystemClock
from photomesh_shared.events import AccountUpdated, Envelope, FanoutRequested, PostEdited, PostLiked, PostUnliked
from tests.support.feed.events import (
    post_counted,
    post_deleted,
    user_followed,
    user_muted,
    user_unfollowed,
    user_unmuted,
)
from tests.support.feed.sources import InMemorySources
from tests.support.feed.write_side import CDN, WriteSide
from tests.support.waiting import eventually

READER, AUTHORS = 1, (2, 3)
_STEP = 3  # posts that timelines and lists are read by

Happening = Literal["publish", "edit", "delete", "follow", "mute", "rename", "like", "count"]
Step = tuple[str, int, int]
steps = st.lists(
    st.tuples(
        st.sampled_from(
            ["publish"] * 5
            + ["edit", "delete", "delete", "delete", "follow", "follow", "mute", "rename", "like", "count"]
            + ["again"] * 8
            + ["task again", "flush", "flush", "read", "read", "wait"]
        ),
        st.integers(0, 30),
        st.integers(0, 5_000),
    ),
    min_size=30,
    max_size=60,
)


class Clock(SystemClock):
    def __init__(self) -> None:
        self.at = datetime.now(UTC) - timedelta(days=2)

    def now(self) -> datetime:
        return self.at


class Sources(InMemorySources):
    def __init__(self) -> None:
        super().__init__()
        self.names: dict[int, str] = {}

    async def accounts(self, accounts: Any) -> list[Account]:
        return [Account(account, self.names.get(account, "first"), "", None) for account in accounts]


@dataclass
class World:
    redis: Redis
    clock: Clock = field(default_factory=Clock)
    sources: Sources = field(default_factory=Sources)
    log: list[Envelope[Any]] = field(default_factory=list)
    tasks: list[Envelope[FanoutRequested]] = field(default_factory=list)
    versions: dict[object, int] = field(default_factory=dict)
    posts: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.write_side = WriteSide(self.redis, self.sources, clock=self.clock)

    def version(self, subject: object) -> int:
        self.versions[subject] = self.versions.get(subject, 0) + 1
        return self.versions[subject]

    async def happen(self, what: str, which: int, age: int) -> None:
        """Changes the sources, and delivers the event."""
        author = AUTHORS[which % 2]
        event: Any
        if what == "publish":
            post = id_ms(self.clock.now() - timedelta(seconds=age)) << MS_BITS | len(self.posts)
            self.posts.append(post)
            event = self.sources.publish(post, author)
            self.sources.counts[post] = (0, 0)
            version = self.version(post)
        elif what in ("edit", "delete", "like", "count"):
            if not self.posts:
                return
            post = self.posts[which % len(self.posts)]
            if (fact := self.sources.published.get(post)) is None:
                return
            if what == "like":
                liked = post not in self.sources.liked[READER]
                (self.sources.liked[READER].add if liked else self.sources.liked[READER].discard)(post)
                version = self.sources.like_versions[READER][post] = self.version(("like", post))
                kind: Any = PostLiked if liked else PostUnliked
                names = {"post_id": post, "post_author_id": fact.author_id, "account_id": READER}
                event = kind.example().model_copy(update=names)
            elif what == "count":
                version = self.version(("counts", post))
                self.sources.counts[post] = (version, version)
                event = post_counted(post, fact.author_id, likes=version).data.model_copy(update={"comments": 0})
            elif what == "delete":
                self.sources.delete(post)
                version = self.version(post)
                event = post_deleted(post, fact.author_id).data
            else:
                version = self.sources.post_versions[post] = self.version(post)
                changes = {"caption": f"version {version}", "edited_at": self.clock.now()}
                fact = self.sources.published[post] = fact.model_copy(update=changes)
                event = PostEdited.example().model_copy(update=dict(fact))
        elif what == "rename":
            version = self.version(("name", author))
            self.sources.names[author] = f"name{version}"
            event = account(author, self.sources.names[author])
        else:
            version = self.version(("pair", author))
            kept = self.sources.following if what == "follow" else self.sources.muted
            begins = author not in kept[READER]
            kept[READER].pop(author, None)
            for relation in (self.sources.following, self.sources.muted):
                if author in relation[READER]:
                    relation[READER][author] = version
            if begins:
                kept[READER][author] = version
            self.sources.ended[READER][author] = version
            self.sources.followers[author] = [READER] if author in self.sources.following[READER] else []
            make: Any = {
                ("follow", True): user_followed,
                ("follow", False): user_unfollowed,
                ("mute", True): user_muted,
                ("mute", False): user_unmuted,
            }[what, begins]
            event = make(READER, author, version).data
        envelope = Envelope.of(event, entityversion=version, time=self.clock.now())
        self.log.append(envelope)
        await self.deliver(envelope)

    async def deliver(self, envelope: Envelope[Any]) -> None:
        await self.write_side.handle(envelope)
        self.tasks += self.write_side.tasks
        await self.write_side.execute_tasks()

    async def check(self, feed: FeedService) -> None:
        """Reads all pages, and compares them with the sources."""
        shown: dict[int, tuple[str, str, bool]] = {}
        position: Position | None = None
        while True:
            page = await feed.page(READER, "chronological", position, 4)
            for row in page.rows:
                static = json.loads(row.static)
                shown[int(row.post_id)] = static["caption"], row.username.decode(), row.liked == b"1"
            position = page.next
            if position is None:
                break
        visible = set(self.sources.following[READER]) - set(self.sources.muted[READER])
        expected = {
            post: (fact.caption, self.sources.names.get(fact.author_id, "first"), post in self.sources.liked[READER])
            for post, fact in self.sources.published.items()
            if fact.author_id in visible
        }
        assert shown == expected
        assert list(shown) == in_feed_order(expected)

        async def is_complete() -> bool:
            return await self.redis.zscore(keys.feed(READER), keys.COMPLETE) is not None

        await eventually(is_complete, within=10)
        assert await self.differences() == []

    async def differences(self) -> list[str]:
        """Compares all that Redis holds with all that was delivered."""
        held = await FeedHoldings(self.redis).read(0, 1)
        replay = Replay(held, CDN)
        for account_id in (READER, *AUTHORS):
            replay.apply(Envelope.of(account(account_id, "first"), entityversion=0))
        for envelope in self.log:
            replay.apply(envelope)
        compared, found = compare(held, replay)
        assert compared
        return list(map(str, found))


def account(account_id: int, username: str) -> AccountUpdated:
    changes = {"user_id": account_id, "username": username, "display_name": "", "avatar_url": None, "private": False}
    return AccountUpdated.example().model_copy(update=changes)


@pytest.fixture
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (timeline_cache, timeline_merger, posts):
        monkeypatch.setattr(module, "MAX_TIMELINE", _STEP)
    monkeypatch.setattr(timeline_merger, "_HEAD_POSTS", _STEP)
    monkeypatch.setattr(relations, "BACK_FILL_POSTS", _STEP)
    monkeypatch.setattr(rebuild, "FEED_POSTS", 2 * _STEP)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(history=steps)
@example(history=[("publish", 0, 0), ("delete", 0, 0), ("flush", 0, 0), ("again", 1, 0)])
@example(history=[("rename", 0, 0), ("rename", 0, 0), ("publish", 0, 0), ("flush", 0, 0), ("again", 1, 0)])
@example(history=[("publish", 0, 0), ("edit", 0, 0), ("flush", 0, 0), ("again", 1, 0)])
@example(history=[("publish", 0, 0), ("read", 0, 0), ("rename", 0, 0)])
@example(history=[("publish", 0, 0), ("count", 0, 0), ("flush", 0, 0), ("mute", 1, 0), ("wait", 0, 99), ("edit", 0, 0)])
@example(history=[("mute", 0, 0), ("publish", 0, 0), ("read", 0, 0), ("mute", 0, 0)])
async def test_feeds_are_right_whatever_comes_again(
    write_side: WriteSide, small_steps: None, history: list[Step]
) -> None:
    redis = write_side.redis
    await redis.flushdb()
    world = World(redis)
    async with open_feed_service(redis, world.sources, world.sources, cdn_url=CDN, clock=world.clock) as feed:
        await world.happen("follow", 0, 0)
        for what, which, seconds in history:
            world.clock.at += timedelta(milliseconds=7)
            if what == "again":
                await world.deliver(world.log[which % len(world.log)])
            elif what == "task again":
                if world.tasks:
                    await world.write_side.worker.execute(world.tasks[which % len(world.tasks)])
            elif what == "flush":
                await redis.flushdb()
            elif what == "wait":
                world.clock.at += timedelta(seconds=seconds)
            elif what == "read":
                await world.check(feed)
            else:
                await world.happen(what, which, seconds)
        await world.check(feed)

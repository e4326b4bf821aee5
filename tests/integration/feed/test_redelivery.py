"""Old events that come again, in any order, on a real Redis: before and after Redis was flushed, they change nothing.

The sources have the final state, as post and social-graph do.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from photomesh_feed.domain.order import MS_BITS, id_ms
from photomesh_feed.domain.pages import Gaps
from photomesh_feed.reading.hydration import Hydrator
from photomesh_feed.reading.rebuild import FeedRebuilder
from photomesh_feed.reading.timeline_merger import TimelineMerger
from photomesh_feed.store import keys
from photomesh_feed.store.filler import FeedFiller
from photomesh_feed.store.reader import FeedReader
from photomesh_shared.clock import SystemClock
from photomesh_shared.events import Envelope, PostLiked, PostUnliked
from tests.support.feed.events import post_counted, user_followed, user_muted, user_unfollowed, user_unmuted
from tests.support.feed.sources import InMemorySources
from tests.support.feed.write_side import WriteSide

READER, AUTHORS = 1, (2, 3)
PAST = datetime.now(UTC) - timedelta(hours=1)
POSTS = [(id_ms(PAST) + number) << MS_BITS for number in range(2)]


@dataclass
class History:
    """What happened, in order, and what post and social-graph have of it."""

    events: list[Envelope[Any]] = field(default_factory=list)
    sources: InMemorySources = field(default_factory=InMemorySources)


@st.composite
def histories(draw: st.DrawFn) -> History:
    history = History()
    sources = history.sources
    for author in AUTHORS:
        follows, mutes = False, False
        for version in range(1, 1 + draw(st.integers(0, 5))):
            if draw(st.booleans()):
                follows = not follows
                make: Any = user_followed if follows else user_unfollowed
            else:
                mutes = not mutes
                make = user_muted if mutes else user_unmuted
            history.events.append(make(READER, author, version))
            for kept, active in ((sources.following, follows), (sources.muted, mutes)):
                kept[READER].pop(author, None)
                if active:
                    kept[READER][author] = version
            sources.ended[READER][author] = version
    for post in POSTS:
        sources.publish(post, AUTHORS[0])
        names = {"post_id": post, "post_author_id": AUTHORS[0], "account_id": READER}
        for version in range(1, 1 + draw(st.integers(0, 4))):
            kind: Any = PostLiked if version % 2 else PostUnliked
            event = kind.example().model_copy(update=names)
            history.events.append(Envelope.of(event, entityversion=version, time=PAST + timedelta(seconds=version)))
            (sources.liked[READER].add if version % 2 else sources.liked[READER].discard)(post)
            sources.like_versions[READER][post] = version
        for version in range(1, 1 + draw(st.integers(0, 3))):
            likes = draw(st.integers(0, 99))
            history.events.append(post_counted(post, AUTHORS[0], version, likes=likes))
            sources.counts[post] = (likes, version)
    return history


async def read_feed(redis: Redis, sources: InMemorySources) -> None:
    """Loads what a read of a cold feed loads."""
    reader, filler = FeedReader(redis), FeedFiller(redis)
    await FeedRebuilder(filler, reader, sources, TimelineMerger(reader, filler, sources), SystemClock()).start(READER)
    await Hydrator(filler, sources, "http://cdn", SystemClock()).fill(READER, Gaps(POSTS, POSTS))


async def check(redis: Redis, sources: InMemorySources) -> None:
    following: Any = await redis.smembers(keys.following(READER))
    muted: Any = await redis.smembers(keys.muted(READER))
    assert {int(one) for one in following} == set(sources.following[READER])
    assert {int(one) for one in muted} == set(sources.muted[READER])
    for post in POSTS:
        state: Any = await redis.hget(keys.likes(READER), str(post))
        assert state[:1] == (b"+" if post in sources.liked[READER] else b"-")
        assert await redis.hget(keys.post(post), "lc") == str(sources.counts.get(post, (1, 0))[0]).encode()


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(history=histories(), data=st.data())
async def test_old_events_change_nothing(write_side: WriteSide, history: History, data: st.DataObject) -> None:
    redis, sources = write_side.redis, history.sources
    handlers = WriteSide(redis, sources)
    for _ in range(2):  # the second time, Redis was flushed
        await redis.flushdb()
        await read_feed(redis, sources)
        await check(redis, sources)
        if history.events:
            await handlers.handle(*data.draw(st.lists(st.sampled_from(history.events), max_size=12)))
        await check(redis, sources)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(history=histories(), data=st.data())
async def test_events_before_the_first_read_change_nothing(
    write_side: WriteSide, history: History, data: st.DataObject
) -> None:
    """Also counts of posts whose snapshot Redis does not have."""
    redis, sources = write_side.redis, history.sources
    await redis.flushdb()
    if history.events:
        await WriteSide(redis, sources).handle(*data.draw(st.lists(st.sampled_from(history.events), max_size=12)))
    await read_feed(redis, sources)
    await check(redis, sources)

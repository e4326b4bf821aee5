"""The tray's script against an oracle: it looks at few authors, and finds what looking at all would find."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from fakeredis import FakeAsyncRedis

from photomesh_shared.events import StoryPublished, StoryViewed
from photomesh_story.store.index import StoryIndex
from photomesh_story.stories.domain import Audience, moment_of
from tests.support.story.memory import MemoryIndex, Time

VIEWER, AUTHORS = 7, range(100, 160)


@pytest.fixture
async def indices() -> AsyncIterator[tuple[StoryIndex, MemoryIndex]]:
    time = Time()
    async with FakeAsyncRedis(version=(7,)) as redis:
        index = StoryIndex(redis, time.now_ms)
        assert await index.begin_building("tests")
        assert await index.finish_building("tests")
        yield index, MemoryIndex(time)


def _story(author: int, number: int, at_ms: int, audience: Audience) -> StoryPublished:
    published = moment_of(at_ms)
    changes = {
        "story_id": number,
        "author_id": author,
        "audience": str(audience),
        "published_at": published,
        "expires_at": published + timedelta(hours=24),
    }
    return StoryPublished.example().model_copy(update=changes)


@pytest.mark.parametrize("seed", range(6))
async def test_a_short_tray_is_the_beginning_of_a_long_one(indices: tuple[StoryIndex, MemoryIndex], seed: int) -> None:
    """Many stories end at the same moment, many are for close friends only, and any share of them was seen."""
    chance, number = random.Random(seed), 1_000
    real, oracle = indices
    share_seen, share_close = chance.random(), chance.random()
    for index in indices:
        await index.relation("follows", VIEWER, VIEWER + 1, 1, active=True)
    for author in AUTHORS:
        relations = [kind for kind in ("follows", "close_friends") if chance.random() < (0.8, 0.2)[kind != "follows"]]
        stories = []
        for _ in range(chance.randrange(4)):
            number += 1
            audience = Audience.CLOSE_FRIENDS if chance.random() < share_close else Audience.FOLLOWERS
            stories.append(_story(author, number, oracle.time.ms - 1_000 * chance.randrange(20), audience))
        seen = [story for story in stories if chance.random() < share_seen]
        for index in indices:
            for kind in relations:
                await index.relation(kind, VIEWER, author, 1, active=True)
            for story in stories:
                await index.published(story)
            for story in seen:
                of = {"story_id": story.story_id, "author_id": author, "viewer_id": VIEWER}
                await index.viewed(StoryViewed(**of, expires_at=story.expires_at, viewed_at=story.published_at))
    for limit in (1, 2, 5, 10, 30, 100):
        assert await real.tray(VIEWER, limit) == await oracle.tray(VIEWER, limit)

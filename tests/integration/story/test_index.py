"""Redis against an oracle, by random schedules of everything that can happen, under an injected clock."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest
from redis.asyncio import Redis

from photomesh_shared.events import StoryDeleted, StoryPublished, StoryViewed
from photomesh_story.store.index import StoryIndex
from photomesh_story.stories.domain import View, moment_of, ms_of
from tests.support.story.memory import MemoryIndex, Time

_STEPS = 150
_SEEDS = 8
_PEOPLE = range(101, 107)


@pytest.fixture
async def index(redis: Redis, administrator: Redis) -> tuple[StoryIndex, MemoryIndex]:
    await administrator.flushdb()
    time = Time()
    index = StoryIndex(redis, time.now_ms)
    await index.begin_building("tests")
    assert await index.finish_building("tests")
    return index, MemoryIndex(time)


def _story(author: int, number: int, at_ms: int, audience: str) -> StoryPublished:
    published = moment_of(at_ms)
    return StoryPublished.example().model_copy(
        update={
            "story_id": number,
            "author_id": author,
            "audience": audience,
            "published_at": published,
            "expires_at": published + timedelta(hours=24),
        }
    )


@pytest.mark.parametrize("seed", range(_SEEDS))
async def test_random_schedules(index: tuple[StoryIndex, MemoryIndex], seed: int) -> None:
    """Every event may come late, twice, or before what it follows from; time stops just before and at an expiry."""
    real, oracle = index
    chance = random.Random(seed)
    stories: list[StoryPublished] = []
    late: list[Any] = []

    async def apply(event: Any) -> None:
        for one in (real, oracle):
            match event:
                case StoryPublished():
                    await one.published(event)
                case StoryDeleted():
                    await one.deleted(event)
                case StoryViewed():
                    await one.viewed(event)
                case (kind, account, other, version, active):
                    await one.relation(kind, account, other, version, active=active)

    async def happens(event: Any) -> None:
        late.append(event)
        for _ in range(chance.choice((0, 1, 1, 1, 2))):
            await apply(event)
        if chance.random() < 0.3:
            await apply(chance.choice(late))

    async def compare() -> None:
        for viewer in _PEOPLE:
            assert await real.tray(viewer, 50) == await oracle.tray(viewer, 50)
            for author in _PEOPLE:
                found, expected = await real.stories_of(author, viewer), await oracle.stories_of(author, viewer)
                assert sorted(found) == sorted(expected)
        for story in chance.sample(stories, min(3, len(stories))):
            viewer = chance.choice(_PEOPLE)
            assert await real.standing(story, viewer) == await oracle.standing(story, viewer)
            for after in (None, *(await oracle.viewers(story.story_id, None, 2))[-1:]):
                found_views = await real.viewers(story.story_id, after, 3)
                assert found_views == await oracle.viewers(story.story_id, after, 3)
        assert await real.views([one.story_id for one in stories]) == await oracle.views(
            [one.story_id for one in stories]
        )

    for step in range(_STEPS):
        match chance.choice(("publish", "publish", "view", "view", "delete", "relate", "relate", "time")):
            case "publish":
                audience = chance.choice(("followers", "followers", "close_friends"))
                stories.append(_story(chance.choice(_PEOPLE), 10_000 + step, oracle.time.ms, audience))
                await happens(stories[-1])
                oracle.time.ms += 1
            case "view" if stories:
                story = chance.choice(stories)
                at = moment_of(oracle.time.ms + chance.randrange(5))
                of = {"story_id": story.story_id, "author_id": story.author_id, "viewer_id": chance.choice(_PEOPLE)}
                await happens(StoryViewed(**of, expires_at=story.expires_at, viewed_at=at))
            case "delete" if stories:
                story = chance.choice(stories)
                deleted = StoryDeleted(
                    story_id=story.story_id,
                    author_id=story.author_id,
                    audience=story.audience,
                    expires_at=story.expires_at,
                    deleted_at=moment_of(oracle.time.ms),
                )
                await happens(deleted)
            case "relate":
                account, other = chance.sample(_PEOPLE, 2)
                kind = chance.choice(("follows", "follows", "close_friends"))
                await happens((kind, account, other, step, chance.random() < 0.7))
            case "time":
                ends = sorted(end for story in stories if (end := ms_of(story.expires_at)) > oracle.time.ms)
                later = oracle.time.ms + chance.randrange(8 * 3_600_000)
                oracle.time.ms = chance.choice([later, *(end + chance.choice((-1, 0, 1)) for end in ends[:3])])
        if step % 6 == 0:
            await compare()
    await compare()


async def test_work_is_taken_by_one_and_comes_back_after_its_lease(index: tuple[StoryIndex, MemoryIndex]) -> None:
    real, oracle = index
    story = _story(101, 7, oracle.time.ms, "followers")
    await real.published(story)
    oracle.time.ms = ms_of(story.expires_at) - 1
    assert await real.due(10, 60_000) == []
    oracle.time.ms += 1
    assert await real.due(10, 60_000) == [7]
    assert await real.due(10, 60_000) == []
    oracle.time.ms += 60_000
    assert await real.due(10, 60_000) == [7]
    await real.done(7)
    oracle.time.ms += 60_000
    assert await real.due(10, 60_000) == []


async def test_an_author_of_every_day_leaves_no_more_than_some_days(
    index: tuple[StoryIndex, MemoryIndex], administrator: Redis
) -> None:
    real, oracle = index
    ada = 101
    for day in range(10):
        story = _story(ada, 10 + 2 * day, oracle.time.ms, "followers")
        other = _story(ada, 11 + 2 * day, oracle.time.ms, "close_friends")
        for one in (story, other):
            await real.published(one)
        deleted = {key: getattr(other, key) for key in ("story_id", "author_id", "audience", "expires_at")}
        await real.deleted(StoryDeleted.example().model_copy(update=deleted))
        assert [one.story_id for one in await real.stories_of(ada, ada)] == [story.story_id]
        oracle.time.ms += 86_400_000
    assert await administrator.zcard(f"st:a:{ada}") <= 2 * 5


async def test_an_account_is_forgotten(index: tuple[StoryIndex, MemoryIndex], administrator: Redis) -> None:
    real, oracle = index
    ada, grace = 101, 102
    mine, others = _story(ada, 7, oracle.time.ms, "followers"), _story(grace, 8, oracle.time.ms, "followers")
    for story, viewer in ((mine, grace), (others, ada)):
        await real.published(story)
        await real.relation("follows", viewer, story.author_id, 1, active=True)
        await real.relation("close_friends", viewer, story.author_id, 1, active=True)
        view = StoryViewed.example().model_copy(
            update={"story_id": story.story_id, "author_id": story.author_id, "viewer_id": viewer}
        )
        await real.viewed(view)
    await real.forget(ada, [7])
    assert await real.views([7, 8]) == {7: 0, 8: 0}
    assert await administrator.keys(f"st:*:{ada}") == []
    assert await real.tray(grace, 10) == [(grace, 8, ms_of(others.expires_at), False, False)]


async def test_time_is_that_of_redis(redis: Redis, index: object) -> None:
    seconds, microseconds = await redis.time()
    before = seconds * 1000 + microseconds // 1000
    now = await StoryIndex(redis).now_ms()
    assert before <= now < before + 60_000


async def test_a_story_with_many_viewers_keeps_the_latest_and_those_whom_the_author_follows(
    redis: Redis, administrator: Redis
) -> None:
    await administrator.flushdb()
    time = Time()
    index = StoryIndex(redis, time.now_ms, most_viewers=50)
    await index.begin_building("tests")
    assert await index.finish_building("tests")
    ada, friends = 101, [1_003, 1_007, 1_900]
    story = _story(ada, 7, time.ms, "followers")
    await index.published(story)
    for friend in friends:
        await index.relation("follows", ada, friend, 1, active=True)

    def view(viewer: int) -> StoryViewed:
        return StoryViewed(
            story_id=7,
            author_id=ada,
            viewer_id=viewer,
            expires_at=story.expires_at,
            viewed_at=moment_of(time.ms + viewer),
        )

    viewers = list(range(1_000, 2_000))
    for count, viewer in enumerate(viewers, start=1):
        await index.viewed(view(viewer))
        if count == 50:
            assert await index.views([7]) == {7: 50}
    expected = [*reversed(viewers[-50:]), *(one for one in reversed(friends) if one < viewers[-50])]

    async def listed() -> list[int]:
        found: list[View] = []
        while page := await index.viewers(7, found[-1] if found else None, 20):
            found += page
        return [one.viewer_id for one in found]

    assert await listed() == expected
    assert abs((await index.views([7]))[7] - len(viewers)) <= 40  # of 1,000: five times the standard error
    # Whatever comes late or again changes nothing, and is no further row.
    chance = random.Random(7)
    for viewer in chance.sample(viewers, 300):
        await index.viewed(view(viewer))
    assert await listed() == expected
    assert await administrator.zcard("st:v:7") == 50
    assert await administrator.zcard("st:vf:7") == len(expected) - 50
    assert (await index.standing(story, 1_003)).viewed
    assert not (await index.standing(story, 1_004)).viewed
    await index.forget(1_003, [])
    assert 1_003 not in await listed()
    deleted = {key: getattr(story, key) for key in ("story_id", "author_id", "audience", "expires_at")}
    await index.deleted(StoryDeleted.example().model_copy(update=deleted))
    assert await administrator.keys("st:v*:7") == []
    assert await index.views([7]) == {7: 0}

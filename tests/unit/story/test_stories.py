"""Publishing, seeing and deleting stories, over stores in memory and an injected clock."""

from __future__ import annotations

from collections.abc import Awaitable

import pytest

from photomesh_shared.errors import Problem, Unavailable
from photomesh_shared.events import StoryDeleted, StoryPublished, StoryViewed
from photomesh_story.errors import NoPhotoForStory, PhotoHadItsStory, StoryNotFound, TooManyStories
from photomesh_story.stories.domain import LIFETIME, MAX_A_DAY, Audience
from tests.support.story.scene import ADA, GRACE, LINUS, Scene


@pytest.fixture
async def scene() -> Scene:
    scene = Scene()
    await scene.follow(GRACE, ADA)
    return scene


async def refused(call: Awaitable[object], problem: type[Problem]) -> Problem:
    with pytest.raises(problem) as caught:
        await call
    return caught.value


async def test_a_follower_sees_a_story_for_24_hours_and_not_a_millisecond_longer(scene: Scene) -> None:
    story = await scene.publish(ADA)
    assert await scene.tray(GRACE) == [(ADA, story.story_id, True)]
    scene.time.ms += 24 * 3_600_000 - 1
    assert await scene.sees(GRACE, ADA) == [story.story_id]
    await scene.service.see(GRACE, story.story_id)
    scene.time.ms += 1
    assert (await scene.tray(GRACE), await scene.sees(GRACE, ADA), await scene.tray(ADA)) == ([], [], [])
    for viewer in (GRACE, ADA):
        await refused(scene.service.see(viewer, story.story_id), StoryNotFound)
    await refused(scene.queries.viewers(ADA, story.story_id, None, 10), StoryNotFound)


async def test_only_followers_see_a_story(scene: Scene) -> None:
    story = await scene.publish(ADA)
    assert (await scene.tray(LINUS), await scene.sees(LINUS, ADA)) == ([], [])
    await refused(scene.service.see(LINUS, story.story_id), StoryNotFound)
    await refused(scene.service.see(LINUS, 12345), StoryNotFound)
    scene.accounts.follows.discard((GRACE, ADA))  # post knows it at once, the copy of follows a moment later
    assert (await scene.tray(GRACE), await scene.sees(GRACE, ADA)) == ([], [])
    await refused(scene.service.see(GRACE, story.story_id), StoryNotFound)


async def test_a_block_and_a_hidden_author_hide_stories(scene: Scene) -> None:
    story = await scene.publish(ADA)
    scene.accounts.apart.add((ADA, GRACE))
    assert (await scene.tray(GRACE), await scene.sees(GRACE, ADA)) == ([], [])
    await refused(scene.service.see(GRACE, story.story_id), StoryNotFound)
    scene.accounts.apart.clear()
    scene.accounts.hidden.add(ADA)
    assert (await scene.tray(GRACE), await scene.sees(GRACE, ADA)) == ([], [])
    await refused(scene.service.see(GRACE, story.story_id), StoryNotFound)


async def test_close_friends_see_what_others_do_not(scene: Scene) -> None:
    await scene.follow(LINUS, ADA)
    await scene.befriend(ADA, GRACE)
    for_all = await scene.publish(ADA)
    scene.wait(minutes=1)
    closer = await scene.publish(ADA, Audience.CLOSE_FRIENDS)
    assert await scene.tray(GRACE) == [(ADA, closer.story_id, True)]
    assert await scene.tray(LINUS) == [(ADA, for_all.story_id, True)]
    assert await scene.sees(GRACE, ADA) == [for_all.story_id, closer.story_id]
    assert await scene.sees(LINUS, ADA) == [for_all.story_id]
    await refused(scene.service.see(LINUS, closer.story_id), StoryNotFound)
    await scene.befriend(ADA, GRACE, 2, active=False)
    assert await scene.sees(GRACE, ADA) == [for_all.story_id]


async def test_the_tray_has_oneself_then_the_unseen_then_the_seen(scene: Scene) -> None:
    authors = [2_001, 2_002, 2_003]
    stories = {}
    for author in authors:
        await scene.follow(GRACE, author)
        stories[author] = (await scene.publish(author)).story_id
        scene.wait(minutes=1)
    own = await scene.publish(GRACE)
    await scene.befriend(2_001, GRACE)
    closest = await scene.publish(2_001, Audience.CLOSE_FRIENDS)
    await scene.service.see(GRACE, stories[2_003])
    assert await scene.tray(GRACE) == [
        (GRACE, own.story_id, False),
        (2_001, closest.story_id, True),
        (2_002, stories[2_002], True),
        (2_003, stories[2_003], False),
    ]


async def test_a_view_counts_once_and_marks_earlier_stories_as_seen(scene: Scene) -> None:
    first = await scene.publish(ADA)
    scene.wait(minutes=1)
    second = await scene.publish(ADA)
    for _ in range(3):
        await scene.service.see(GRACE, second.story_id)
    await scene.service.see(ADA, second.story_id)
    assert await scene.queries.view_counts(ADA, [first, second]) == {first.story_id: 0, second.story_id: 1}
    assert await scene.tray(GRACE) == [(ADA, second.story_id, False)]
    assert [one.unseen for one in await scene.queries.stories_of(GRACE, ADA)] == [False, False]
    scene.wait(minutes=1)
    third = await scene.publish(ADA)
    assert await scene.sees(GRACE, ADA) == [third.story_id, first.story_id, second.story_id]
    assert scene.publisher.types().count("viewed") == 1
    assert await scene.queries.view_counts(GRACE, [second]) == {}


async def test_viewers_are_for_the_author_alone_and_pages_do_not_repeat(scene: Scene) -> None:
    story = await scene.publish(ADA)
    viewers = list(range(3_000, 3_025))
    for viewer in viewers:
        await scene.follow(viewer, ADA)
        await scene.service.see(viewer, story.story_id)
        scene.time.ms += 1
    scene.accounts.apart.add((ADA, 3_007))
    await refused(scene.queries.viewers(GRACE, story.story_id, None, 10), StoryNotFound)
    after, found = None, []
    while True:
        page, after = await scene.queries.viewers(ADA, story.story_id, after, 10)
        found += [account.id for account, _ in page]
        if after is None:
            break
    assert found == [viewer for viewer in reversed(viewers) if viewer != 3_007]


async def test_publishing_again_returns_the_story_that_exists(scene: Scene) -> None:
    photo_id = await scene.photo(ADA)
    first = await scene.service.publish(ADA, photo_id, Audience.FOLLOWERS, "a lake")
    scene.wait(minutes=5)
    assert await scene.service.publish(ADA, photo_id, Audience.FOLLOWERS, "a lake") == first
    assert scene.publisher.types() == ["published"]
    await scene.service.delete(ADA, photo_id)
    await refused(scene.service.publish(ADA, photo_id, Audience.FOLLOWERS, None), PhotoHadItsStory)


@pytest.mark.parametrize("in_log", [True, False])
async def test_a_lost_answer_of_the_log_makes_no_second_story(scene: Scene, *, in_log: bool) -> None:
    photo_id = await scene.photo(ADA)
    scene.publisher.lost = [in_log]
    await refused(scene.service.publish(ADA, photo_id, Audience.FOLLOWERS, None), Unavailable)
    began = scene.now
    scene.wait(minutes=2)
    story = await scene.service.publish(ADA, photo_id, Audience.FOLLOWERS, None)
    assert (story.published_at, story.expires_at) == (began, began + LIFETIME)
    events = [envelope.data for envelope in scene.publisher.events]
    assert events == [story] * (2 if in_log else 1)
    assert len(scene.bytes.public) == len(story.variants)


async def test_an_attempt_whose_day_is_over_cannot_be_repeated(scene: Scene) -> None:
    photo_id = await scene.photo(ADA)
    scene.publisher.lost = [False]
    await refused(scene.service.publish(ADA, photo_id, Audience.FOLLOWERS, None), Unavailable)
    scene.wait(hours=24)
    await refused(scene.service.publish(ADA, photo_id, Audience.FOLLOWERS, None), PhotoHadItsStory)


async def test_photos_of_others_and_unknown_ones_are_refused_alike(scene: Scene) -> None:
    others = await scene.photo(GRACE)
    for photo_id in (others, scene.new_photo(ADA).photo_id):
        problem = await refused(scene.service.publish(ADA, photo_id, Audience.FOLLOWERS, None), NoPhotoForStory)
        assert (problem.headers["Retry-After"], problem.extensions) == ("1", {"retryable": True})
    scene.wait(days=2)
    problem = await refused(scene.service.publish(ADA, others, Audience.FOLLOWERS, None), NoPhotoForStory)
    assert not problem.headers


async def test_a_hundred_stories_a_day_and_deleting_frees_none(scene: Scene) -> None:
    for _ in range(MAX_A_DAY):
        story = await scene.publish(ADA)
    await scene.service.delete(ADA, story.story_id)
    await refused(scene.publish(ADA), TooManyStories)
    scene.wait(hours=24)
    await scene.publish(ADA)


async def test_deleting_is_the_authors_and_final(scene: Scene) -> None:
    first = await scene.publish(ADA)
    scene.wait(minutes=1)
    second = await scene.publish(ADA)
    await scene.service.see(GRACE, second.story_id)
    await refused(scene.service.delete(GRACE, second.story_id), StoryNotFound)
    for _ in range(2):
        await scene.service.delete(ADA, second.story_id)
    assert scene.publisher.types().count("deleted") == 1
    assert await scene.sees(GRACE, ADA) == [first.story_id]
    await refused(scene.service.see(GRACE, second.story_id), StoryNotFound)
    await scene.replay()  # the whole log, from the publication on
    assert await scene.sees(GRACE, ADA) == [first.story_id]
    assert [type(one.data) for one in scene.publisher.events] == [
        StoryPublished,
        StoryPublished,
        StoryViewed,
        StoryDeleted,
    ]

"""Photos for stories of which no story was made in time."""

from __future__ import annotations

from datetime import timedelta

import pytest

from photomesh_shared.events import FOR_POSTS, FOR_STORIES, Envelope, PhotoRetentionElapsed
from photomesh_story.errors import PhotoHadItsStory
from photomesh_story.stories.domain import Audience
from tests.support.story.scene import ADA, Scene


async def elapsed(scene: Scene, photo_id: int, *, purpose: str = FOR_STORIES, stage: str = "unused") -> None:
    event = PhotoRetentionElapsed.example().model_copy(
        update={"photo_id": photo_id, "owner_id": ADA, "purpose": purpose, "stage": stage}
    )
    await scene.handlers.retention_elapsed(Envelope.of(event, entityversion=1, time=scene.time.now()))


async def test_a_photo_without_a_story_is_removed_and_gets_none_any_more() -> None:
    scene = Scene()
    photo_id = await scene.photo(ADA)
    for other in ({"stage": "unusable"}, {"purpose": FOR_POSTS}):
        await elapsed(scene, photo_id, **other)
    assert scene.bytes.forgotten == []
    for _ in range(2):
        await elapsed(scene, photo_id)
    assert set(scene.bytes.forgotten) == {photo_id}
    with pytest.raises(PhotoHadItsStory):
        await scene.service.publish(ADA, photo_id, Audience.FOLLOWERS, None)
    assert scene.bytes.public == {}


async def test_that_of_a_story_is_left_to_it_and_then_to_the_archive() -> None:
    scene = Scene()
    story = await scene.publish(ADA)
    await elapsed(scene, story.photo_id)
    assert scene.bytes.forgotten == []
    scene.time.ms += int(timedelta(hours=25).total_seconds() * 1000)
    for _ in range(2):
        await elapsed(scene, story.photo_id)
        assert scene.bytes.forgotten == []
        await scene.sweeper.sweep()
    await scene.service.delete(ADA, story.story_id)
    await scene.sweeper.sweep()
    assert scene.bytes.forgotten == [story.photo_id]


async def test_a_story_ends_at_a_whole_second_which_is_what_the_cdn_compares() -> None:
    scene = Scene()
    scene.time.ms += 345
    story = await scene.publish(ADA)
    assert story.expires_at.microsecond == 0
    assert timedelta(hours=24) - timedelta(seconds=1) < story.expires_at - story.published_at <= timedelta(hours=24)

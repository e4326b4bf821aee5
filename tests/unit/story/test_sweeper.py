"""What becomes of a story's bytes."""

from __future__ import annotations

from photomesh_shared.events import AccountErasureRequested, Envelope, StoryExpired
from tests.support.story.scene import ADA, GRACE, LINUS, Scene


async def expired(scene: Scene) -> list[tuple[int, int]]:
    return [
        (event.data.story_id, event.data.views)
        for event in scene.publisher.events
        if isinstance(event.data, StoryExpired)
    ]


async def test_bytes_stay_until_the_story_is_over() -> None:
    scene = Scene()
    await scene.follow(GRACE, ADA)
    story = await scene.publish(ADA)
    await scene.service.see(GRACE, story.story_id)
    scene.time.ms += 24 * 3_600_000 - 1
    assert await scene.sweeper.sweep() == 0
    assert len(scene.bytes.public) == len(story.variants)
    scene.time.ms += 1
    assert await scene.sweeper.sweep() == 1
    assert (scene.bytes.public, scene.bytes.forgotten) == ({}, []), "its photo is in the archive"
    assert await expired(scene) == [(story.story_id, 1)]
    assert await scene.sweeper.sweep() == 0


async def test_bytes_of_a_deleted_story_go_at_once_and_nobody_is_told_that_it_expired() -> None:
    scene = Scene()
    story = await scene.publish(ADA)
    await scene.service.delete(ADA, story.story_id)
    assert await scene.sweeper.sweep() == 1
    assert (scene.bytes.public, await expired(scene)) == ({}, [])


async def test_storage_that_is_away_delays_the_end_and_nothing_is_lost() -> None:
    scene = Scene()
    stories = [await scene.publish(author) for author in (ADA, GRACE)]
    scene.wait(hours=24)
    scene.bytes.away = True
    assert await scene.sweeper.sweep() == 2
    assert await scene.sweeper.sweep() == 0  # they are tried again after a minute
    assert await expired(scene) == []
    scene.bytes.away = False
    scene.wait(seconds=60)
    assert await scene.sweeper.sweep() == 2
    assert sorted(await expired(scene)) == sorted((story.story_id, 0) for story in stories)
    assert scene.bytes.public == {}


async def test_a_replay_announces_no_end_twice() -> None:
    scene = Scene()
    await scene.publish(ADA)
    scene.wait(hours=25)
    await scene.sweeper.sweep()
    await scene.replay()
    await scene.sweeper.sweep()
    assert len(await expired(scene)) == 1


async def test_what_was_put_back_into_the_queue_too_early_waits_for_its_time() -> None:
    scene = Scene()
    story = await scene.publish(ADA)
    await scene.index.due_again(story.story_id, 0)
    assert await scene.sweeper.sweep() == 1
    assert len(scene.bytes.public) == len(story.variants)
    scene.wait(hours=24)
    await scene.sweeper.sweep()
    assert scene.bytes.public == {}


async def test_an_erased_account_leaves_nothing() -> None:
    scene = Scene()
    await scene.follow(GRACE, ADA)
    await scene.follow(ADA, LINUS)
    mine, others = await scene.publish(ADA), await scene.publish(LINUS)
    unused = await scene.photo(ADA)
    await scene.service.see(GRACE, mine.story_id)
    await scene.service.see(ADA, others.story_id)
    request = AccountErasureRequested.example().model_copy(update={"user_id": ADA})
    envelope = Envelope.of(request, entityversion=1)
    for _ in range(2):
        erased = await scene.eraser.erase(envelope)
    assert {kept.what.partition(" (")[0] for kept in erased.keeps} >= {"stories, views and replies"}
    assert set(scene.bytes.public) == {variant.key for variant in others.variants}
    assert set(scene.bytes.forgotten) == {mine.photo_id, unused}
    assert await scene.queries.view_count(others.story_id) == 0
    assert (await scene.sees(GRACE, ADA), await scene.tables.story_ids_of(ADA)) == ([], [])
    assert await scene.tables.is_ended(ADA)
    assert scene.publisher.types().count("deleted") == 1

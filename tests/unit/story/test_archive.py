"""The archive and highlights, over stores in memory and an injected clock."""

from __future__ import annotations

import pytest

from photomesh_shared.errors import Unavailable
from photomesh_shared.events import AccountErasureRequested, Envelope, PhotoReady, StoryPublished
from photomesh_shared.internal_api.export import ExportQuery
from photomesh_story.archive.domain import MAX_TITLE, Highlight, checked_title
from photomesh_story.errors import HighlightNotFound, NotInArchive, StoryNotFound
from photomesh_story.stories.domain import Audience
from photomesh_story.stories.exports import ExportQueries
from tests.support.story.scene import ADA, GRACE, LINUS, Scene


@pytest.fixture
async def scene() -> Scene:
    scene = Scene()
    await scene.follow(GRACE, ADA)
    return scene


async def over(scene: Scene, count: int = 1, audience: Audience = Audience.FOLLOWERS) -> list[StoryPublished]:
    """Stories of Ada's that are in her archive."""
    stories = []
    for _ in range(count):
        stories.append(await scene.publish(ADA, audience))
        scene.wait(minutes=1)
    scene.wait(hours=24)
    await scene.sweeper.sweep()
    return stories


async def archived(scene: Scene, account: int) -> list[int]:
    found, _ = await scene.archive_queries.archive(account, None, 100)
    return [one.story.story_id for one, _ in found]


async def shown(scene: Scene, viewer: int, number: int = 1) -> list[int]:
    found = await scene.archive_queries.highlight(viewer, ADA, number)
    return [one.story.story_id for one in found.stories]


async def test_stories_that_are_over_are_their_authors_alone(scene: Scene) -> None:
    first, second = await over(scene, 2)
    assert await archived(scene, ADA) == [second.story_id, first.story_id]
    assert await archived(scene, GRACE) == []
    assert (scene.bytes.public, scene.bytes.forgotten) == ({}, [])
    page, last = await scene.archive_queries.archive(ADA, None, 1)
    assert ([one.story.story_id for one, _ in page], last) == ([second.story_id], second.story_id)
    [(one, urls)] = (await scene.archive_queries.archive(ADA, last, 1))[0]
    assert one.story == first
    assert all(url.endswith("?signed") for url in urls.values())


async def test_whoever_wants_no_archive_keeps_nothing(scene: Scene) -> None:
    [kept] = await over(scene)
    await scene.highlights.archive_from_now(ADA, wanted=False)
    [gone] = await over(scene)
    assert await archived(scene, ADA) == [kept.story_id]
    assert scene.bytes.forgotten == [gone.photo_id]


async def test_a_story_is_deleted_from_the_archive_with_its_bytes(scene: Scene) -> None:
    story, other = await over(scene, 2)
    await scene.highlights.write(ADA, Highlight(1, "Lakes", (story.story_id, other.story_id)))
    with pytest.raises(StoryNotFound):
        await scene.service.delete(GRACE, story.story_id)
    del scene.tables.rows[story.story_id]  # which Cassandra does after five days
    await scene.service.delete(ADA, story.story_id)
    assert await archived(scene, ADA) == [other.story_id]
    assert await shown(scene, GRACE) == [other.story_id]
    await scene.sweeper.sweep()
    assert scene.bytes.forgotten == [story.photo_id]
    assert len(scene.bytes.highlighted) == len(other.variants)
    await scene.service.delete(ADA, story.story_id)
    await scene.replay()
    await scene.sweeper.sweep()
    assert await archived(scene, ADA) == [other.story_id]


async def test_a_story_that_is_deleted_while_it_is_swept_is_in_no_archive(scene: Scene) -> None:
    story = await scene.publish(ADA)
    scene.wait(hours=24)
    add = scene.archive.add

    async def deleted_meanwhile(story: StoryPublished, photo: PhotoReady) -> None:
        await scene.service.delete(ADA, story.story_id)
        await add(story, photo)

    scene.archive.add = deleted_meanwhile  # type: ignore[method-assign]
    await scene.sweeper.sweep()
    assert await archived(scene, ADA) == []
    assert set(scene.bytes.forgotten) == {story.photo_id}


async def test_a_story_that_is_deleted_right_after_it_was_archived_is_swept_again(scene: Scene) -> None:
    story = await scene.publish(ADA)
    scene.wait(hours=24)
    done = scene.index.done

    async def deleted_meanwhile(story_id: int) -> None:
        if not scene.tables.deleted_ids:
            await scene.service.delete(ADA, story_id)
        await done(story_id)

    scene.index.done = deleted_meanwhile  # type: ignore[method-assign]
    await scene.sweeper.sweep()
    await scene.sweeper.sweep()
    assert await archived(scene, ADA) == []
    assert set(scene.bytes.forgotten) == {story.photo_id}


async def test_a_highlight_is_for_those_who_see_the_profile(scene: Scene) -> None:
    first, second = await over(scene, 2)
    await scene.highlights.write(ADA, Highlight(2, "Lakes", (second.story_id, first.story_id)))
    for viewer in (ADA, GRACE, LINUS):
        assert await shown(scene, viewer, 2) == [second.story_id, first.story_id]
        [entry] = await scene.archive_queries.highlights(viewer, ADA)
        assert (entry.highlight.title, entry.stories[0].story.story_id) == ("Lakes", second.story_id)
    scene.accounts.private.add(ADA)
    assert await shown(scene, GRACE, 2) == [second.story_id, first.story_id]

    async def nothing() -> None:
        assert await scene.archive_queries.highlights(LINUS, ADA) == []
        with pytest.raises(HighlightNotFound):
            await shown(scene, LINUS, 2)

    await nothing()
    scene.accounts.private.clear()
    scene.accounts.apart.add((ADA, LINUS))
    await nothing()
    with pytest.raises(HighlightNotFound):
        await shown(scene, GRACE, 1)


async def test_only_own_stories_that_are_over_and_were_for_all_followers_are_highlighted(scene: Scene) -> None:
    [closer] = await over(scene, audience=Audience.CLOSE_FRIENDS)
    running = await scene.publish(ADA)
    for story_id in (closer.story_id, running.story_id, 12_345):
        with pytest.raises(NotInArchive):
            await scene.highlights.write(ADA, Highlight(1, "Lakes", (story_id,)))
    [mine] = await over(scene)
    with pytest.raises(NotInArchive):
        await scene.highlights.write(GRACE, Highlight(1, "Stolen", (mine.story_id,)))
    assert scene.bytes.highlighted == set()


async def test_copies_go_when_no_highlight_has_the_story_and_come_back_under_other_keys(scene: Scene) -> None:
    first, second = await over(scene, 2)
    for number in (1, 2):
        await scene.highlights.write(ADA, Highlight(number, "Lakes", (first.story_id, second.story_id)))
    before = set(scene.bytes.highlighted)
    assert len(before) == 2 * len(first.variants)
    await scene.highlights.write(ADA, Highlight(1, "Lake", (second.story_id,)))
    assert scene.bytes.highlighted == before
    for _ in range(2):
        await scene.highlights.remove(ADA, 2)
    assert len(scene.bytes.highlighted) == len(second.variants)
    await scene.highlights.write(ADA, Highlight(1, "Lake", (first.story_id,)))
    assert not scene.bytes.highlighted & before


async def test_a_cdn_that_is_away_hides_nothing_by_half(scene: Scene) -> None:
    [story] = await over(scene)
    await scene.highlights.write(ADA, Highlight(1, "Lakes", (story.story_id,)))
    scene.bytes.away = True
    with pytest.raises(Unavailable):
        await scene.highlights.remove(ADA, 1)
    assert await shown(scene, GRACE) == [story.story_id]
    scene.bytes.away = False
    await scene.highlights.remove(ADA, 1)
    assert scene.bytes.highlighted == set()


async def test_erasure_leaves_neither_archive_nor_highlights(scene: Scene) -> None:
    stories = await over(scene, 2)
    await scene.highlights.write(ADA, Highlight(1, "Lakes", tuple(one.story_id for one in stories)))
    scene.tables.rows.clear()
    event = AccountErasureRequested.example().model_copy(update={"user_id": ADA})
    for _ in range(2):
        await scene.eraser.erase(Envelope.of(event, entityversion=1, time=scene.now))
    assert set(scene.bytes.forgotten) == {one.photo_id for one in stories}
    assert (scene.bytes.highlighted, scene.archive.rows, scene.archive.shown) == (set(), {}, {})


async def test_an_export_has_the_archive_by_pages_and_highlights_once(scene: Scene) -> None:
    stories = await over(scene, 3)
    await scene.highlights.write(ADA, Highlight(1, "Lakes", (stories[0].story_id,)))
    exports = ExportQueries(scene.tables, scene.index, scene.replies, scene.archive)
    items, cursor = [], None
    while True:
        page = await exports.page(ADA, ExportQuery(section="story_archive", cursor=cursor, limit=2))
        items += page.items
        if (cursor := page.next_cursor) is None:
            break
    assert [one["what"] for one in items].count("archived") == 3
    assert [one["title"] for one in items if one["what"] == "highlight"] == ["Lakes"]
    assert [one["archive"] for one in items if one["what"] == "settings"] == [True]


@pytest.mark.parametrize("title", ["", " ", "two\nlines", "x" * (MAX_TITLE + 1), "\u202eLakes"])
def test_titles_that_cannot_be_shown_are_refused(title: str) -> None:
    with pytest.raises(ValueError):
        checked_title(title)

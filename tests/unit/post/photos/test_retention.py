"""Photos that no post uses are erased; one that a post claims meanwhile never is."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from photomesh_post.errors import PhotoForStory, PhotoInUse, PhotoNotFound, UnknownPhoto
from photomesh_shared import failpoints
from photomesh_shared.errors import Unavailable
from photomesh_shared.failpoints import FailpointReached
from tests.support.post.in_memory_service import InMemoryService
from tests.support.post.memory_posts import MemoryPhotos
from tests.support.post.sample_events import (
    ADA,
    account,
    failed,
    ready,
    ready_for_story,
    rejected,
    retention_elapsed,
    uploaded,
)


@pytest.fixture
async def service() -> InMemoryService:
    service = InMemoryService()
    await service.consume(account(ADA))
    return service


@pytest.fixture
def crash_at() -> Iterator[None]:
    yield
    failpoints.configure({})


async def is_erased(service: InMemoryService, photo_id: int) -> bool:
    if photo_id not in service.objects.removed:
        return False
    with pytest.raises(PhotoNotFound):
        await service.photo_queries.photo(ADA, photo_id)
    return True


async def test_a_photo_that_no_post_uses_is_erased_after_a_month(service: InMemoryService) -> None:
    photo = await service.ready_photo()
    await service.consume(retention_elapsed(photo, "unusable"))
    assert not await is_erased(service, photo)
    await service.consume(retention_elapsed(photo))
    assert await is_erased(service, photo)
    assert service.cdn.purged
    with pytest.raises(UnknownPhoto):
        await service.create_post(photo)


@pytest.mark.parametrize("make", [rejected, failed])
async def test_a_photo_that_cannot_be_posted_is_erased_after_a_week(service: InMemoryService, make: type) -> None:
    photo = service.ids.next()
    await service.consume(uploaded(photo), make(photo), retention_elapsed(photo, "unusable"))
    assert await is_erased(service, photo)


async def test_what_a_post_uses_stays(service: InMemoryService) -> None:
    used, unposted, processing = await service.ready_photo(), await service.ready_photo(), service.ids.next()
    await service.consume(uploaded(processing))
    await service.create_post(used)
    waiting = await service.create_post(unposted, processing)  # not published yet
    for photo in (used, unposted, processing):
        await service.consume(retention_elapsed(photo))
    assert service.objects.removed == []
    await service.consume(ready(processing))
    assert (await service.post_queries.post(ADA, waiting)).post.is_published


async def test_a_photo_of_a_post_that_failed_is_unused(service: InMemoryService) -> None:
    good, bad = await service.ready_photo(), service.ids.next()
    await service.consume(uploaded(bad))
    await service.create_post(good, bad)
    await service.consume(rejected(bad), retention_elapsed(good), retention_elapsed(bad))
    assert await is_erased(service, good)
    assert await is_erased(service, bad)


async def test_a_photo_for_stories_is_left_to_them_and_forgotten_here(service: InMemoryService) -> None:
    photo, bad = service.ids.next(), service.ids.next()
    await service.consume(uploaded(photo, purpose="story"), ready_for_story(photo), uploaded(bad, purpose="story"))
    await service.consume(rejected(bad), retention_elapsed(photo, "unusable"))
    view = await service.photo_queries.photo(ADA, photo)
    assert (view.photo.purpose, view.photo.variants) == ("story", ())
    await service.consume(retention_elapsed(photo), retention_elapsed(bad, "unusable"))
    assert service.objects.removed == [bad]  # its original, which no story can have
    assert await MemoryPhotos(service.tables).photo(photo) is None


async def test_a_post_cannot_have_a_photo_for_stories(service: InMemoryService) -> None:
    for known in ((), (ready_for_story,)):
        photo = service.ids.next()
        await service.consume(uploaded(photo, purpose="story"), *(event(photo) for event in known))
        with pytest.raises(PhotoForStory) as refusal:
            await service.create_post(await service.ready_photo(), photo)
        assert [error.pointer for error in refusal.value.errors] == ["/photo_ids/1"]
    with pytest.raises(PhotoNotFound):  # to nobody else
        await service.photo_queries.photo(None, photo)


async def test_a_photo_that_is_not_known_here_stays(service: InMemoryService) -> None:
    await service.consume(retention_elapsed(service.ids.next()))
    assert service.objects.removed == []


async def test_events_that_come_again_do_not_restore_it(service: InMemoryService) -> None:
    photo = await service.ready_photo()
    await service.consume(retention_elapsed(photo), uploaded(photo), ready(photo), retention_elapsed(photo, "unusable"))
    assert await is_erased(service, photo)


@pytest.mark.parametrize("name", ["photo.retire.after_claim", "photo.retire.after_rows", "post.delete.after_objects"])
async def test_after_a_crash_the_repeat_finishes(service: InMemoryService, name: str, crash_at: None) -> None:
    photo = await service.ready_photo()
    failpoints.configure({"PHOTOMESH_ENV": "test", "PHOTOMESH_FAILPOINTS": f"{name}=raise"})
    with pytest.raises(FailpointReached):
        await service.consume(retention_elapsed(photo))
    with pytest.raises((UnknownPhoto, PhotoInUse)):  # from the first step on, no post gets it
        await service.create_post(photo)
    failpoints.configure({})
    await service.consume(retention_elapsed(photo))
    assert await is_erased(service, photo)
    assert service.cdn.purged


async def test_of_a_new_post_and_the_erasure_one_wins(service: InMemoryService) -> None:
    """Whichever claims first, and however their steps interleave."""
    outcomes = set()
    for delay in range(12):
        photo = await service.ready_photo()

        async def erase(photo: int = photo, delay: int = delay) -> None:
            for _ in range(delay):
                await asyncio.sleep(0)
            await service.consume(retention_elapsed(photo))

        posted, _ = await asyncio.gather(service.create_post(photo), erase(), return_exceptions=True)
        used = not isinstance(posted, BaseException)
        if not used:
            assert isinstance(posted, PhotoInUse | UnknownPhoto)
        assert used != await is_erased(service, photo)
        outcomes.add(used)
    assert True in outcomes


async def test_a_post_that_is_being_created_keeps_its_photo(service: InMemoryService) -> None:
    photo = await service.ready_photo()
    service.post_log.lost = [False]
    with pytest.raises(Unavailable):  # its event did not get into the log, and the client will repeat
        await service.create_post(photo)
    await service.consume(retention_elapsed(photo))
    assert service.objects.removed == []
    await service.create_post(photo)

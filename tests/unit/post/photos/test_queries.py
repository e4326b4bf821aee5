"""How long reading waits for a photo, and what it reveals."""

from __future__ import annotations

import asyncio

import pytest

from photomesh_post.errors import PhotoNotFound
from photomesh_post.photos.domain import PhotoStatus
from tests.support.clock import settle
from tests.support.post.in_memory_service import InMemoryService
from tests.support.post.sample_events import ADA, GRACE, account, ready, uploaded

NOBODY = None


@pytest.fixture
async def service() -> InMemoryService:
    service = InMemoryService()
    await service.consume(account(ADA), account(GRACE))
    return service


async def test_a_hidden_photo_cannot_be_told_from_an_absent_one(service: InMemoryService) -> None:
    hidden, absent = await service.ready_photo(), service.ids.next()
    answers = []
    for photo in (hidden, absent):
        started = service.clock.monotonic()
        with pytest.raises(PhotoNotFound) as refused:
            await service.outlast(service.photo_queries.photo(GRACE, photo))
        waited = service.clock.monotonic() - started
        answers.append((str(refused.value), refused.value.extensions, refused.value.headers, round(waited)))
    assert answers[0] == answers[1]
    assert answers[0][1:] == ({"retryable": True}, {"Retry-After": "1"}, 2)


async def test_reading_waits_for_a_photo_right_after_its_upload(service: InMemoryService) -> None:
    photo = service.ids.next()
    looking = asyncio.create_task(service.photo_queries.photo(ADA, photo))
    await settle()
    await service.clock.advance(1)
    await service.consume(uploaded(photo))
    await service.clock.advance(0.5)
    assert (await looking).photo.status is PhotoStatus.PROCESSING


@pytest.mark.parametrize("viewer", [ADA, NOBODY])
async def test_reading_does_not_wait_for_an_old_id(service: InMemoryService, viewer: int | None) -> None:
    photo = service.ids.next()
    await service.clock.advance(90_000)
    with pytest.raises(PhotoNotFound) as refused:
        await service.photo_queries.photo(viewer, photo)
    assert "retryable" not in refused.value.extensions


async def test_reading_without_a_token_does_not_wait(service: InMemoryService) -> None:
    with pytest.raises(PhotoNotFound):
        await service.photo_queries.photo(NOBODY, service.ids.next())


async def test_reading_does_not_wait_for_an_id_from_the_future(service: InMemoryService) -> None:
    with pytest.raises(PhotoNotFound):
        await service.photo_queries.photo(ADA, (1 << 63) - 1)


async def test_a_photo_is_ready_although_its_first_event_is_missing(service: InMemoryService) -> None:
    photo = service.ids.next()
    await service.consume(ready(photo))
    assert (await service.photo_queries.photo(ADA, photo)).photo.status is PhotoStatus.READY

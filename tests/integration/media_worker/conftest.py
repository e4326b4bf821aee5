"""The media worker as a process of its own on the real servers, and photos for it to work on."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

from photomesh_shared.clock import SystemClock
from photomesh_shared.events import Envelope, Event, encode
from photomesh_shared.events.photos import PhotoReprocessRequested, PhotoUploaded
from photomesh_shared.object_keys import original_key
from photomesh_shared.stores.object_storage import ObjectStorage
from tests.support.groups import forget_members
from tests.support.kafka import Topics, kafka_variables
from tests.support.objects import open_all_objects
from tests.support.services import Process, process
from tests.support.tokens import free_port

Environment = Callable[[str], Mapping[str, str]]
Working = Callable[..., AbstractAsyncContextManager[Process]]
TERMINAL = ("photo_ready", "photo_rejected", "photo_failed")


@pytest.fixture(scope="session")
def environment(service_environment: Environment) -> Mapping[str, str]:
    return service_environment("media-worker")


@pytest.fixture(scope="session")
async def storage(servers: object) -> AsyncIterator[ObjectStorage]:
    async with open_all_objects() as opened:
        yield opened


@pytest.fixture(scope="session")
def working(environment: Mapping[str, str], topics: Topics) -> Working:
    """Runs a worker; whatever became of the one before, this one gets all partitions at once."""

    @asynccontextmanager
    async def run(failpoints: str = "", *, lane: str = "uploads") -> AsyncIterator[Process]:
        user = "media-worker" if lane == "uploads" else "media-worker-reprocess"
        await forget_members(topics.kafka, user)
        settings = {"PHOTOMESH_LANE": lane, "PHOTOMESH_DECODERS": "1", **kafka_variables(user)}
        async with process(
            "photomesh_media_worker", {**environment, **settings}, port=free_port(), failpoints=failpoints
        ) as running:
            yield running

    return run


class Uploads:
    """Photos as the upload service leaves them: an object, and an event."""

    def __init__(self, storage: ObjectStorage, topics: Topics, new_id: Callable[[], int]) -> None:
        self._storage = storage
        self._topics = topics
        self._new_id = new_id

    async def photo(
        self, data: bytes | None, *, owner_id: int | None = None, content_type: str = "image/jpeg"
    ) -> PhotoUploaded:
        """Stores a photo and publishes the event; without bytes it only publishes."""
        event = await self.stored(data, owner_id=owner_id, content_type=content_type)
        await self.publish(event)
        return event

    async def stored(
        self, data: bytes | None, *, owner_id: int | None = None, content_type: str = "image/jpeg"
    ) -> PhotoUploaded:
        upload_id = self._new_id()
        key, etag = original_key(upload_id), "0" * 32
        if data is not None:
            await self._storage.put("raw", key, data, content_type=content_type)
            etag = (await self._storage.head("raw", key)).etag
        return PhotoUploaded(
            photo_id=self._new_id(),
            upload_id=upload_id,
            owner_id=owner_id or self._new_id(),
            region="local",
            bucket="raw",
            key=key,
            etag=etag,
            size_bytes=len(data or b""),
            content_type=content_type,
            filename="photo.jpg",
            uploaded_at=SystemClock().now(),
        )

    async def publish(self, *events: PhotoUploaded | PhotoReprocessRequested, version: int = 1) -> None:
        await self._topics.send([encode(Envelope.of(event, entityversion=version)) for event in events])

    async def outcomes(self, photo: PhotoUploaded) -> list[Envelope[Event]]:
        """Returns every terminal event of a photo, repetitions included."""
        return [event for topic in TERMINAL for event in await self._topics.events(topic, photo.subject())]


@pytest.fixture(scope="session")
def uploads(storage: ObjectStorage, topics: Topics, new_id: Callable[[], int]) -> Uploads:
    return Uploads(storage, topics, new_id)

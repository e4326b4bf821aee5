"""Photos through a running worker: real objects, real topics."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping

import httpx
import pytest

from photomesh_shared.events.photos import FOR_STORIES, PhotoReady, PhotoRejected
from photomesh_shared.object_keys import metadata_key
from photomesh_shared.stores.object_storage import ObjectStorage
from tests.integration.media_worker.conftest import Uploads, Working
from tests.support import photos
from tests.support.kafka import Topics
from tests.support.photos import KINDS, Kind
from tests.support.services import Process


@pytest.fixture(scope="module")
async def worker(working: Working) -> AsyncIterator[Process]:
    async with working() as running:
        yield running


@pytest.mark.parametrize("kind", KINDS)
async def test_each_type_becomes_ready_and_public(
    worker: Process, uploads: Uploads, topics: Topics, environment: Mapping[str, str], kind: Kind
) -> None:
    photo = await uploads.photo(photos.photo(kind, 1200, 900), content_type=photos.MIME[kind])
    (event,) = await topics.wait_for("photo_ready", photo.subject())
    ready = event.data
    assert isinstance(ready, PhotoReady)
    assert (event.entityversion, ready.owner_id, ready.content_type) == (2, photo.owner_id, photos.MIME[kind])
    async with httpx.AsyncClient(base_url=environment["PHOTOMESH_S3_ENDPOINT"]) as anybody:
        for variant in ready.variants:
            answer = await anybody.get(f"/variants/{variant.key}")
            assert answer.status_code == 200
            assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
            assert answer.headers["content-type"] == "image/jpeg"
            assert photos.open_picture(answer.content).size == (variant.width, variant.height)
        for private in (photo.key, metadata_key(photo.photo_id)):
            assert (await anybody.get(f"/raw/{private}")).status_code == 403


async def test_the_sizes_of_a_photo_for_stories_need_a_signature(
    worker: Process, uploads: Uploads, topics: Topics, environment: Mapping[str, str], storage: ObjectStorage
) -> None:
    stored = await uploads.stored(photos.photo("jpeg", 1200, 900))
    photo = stored.model_copy(update={"purpose": FOR_STORIES})
    await uploads.publish(photo)
    (event,) = await topics.wait_for("photo_ready", photo.subject())
    ready = event.data
    assert isinstance(ready, PhotoReady)
    assert (ready.purpose, ready.bucket) == ("story", "raw")
    async with httpx.AsyncClient(base_url=environment["PHOTOMESH_S3_ENDPOINT"]) as anybody:
        for variant in ready.variants:
            for bucket, status in (("raw", 403), ("variants", 404)):
                assert (await anybody.get(f"/{bucket}/{variant.key}")).status_code == status
            signed = await storage.presign_get("raw", variant.key, filename="a.jpg", expires_seconds=60)
            answer = await anybody.get(signed)
            assert answer.headers["cache-control"] == "private, no-store"
            assert photos.open_picture(answer.content).size == (variant.width, variant.height)


async def test_metadata_is_kept_apart(
    worker: Process, uploads: Uploads, topics: Topics, storage: ObjectStorage
) -> None:
    photo = await uploads.photo(photos.photo())
    await topics.wait_for("photo_ready", photo.subject())
    private = json.loads(await storage.get("raw", metadata_key(photo.photo_id), max_bytes=100_000))
    assert private["photo_id"] == photo.subject()
    assert private["location"] == photos.LOCATION


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (photos.photo()[:-100], "truncated"),
        (photos.bomb("avif"), "too-many-pixels"),
        (b"text", "unsupported-type"),
        (None, "missing"),
    ],
    ids=["truncated", "too-many-pixels", "unsupported-type", "missing"],
)
async def test_a_bad_photo_is_rejected(
    worker: Process, uploads: Uploads, topics: Topics, data: bytes | None, code: str
) -> None:
    photo = await uploads.photo(data)
    (event,) = await topics.wait_for("photo_rejected", photo.subject())
    assert isinstance(event.data, PhotoRejected)
    assert event.data.reason.code == code


async def test_a_photo_that_was_replaced_is_rejected(
    worker: Process, uploads: Uploads, topics: Topics, storage: ObjectStorage
) -> None:
    photo = await uploads.stored(photos.photo(seed=1))
    await storage.put("raw", photo.key, photos.photo(seed=2), content_type="image/jpeg")
    await uploads.publish(photo)
    (event,) = await topics.wait_for("photo_rejected", photo.subject())
    assert isinstance(event.data, PhotoRejected)
    assert event.data.reason.code == "replaced"


async def test_delivered_twice_gives_the_same_result(
    worker: Process, uploads: Uploads, topics: Topics, storage: ObjectStorage
) -> None:
    photo = await uploads.photo(photos.photo("png", 640, 480))
    await uploads.publish(photo)
    first, second = await topics.wait_for("photo_ready", photo.subject(), until=lambda events: len(events) == 2)
    assert first.id == second.id
    assert isinstance(first.data, PhotoReady)
    assert isinstance(second.data, PhotoReady)
    assert first.data.variants == second.data.variants
    assert len(await storage.list_keys("variants", f"{photo.subject()}/")) == 4


async def test_one_persons_photos_finish_in_order(worker: Process, uploads: Uploads, topics: Topics) -> None:
    kinds: tuple[Kind, ...] = ("heic", "jpeg", "avif", "png", "jpeg", "webp")
    owner = (await uploads.stored(None)).owner_id
    sent = [await uploads.stored(photos.photo(kind), owner_id=owner) for kind in kinds]
    await uploads.publish(*sent)
    await topics.wait_for("photo_ready", sent[-1].subject())
    key = sent[0].partition_key().encode()
    order = [record.header("ce_subject") for record in await topics.records("photo_ready") if record.key == key]
    assert order == [photo.subject() for photo in sent]

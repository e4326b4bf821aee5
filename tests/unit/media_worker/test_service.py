"""The use case on storage and a log in memory: what is stored, what is published, and what a repetition does."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from photomesh_media_worker import pipeline
from photomesh_media_worker.budgets import DecoderBudgets
from photomesh_media_worker.domain import MAX_UPLOAD_BYTES, Processed, Rejected, variant_token
from photomesh_media_worker.metrics import READY_AFTER
from photomesh_media_worker.sandbox.pool import DecoderCrashed
from photomesh_media_worker.service import MediaService
from photomesh_shared import failpoints
from photomesh_shared.events import Envelope, Event
from photomesh_shared.events.photos import (
    PhotoFailed,
    PhotoReady,
    PhotoRejected,
    PhotoReprocessRequested,
    PhotoUploaded,
)
from photomesh_shared.object_keys import metadata_key
from photomesh_shared.stores.object_storage import NoSuchObject, ObjectReplaced, ObjectTooLarge
from tests.support import photos
from tests.support.clock import FakeClock
from tests.support.memory_broker import MemoryBroker, MemoryPublisher

SECRET = "a secret of this test"
ETAG = "9b2cf535f27731c974343645a3985328"
PHOTO = photos.photo("jpeg", 1200, 900)
STEPS = (
    "media.after_fetch",
    "media.after_process",
    "media.after_metadata_put",
    *(f"media.after_variant_put@{number}" for number in range(1, 5)),
)


@dataclass
class MemoryObjects:
    """Object storage as far as the worker sees it."""

    objects: dict[tuple[str, str], bytes] = field(default_factory=dict)
    etags: dict[tuple[str, str], str] = field(default_factory=dict)
    headers: dict[tuple[str, str], tuple[str, str | None]] = field(default_factory=dict)

    async def get(self, bucket: str, key: str, *, max_bytes: int, etag: str | None = None) -> bytearray:
        place = bucket, key
        if place not in self.objects:
            raise NoSuchObject
        if etag is not None and self.etags[place] != etag:
            raise ObjectReplaced
        if len(self.objects[place]) > max_bytes:
            raise ObjectTooLarge
        return bytearray(self.objects[place])

    async def put(
        self, bucket: str, key: str, body: bytes, *, content_type: str, cache_control: str | None = None
    ) -> None:
        self.objects[bucket, key] = body
        self.headers[bucket, key] = content_type, cache_control


class DirectPipeline:
    """The pipeline in this process. `crashes` times, it does not survive the photo."""

    def __init__(self) -> None:
        self.crashes = 0
        self.decoder_seconds = 0.0
        self.running = 0
        self.max_running = 0

    async def process(self, data: bytearray) -> Processed | Rejected:
        self.running += 1
        self.max_running = max(self.max_running, self.running)
        await asyncio.sleep(0)
        self.running -= 1
        if self.crashes:
            self.crashes -= 1
            raise DecoderCrashed("ended with -11")
        return replace(pipeline.process(bytes(data)), decoder_seconds=self.decoder_seconds)


class InMemoryService:
    """The service on storage, a pipeline and a log in memory."""

    def __init__(self) -> None:
        self.objects = MemoryObjects()
        self.broker = MemoryBroker()
        self.pipeline = DirectPipeline()
        self.clock = FakeClock()
        self.service = MediaService(
            self.objects,
            self.pipeline,
            MemoryPublisher(self.broker),
            self.clock,
            variants_bucket="variants",
            variant_key_secret=SECRET,
            max_concurrent=2,
            budgets=DecoderBudgets(60, self.clock),
        )

    def uploaded(
        self,
        data: bytes | None = PHOTO,
        *,
        photo_id: int | None = None,
        owner_id: int | None = None,
        purpose: str | None = None,
    ) -> Envelope[PhotoUploaded]:
        changes = {"photo_id": photo_id, "owner_id": owner_id, "purpose": purpose}
        event = PhotoUploaded.example().model_copy(update={name: value for name, value in changes.items() if value})
        if data is not None:
            self.objects.objects[event.bucket, event.key] = data
            self.objects.etags[event.bucket, event.key] = event.etag
        return Envelope.of(event, entityversion=1)

    def outcome(self) -> Envelope[Event]:
        (only,) = self.outcomes()
        return only

    def outcomes(self) -> list[Envelope[Event]]:
        return [e for topic in ("photo_ready", "photo_rejected", "photo_failed") for e in self.broker.events(topic)]

    def public(self) -> dict[str, bytes]:
        return {key: body for (bucket, key), body in self.objects.objects.items() if bucket == "variants"}


@pytest.fixture
def worker() -> InMemoryService:
    return InMemoryService()


def _armed(step: str) -> str:
    name, _, hit = step.partition("@")
    return f"{name}=raise@{hit or 1}"


@pytest.fixture(autouse=True)
def _no_failpoints() -> Iterator[None]:
    yield
    failpoints.configure({})


async def test_a_photo_becomes_ready(worker: InMemoryService) -> None:
    trigger = worker.uploaded()
    await worker.service.process(trigger)

    event = worker.outcome()
    ready = event.data
    assert isinstance(ready, PhotoReady)
    assert event.entityversion == 2
    assert event.id == f"{ready.subject()}.photomesh.photo.ready.v1.2"
    assert (ready.photo_id, ready.owner_id, ready.upload_id) == (
        trigger.data.photo_id,
        trigger.data.owner_id,
        trigger.data.upload_id,
    )
    assert (ready.width, ready.height, ready.content_type) == (1200, 900, "image/jpeg")
    assert ready.metadata.camera_model == "Test camera 1"
    assert [variant.size for variant in ready.variants] == [1080, 640, 320, 150]
    for variant in ready.variants:
        assert photos.open_picture(worker.public()[variant.key]).size == (variant.width, variant.height)
        assert len(worker.public()[variant.key]) == variant.size_bytes
        assert worker.objects.headers["variants", variant.key] == ("image/jpeg", "public, max-age=31536000, immutable")


async def test_the_sizes_of_a_photo_for_stories_are_private(worker: InMemoryService) -> None:
    trigger = worker.uploaded(purpose="story")
    await worker.service.process(trigger)
    ready = worker.outcome().data
    assert isinstance(ready, PhotoReady)
    assert (ready.purpose, ready.bucket) == ("story", trigger.data.bucket)
    assert worker.public() == {}
    assert [variant.key for variant in ready.variants] == [
        f"stories/{trigger.data.subject()}/{size}.jpg" for size in (1080, 640, 320, 150)
    ]
    for variant in ready.variants:
        assert len(worker.objects.objects[trigger.data.bucket, variant.key]) == variant.size_bytes
        assert worker.objects.headers[trigger.data.bucket, variant.key] == ("image/jpeg", "private, no-store")


async def test_other_outcomes_say_what_a_photo_is_for(worker: InMemoryService) -> None:
    await worker.service.process(worker.uploaded(b"text", purpose="story"))
    await worker.service.give_up(worker.uploaded(purpose="story"), RuntimeError())
    assert {type(event.data).__name__ for event in worker.outcomes()} == {"PhotoRejected", "PhotoFailed"}
    for event in worker.outcomes():
        assert isinstance(event.data, PhotoRejected | PhotoFailed)
        assert event.data.purpose == "story"


async def test_the_time_to_ready_counts_from_the_uploads_completion(worker: InMemoryService) -> None:
    def observed() -> tuple[float, float]:
        samples = {sample.name: sample.value for sample in next(iter(READY_AFTER.collect())).samples}
        name = "photomesh_photo_ready_after_seconds"
        return samples[f"{name}_count"], samples[f"{name}_sum"]

    count, total = observed()
    trigger = worker.uploaded()
    await worker.service.process(replace(trigger, time=FakeClock().now() - timedelta(seconds=40)))
    assert observed()[0] == count + 1
    assert observed()[1] == pytest.approx(total + 40)
    again = PhotoReprocessRequested.example().model_copy(update={"key": trigger.data.key})
    await worker.service.process(Envelope.of(again, entityversion=2))
    assert observed()[0] == count + 1, "who has a photo processed again is not its owner, who waits"


async def test_location_is_stored_privately_and_published_nowhere(worker: InMemoryService) -> None:
    trigger = worker.uploaded()
    await worker.service.process(trigger)
    private = json.loads(worker.objects.objects["raw", metadata_key(trigger.data.photo_id)])
    assert private["location"] == photos.LOCATION
    assert private["exif"]["BodySerialNumber"] == "SECRET-SERIAL-0042"
    (record,) = worker.broker.records("photo_ready")
    assert record.value is not None
    for word in (b"41.89", b"12.48", b"location", b"GPS", b"SECRET"):
        assert word not in record.value


def test_keys_of_variants_cannot_be_guessed() -> None:
    tokens = {variant_token(SECRET, photo_id) for photo_id in range(1, 1000)}
    assert len(tokens) == 999
    assert variant_token("another secret", 1) not in tokens
    assert all(len(token) == 20 for token in tokens)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (PHOTO[:-1000], "truncated"),
        (b"", "empty"),
        (b"just text", "unsupported-type"),
        (photos.bomb("png"), "too-many-pixels"),
        (None, "missing"),
        (bytes(MAX_UPLOAD_BYTES + 1), "too-large"),
    ],
    ids=["truncated", "empty", "unsupported-type", "too-many-pixels", "missing", "too-large"],
)
async def test_a_bad_photo_is_rejected(worker: InMemoryService, data: bytes | None, code: str) -> None:
    await worker.service.process(worker.uploaded(data))
    event = worker.outcome()
    assert isinstance(event.data, PhotoRejected)
    assert event.data.reason.code == code
    assert event.data.reason.message
    assert event.data.reason.fix
    assert event.entityversion == 2
    assert not worker.public()


async def test_a_photo_that_was_replaced_after_its_upload_is_rejected(worker: InMemoryService) -> None:
    trigger = worker.uploaded()
    worker.objects.etags["raw", trigger.data.key] = "another"
    await worker.service.process(trigger)
    event = worker.outcome().data
    assert isinstance(event, PhotoRejected)
    assert event.reason.code == "replaced"


async def test_what_the_bytes_are_counts_and_not_what_was_announced(worker: InMemoryService) -> None:
    await worker.service.process(worker.uploaded(photos.photo("png", 300, 200)))
    event = worker.outcome().data
    assert isinstance(event, PhotoReady)
    assert event.content_type == "image/png"


async def test_twice_is_the_same_as_once(worker: InMemoryService) -> None:
    trigger = worker.uploaded()
    await worker.service.process(trigger)
    before = dict(worker.objects.objects)
    await worker.service.process(trigger)
    assert worker.objects.objects == before
    first, second = worker.outcomes()
    assert first == second


@pytest.mark.parametrize("step", STEPS)
async def test_a_failure_at_any_step_is_harmless(worker: InMemoryService, step: str) -> None:
    trigger = worker.uploaded()
    failpoints.configure({"PHOTOMESH_ENV": "test", "PHOTOMESH_FAILPOINTS": _armed(step)})
    with pytest.raises(failpoints.FailpointReached):
        await worker.service.process(trigger)
    assert not worker.outcomes()
    await worker.service.process(trigger)
    assert isinstance(worker.outcome().data, PhotoReady)
    assert len(worker.public()) == 4


async def test_a_crash_is_not_the_photos_fault(worker: InMemoryService) -> None:
    trigger = worker.uploaded()
    worker.pipeline.crashes = 1
    with pytest.raises(DecoderCrashed):
        await worker.service.process(trigger)
    assert not worker.outcomes()
    await worker.service.process(trigger)
    assert isinstance(worker.outcome().data, PhotoReady)


async def test_giving_up_publishes_the_failure(worker: InMemoryService) -> None:
    trigger = worker.uploaded()
    await worker.service.give_up(trigger, DecoderCrashed("ended with -11"))
    event = worker.outcome()
    assert isinstance(event.data, PhotoFailed)
    assert event.data.reason.code == "internal"
    assert event.data.reason.retryable
    assert event.entityversion == 2
    assert "ended with" not in event.data.model_dump_json()


async def test_processing_again_counts_on(worker: InMemoryService) -> None:
    uploaded = worker.uploaded().data
    again = PhotoReprocessRequested(**uploaded.model_dump(), requested_at=FakeClock().now())
    await worker.service.process(Envelope.of(again, entityversion=7))
    assert worker.outcome().entityversion == 8
    assert worker.outcome().id.endswith(".8")


async def test_no_more_photos_are_in_memory_than_there_is_room_for(worker: InMemoryService) -> None:
    triggers = [worker.uploaded(photo_id=1000 + number) for number in range(6)]
    await asyncio.gather(*(worker.service.process(trigger) for trigger in triggers))
    assert worker.pipeline.max_running == 2
    assert len(worker.outcomes()) == 6


# Budgets of accounts

ADA, GRACE = 1 << 40, 2 << 40


async def codes_of(worker: InMemoryService, owner_id: int, *photo_ids: int) -> list[str]:
    """What becomes of an account's photos, one after the other: `ready` or the reason."""
    for photo_id in photo_ids:
        await worker.service.process(worker.uploaded(photo_id=photo_id, owner_id=owner_id))
    codes = {e.data.photo_id: "ready" for e in worker.broker.events("photo_ready")}  # type: ignore[attr-defined]
    for envelope in worker.broker.events("photo_rejected"):
        assert isinstance(envelope.data, PhotoRejected)
        codes[envelope.data.photo_id] = envelope.data.reason.code
    return [codes[photo_id] for photo_id in photo_ids]


async def test_an_account_that_keeps_decoders_busy_reaches_its_budget_and_others_do_not(
    worker: InMemoryService,
) -> None:
    worker.pipeline.decoder_seconds = 15
    assert await codes_of(worker, ADA, *range(1, 7)) == ["ready"] * 4 + ["over-budget"] * 2
    assert await codes_of(worker, GRACE, 10) == ["ready"]
    await worker.clock.advance(86_400 / 4)  # a quarter of the day, and of the budget
    assert await codes_of(worker, ADA, 7, 8) == ["ready", "over-budget"]
    [refused] = [
        e.data
        for e in worker.broker.events("photo_rejected")
        if e.data.photo_id == 8  # type: ignore[attr-defined]
    ]
    assert isinstance(refused, PhotoRejected)
    assert refused.reason.retryable


async def test_photos_on_which_decoders_die_use_up_the_budget(worker: InMemoryService) -> None:
    worker.service._budgets = budgets = DecoderBudgets(1e-9, worker.clock)
    worker.pipeline.crashes = 1
    with pytest.raises(DecoderCrashed):
        await worker.service.process(worker.uploaded(owner_id=ADA))
    assert budgets.is_exhausted(ADA)


async def test_accounts_that_were_longest_unused_are_forgotten() -> None:
    budgets = DecoderBudgets(60, FakeClock(), accounts=2)
    for account in (1, 2, 1, 3):
        budgets.charge(account, 100)
    assert [budgets.is_exhausted(account) for account in (1, 2, 3)] == [True, False, True]

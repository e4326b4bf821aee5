"""The use case: an uploaded photo becomes ready, rejected or failed.

Idempotent: the same photo gives the same objects under the same names, and events with the same ids.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any, Protocol

from photomesh_media_worker.budgets import DecoderBudgets
from photomesh_media_worker.domain import (
    MAX_UPLOAD_BYTES,
    REASONS,
    Camera,
    EncodedVariant,
    Processed,
    Rejected,
    variant_token,
)
from photomesh_media_worker.metrics import BYTES, DECODER_SECONDS, PHOTOS, READY_AFTER, STAGE_SECONDS
from photomesh_shared.clock import Clock
from photomesh_shared.events import Envelope, Event
from photomesh_shared.events.photos import (
    FOR_STORIES,
    PhotoFailed,
    PhotoMetadata,
    PhotoReady,
    PhotoRejected,
    PhotoReprocessRequested,
    PhotoUploaded,
    Reason,
    Variant,
)
from photomesh_shared.failpoints import declare, failpoint
from photomesh_shared.object_keys import metadata_key, private_variant_key, variant_key
from photomesh_shared.observability import tracing
from photomesh_shared.stores.object_storage import NoSuchObject, ObjectReplaced, ObjectTooLarge

__all__ = ["MediaService", "Objects", "Pipeline", "Publisher"]

log = logging.getLogger(__name__)

RawPhoto = PhotoUploaded | PhotoReprocessRequested

AFTER_FETCH = declare("media.after_fetch", "the photo is fetched, nothing is processed")
AFTER_PROCESS = declare("media.after_process", "the sizes are made, nothing is stored")
AFTER_METADATA_PUT = declare("media.after_metadata_put", "the metadata is stored, no size is")
AFTER_VARIANT_PUT = declare("media.after_variant_put", "one more size is stored, nothing is published")
AFTER_PUBLISH = declare("media.after_publish", "the outcome is published, the record is not handled")

_JPEG = "image/jpeg"
_IMMUTABLE = "public, max-age=31536000, immutable"
_PRIVATE = "private, no-store"


class Objects(Protocol):
    """Object storage."""

    async def get(self, bucket: str, key: str, *, max_bytes: int, etag: str | None = None) -> bytearray:
        """Raises NoSuchObject, ObjectTooLarge, ObjectReplaced."""
        ...

    async def put(
        self, bucket: str, key: str, body: bytes, *, content_type: str, cache_control: str | None = None
    ) -> None:
        """Creates or replaces an object."""
        ...


class Pipeline(Protocol):
    async def process(self, data: bytearray) -> Processed | Rejected:
        """Raises only for errors that are not the photo's."""
        ...


class Publisher(Protocol):
    async def publish(self, envelope: Envelope[Event]) -> None:
        """Returns when the event is stored."""
        ...


class MediaService:
    """Processes at most `max_concurrent` photos at a time; others wait before their bytes are fetched."""

    def __init__(
        self,
        objects: Objects,
        pipeline: Pipeline,
        publisher: Publisher,
        clock: Clock,
        *,
        variants_bucket: str,
        variant_key_secret: str,
        max_concurrent: int,
        budgets: DecoderBudgets | None = None,
    ) -> None:
        """`budgets`: None if accounts have none."""
        self._objects = objects
        self._pipeline = pipeline
        self._publisher = publisher
        self._clock = clock
        self._variants_bucket = variants_bucket
        self._secret = variant_key_secret
        self._budgets = budgets
        self._slots = asyncio.Semaphore(max_concurrent)

    async def process(self, trigger: Envelope[RawPhoto]) -> None:
        """Processes a photo and publishes the outcome. Raises only for errors that are not the photo's."""
        photo = trigger.data
        async with self._slots:
            outcome = await self._outcome(photo)
            event: PhotoReady | PhotoRejected
            if isinstance(outcome, Processed):
                await self._store(photo, outcome)
                event = self._ready(photo, outcome)
            else:
                event = PhotoRejected(**_of(photo), reason=_reason(outcome.reason.code), rejected_at=self._clock.now())
        await self._publish(trigger, event)
        await failpoint(AFTER_PUBLISH)
        _record(photo, outcome)
        if isinstance(event, PhotoReady) and isinstance(photo, PhotoUploaded):
            READY_AFTER.observe(max(0.0, (event.processed_at - trigger.time).total_seconds()))

    async def give_up(self, trigger: Envelope[Event], error: Exception) -> None:
        """Publishes `photo_failed`, after the last attempt."""
        photo = trigger.data
        assert isinstance(photo, PhotoUploaded | PhotoReprocessRequested)
        await self._publish(trigger, PhotoFailed(**_of(photo), reason=_reason("internal"), failed_at=self._clock.now()))
        PHOTOS.labels("failed", "internal", "unknown").inc()

    async def _outcome(self, photo: RawPhoto) -> Processed | Rejected:
        if self._budgets and self._budgets.is_exhausted(photo.owner_id):
            return Rejected(REASONS["over-budget"])
        try:
            with _stage("fetch"):
                data = await self._objects.get(photo.bucket, photo.key, max_bytes=MAX_UPLOAD_BYTES, etag=photo.etag)
        except NoSuchObject:
            return Rejected(REASONS["missing"])
        except ObjectReplaced:
            return Rejected(REASONS["replaced"])
        except ObjectTooLarge:
            return Rejected(REASONS["too-large"])
        await failpoint(AFTER_FETCH)
        with tracing.span("process photo", photo_bytes=len(data)):
            started = time.perf_counter()
            try:
                outcome = await self._pipeline.process(data)
            except Exception:
                self._charge(photo, time.perf_counter() - started)  # it crashed or hung: a decoder was as busy
                raise
            elapsed = time.perf_counter() - started
        self._charge(photo, outcome.decoder_seconds)
        if isinstance(outcome, Processed):
            for stage, seconds in outcome.seconds.items():
                STAGE_SECONDS.labels(stage).observe(seconds)
            STAGE_SECONDS.labels("wait").observe(max(0.0, elapsed - sum(outcome.seconds.values())))
        await failpoint(AFTER_PROCESS)
        return outcome

    def _charge(self, photo: RawPhoto, seconds: float) -> None:
        DECODER_SECONDS.inc(seconds)
        if self._budgets:
            self._budgets.charge(photo.owner_id, seconds)

    async def _store(self, photo: RawPhoto, made: Processed) -> None:
        private = {"photo_id": photo.subject(), "sha256": made.sha256, "content_type": made.type.value, **made.private}
        with _stage("store"):
            await self._objects.put(
                photo.bucket,
                metadata_key(photo.photo_id),
                json.dumps(private, ensure_ascii=False, allow_nan=False).encode(),
                content_type="application/json",
            )
            await failpoint(AFTER_METADATA_PUT)
            # Waits for all, so that no write is in progress when a failure restarts the photo.
            results = await asyncio.gather(*(self._put(photo, v) for v in made.variants), return_exceptions=True)
            for result in results:
                if isinstance(result, BaseException):
                    raise result

    async def _put(self, photo: RawPhoto, variant: EncodedVariant) -> None:
        bucket, cache_control = self._variants_bucket, _IMMUTABLE
        if photo.purpose == FOR_STORIES:
            bucket, cache_control = photo.bucket, _PRIVATE
        key = self._variant_key(photo, variant)
        await self._objects.put(bucket, key, variant.jpeg, content_type=_JPEG, cache_control=cache_control)
        await failpoint(AFTER_VARIANT_PUT)

    def _variant_key(self, photo: RawPhoto, variant: EncodedVariant) -> str:
        if photo.purpose == FOR_STORIES:
            return private_variant_key(photo.photo_id, variant.size)
        return variant_key(photo.photo_id, variant_token(self._secret, photo.photo_id), variant.size)

    def _ready(self, photo: RawPhoto, made: Processed) -> PhotoReady:
        return PhotoReady(
            **_of(photo),
            content_type=made.type.value,
            width=made.width,
            height=made.height,
            size_bytes=made.size_bytes,
            sha256=made.sha256,
            phash=made.phash,
            placeholder=made.placeholder,
            variants=tuple(
                Variant(
                    size=variant.size,
                    width=variant.width,
                    height=variant.height,
                    size_bytes=len(variant.jpeg),
                    content_type=_JPEG,
                    key=self._variant_key(photo, variant),
                )
                for variant in made.variants
            ),
            bucket=photo.bucket if photo.purpose == FOR_STORIES else None,
            metadata=_metadata(made.camera),
            processed_at=self._clock.now(),
        )

    async def _publish(self, trigger: Envelope[Event], event: PhotoReady | PhotoRejected | PhotoFailed) -> None:
        """Uses the same id each time, so that subscribers recognise a repetition."""
        version = trigger.entityversion + 1
        await self._publisher.publish(
            Envelope.of(
                event,
                entityversion=version,
                id=f"{event.subject()}.{event.type_}.{version}",
                clock=self._clock,
            )
        )


def _of(photo: RawPhoto) -> dict[str, Any]:
    return {
        "photo_id": photo.photo_id,
        "upload_id": photo.upload_id,
        "owner_id": photo.owner_id,
        "purpose": photo.purpose,
    }


def _reason(code: str) -> Reason:
    return Reason(**asdict(REASONS[code]))


def _metadata(camera: Camera) -> PhotoMetadata:
    values = asdict(camera)
    make, model = values.pop("make"), values.pop("model")
    return PhotoMetadata.model_validate({"camera_make": make, "camera_model": model, **values})


def _record(photo: RawPhoto, outcome: Processed | Rejected) -> None:
    kind = outcome.type.value if outcome.type else "unknown"
    where = {"photo_id": photo.subject(), "content_type": kind}
    if isinstance(outcome, Processed):
        PHOTOS.labels("ready", "", kind).inc()
        BYTES.labels("in").inc(outcome.size_bytes)
        BYTES.labels("out").inc(sum(len(variant.jpeg) for variant in outcome.variants))
        log.info("photo ready", extra=where | {"seconds": round(sum(outcome.seconds.values()), 3)})
    else:
        PHOTOS.labels("rejected", outcome.reason.code, kind).inc()
        log.info("photo rejected", extra=where | {"reason": outcome.reason.code, "detail": outcome.detail})


@contextmanager
def _stage(name: str) -> Iterator[None]:
    with tracing.span(f"{name} photo"), STAGE_SECONDS.labels(name).time():
        yield

"""Workers that a test has for itself: what they do when we are at fault, and what operators see of them."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import httpx

from photomesh_shared.events import Record
from photomesh_shared.events.photos import PhotoFailed, PhotoReprocessRequested
from tests.integration.media_worker.conftest import Uploads, Working
from tests.support import photos
from tests.support.kafka import Topics
from tests.support.waiting import eventually


async def test_a_decoder_that_crashes_costs_an_attempt_and_not_the_photo(
    working: Working, uploads: Uploads, topics: Topics
) -> None:
    async with working() as running:
        for pid in _decoders(running.pid):
            os.kill(pid, signal.SIGKILL)
        photo = await uploads.photo(photos.photo())
        await topics.wait_for("photo_ready", photo.subject())
        assert "DecoderCrashed" in running.output
        assert running.exit_code is None


async def test_a_failure_of_ours_is_tried_again(working: Working, uploads: Uploads, topics: Topics) -> None:
    async with working("media.after_fetch=raise") as running:
        photo = await uploads.photo(photos.photo())
        await topics.wait_for("photo_ready", photo.subject())
        assert "handling failed, retrying" in running.output


async def test_a_photo_that_fails_three_times_has_failed(working: Working, uploads: Uploads, topics: Topics) -> None:
    steps = ("media.after_fetch", "media.after_process", "media.after_metadata_put")  # each raises once
    async with working(",".join(f"{step}=raise" for step in steps)):
        photo = await uploads.photo(photos.photo())
        (event,) = await topics.wait_for("photo_failed", photo.subject())
        assert isinstance(event.data, PhotoFailed)
        assert event.data.reason.code == "internal"
        assert event.entityversion == 2

        async def put_aside() -> list[Record]:
            letters = await topics.records("photos_uploaded.media-worker.dlt")
            return [letter for letter in letters if letter.header("ce_subject") == photo.subject()]

        (letter,) = await eventually(put_aside)
        assert letter.header("dlt_cause") == "exhausted"
        assert letter.header("dlt_attempts") == "3"


async def test_what_operators_see(working: Working, uploads: Uploads, topics: Topics) -> None:
    async with working() as running, httpx.AsyncClient(base_url=running.url) as client:
        photo = await uploads.photo(photos.photo())
        await topics.wait_for("photo_ready", photo.subject())

        async def metrics() -> str:
            return (await client.get("/metrics")).text

        await eventually(metrics, until=lambda text: 'photomesh_photos_total{outcome="ready"' in text)
        text = await metrics()
        for stage in ("fetch", "decode", "variants", "hashes", "store"):
            assert f'photomesh_photo_stage_seconds_count{{stage="{stage}"}}' in text
        assert (await client.get("/healthz")).text == "ok"
        assert (await client.get("/readyz")).json()["ready"] is True


async def test_the_lane_for_processing_again(working: Working, uploads: Uploads, topics: Topics) -> None:
    photo = await uploads.stored(photos.photo())
    again = PhotoReprocessRequested(**photo.model_dump(), requested_at=photo.uploaded_at)
    async with working(lane="reprocess"):
        await uploads.publish(again, version=5)
        (event,) = await topics.wait_for("photo_ready", photo.subject())
    assert event.entityversion == 6


def _decoders(parent: int) -> list[int]:
    """Processes below the fork server of a worker."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue
    children = [pid for pid, of in parents.items() if of == parent]
    return [pid for pid, of in parents.items() if of in children]

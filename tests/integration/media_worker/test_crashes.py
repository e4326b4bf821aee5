"""The worker is killed after each step of a photo: the photo still ends in one state, whole."""

from __future__ import annotations

import pytest

from photomesh_shared.events.photos import PhotoReady
from photomesh_shared.stores.object_storage import ObjectStorage
from tests.integration.media_worker.conftest import Uploads, Working
from tests.support import photos
from tests.support.kafka import Topics

KILLED = -9
STEPS = (
    "media.after_fetch",
    "media.after_process",
    "media.after_metadata_put",
    "media.after_variant_put",
    "media.after_variant_put@3",
    "media.after_publish",
    "runner.after_handle",
    "runner.before_commit",
    "runner.after_commit",
)


@pytest.fixture(scope="module", autouse=True)
async def _nothing_waits(working: Working, uploads: Uploads, topics: Topics) -> None:
    """What other tests left in the topic must not be what a worker dies of."""
    async with working():
        photo = await uploads.photo(photos.photo())
        await topics.wait_for("photo_ready", photo.subject())
        await topics.caught_up("media-worker")


@pytest.mark.parametrize("step", STEPS)
async def test_killed_after_a_step(
    working: Working, uploads: Uploads, topics: Topics, storage: ObjectStorage, step: str
) -> None:
    name, _, hit = step.partition("@")
    async with working(f"{name}=kill@{hit or 1}") as doomed:
        photo = await uploads.photo(photos.photo())
        assert await doomed.ended() == KILLED
    async with working():
        await topics.wait_for("photo_ready", photo.subject())
        await topics.caught_up("media-worker")

    events = await uploads.outcomes(photo)
    assert len({event.id for event in events}) == 1
    ready = events[0].data
    assert isinstance(ready, PhotoReady)
    stored = await storage.list_keys("variants", f"{photo.subject()}/")
    assert sorted(stored) == sorted(variant.key for variant in ready.variants)
    for variant in ready.variants:
        data = await storage.get("variants", variant.key, max_bytes=1_000_000)
        assert photos.open_picture(bytes(data)).size == (variant.width, variant.height)

"""Requests to process photos again: which, how many, with which versions, and originals that are gone."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from photomesh_shared.errors import Unavailable
from photomesh_shared.events import PhotoUploaded
from photomesh_upload import reprocess
from photomesh_upload.domain import Original, Purpose, Selection
from photomesh_upload.reprocessing import Outcome, Reprocessing
from tests.support.clock import FakeClock
from tests.support.upload import InMemoryBucket, InMemoryUploads

ADA, GRACE = 101, 102


class PassingClock(FakeClock):
    """Sleeping takes no time, but the clock shows it."""

    async def sleep(self, seconds: float) -> None:
        self.move(seconds)

    def move(self, seconds: float) -> None:
        self._elapsed += seconds


class World:
    def __init__(self, photos: int, account: int = ADA) -> None:
        self.clock = PassingClock()
        self.store = InMemoryUploads()
        self.bucket = InMemoryBucket()
        example = PhotoUploaded.example()
        for number in range(1, photos + 1):
            original = Original(
                photo_id=number,
                upload_id=1_000 + number,
                account_id=account,
                content_type="image/jpeg",
                size_bytes=3,
                etag="e",
                uploaded_at=example.uploaded_at,
                version=1,
                filename="a.jpg",
            )
            self.store.originals[number] = original
            self.bucket.objects[original.key] = ("e", b"raw")
        self.reprocessing = Reprocessing(self.store, self.bucket, self.clock, region="here")

    @property
    def requested(self) -> list[int]:
        return [envelope.data.photo_id for envelope in self.store.reprocess_outbox]


async def test_the_request_names_the_original_as_it_is_stored() -> None:
    world = World(1)
    assert await world.reprocessing.request(Selection(account_id=ADA), limit=10) == Outcome(requested=1)
    (envelope,) = world.store.reprocess_outbox
    photo = envelope.data
    assert (photo.photo_id, photo.owner_id, photo.etag, photo.size_bytes) == (1, ADA, "e", 3)
    assert (photo.region, photo.bucket, photo.key) == ("here", "raw", world.store.originals[1].key)
    assert envelope.id.endswith(f".{envelope.entityversion}")


async def test_a_request_says_what_the_photo_is_for() -> None:
    world = World(2)
    world.store.originals[1] = replace(world.store.originals[1], purpose=Purpose.STORY)
    await world.reprocessing.request(Selection(account_id=ADA), limit=10)
    assert [envelope.data.purpose for envelope in world.store.reprocess_outbox] == ["story", "post"]


async def test_each_request_is_above_the_outcome_of_the_last_even_if_the_clock_stands() -> None:
    world = World(1)
    for _ in range(3):
        await world.reprocessing.request(Selection(photo_ids=(1,)), limit=1)
        world.clock.move(-60)
    versions = [envelope.entityversion for envelope in world.store.reprocess_outbox]
    assert versions[1] - versions[0] >= 2
    assert versions[2] - versions[1] >= 2


async def test_a_restored_database_does_not_repeat_versions() -> None:
    world = World(1)
    await world.reprocessing.request(Selection(photo_ids=(1,)), limit=1)
    world.store.originals[1] = replace(world.store.originals[1], version=1)
    world.clock.move(1)
    await world.reprocessing.request(Selection(photo_ids=(1,)), limit=1)
    before, after = (envelope.entityversion for envelope in world.store.reprocess_outbox)
    assert after > before + 1


async def test_the_limit_holds_and_says_where_to_continue() -> None:
    world = World(250)
    first = await world.reprocessing.request(Selection(account_id=ADA), limit=120)
    assert first == Outcome(requested=120, last_photo_id=120)
    rest = await world.reprocessing.request(Selection(account_id=ADA), limit=1_000, after=120)
    assert rest == Outcome(requested=130)
    assert world.requested == list(range(1, 251))


async def test_requests_are_paced() -> None:
    world = World(250)
    began = world.clock.monotonic()
    await world.reprocessing.request(Selection(account_id=ADA), limit=1_000)
    assert world.clock.monotonic() - began >= 2


async def test_deleted_and_replaced_originals_are_not_requested() -> None:
    """media-worker would reject them, and their photos with them."""
    world = World(4)
    del world.bucket.objects[world.store.originals[2].key]
    world.bucket.objects[world.store.originals[3].key] = ("other", b"raw")
    world.store.originals[4] = replace(world.store.originals[4], etag=None)
    assert await world.reprocessing.request(Selection(account_id=ADA), limit=10) == Outcome(2, missing=1, replaced=1)
    assert world.requested == [1, 4]
    assert set(world.store.originals) == {1, 3, 4}


async def test_a_dry_run_changes_nothing() -> None:
    world = World(3)
    del world.bucket.objects[world.store.originals[2].key]
    outcome = await world.reprocessing.request(Selection(account_id=ADA), limit=2, dry_run=True)
    assert outcome == Outcome(requested=1, missing=1, last_photo_id=2)
    assert world.requested == []
    assert len(world.store.originals) == 3


async def test_object_storage_that_is_down_loses_no_original() -> None:
    world = World(3)
    world.bucket.down = True
    with pytest.raises(Unavailable):
        await world.reprocessing.request(Selection(account_id=ADA), limit=10)
    assert len(world.store.originals) == 3


def test_there_must_be_a_selection() -> None:
    with pytest.raises(ValueError, match="select"):
        Selection()
    Selection(uploaded_before=FakeClock().now() - timedelta(days=1))


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--photo", "u_SH3wjOGN5E"],
        ["--account", "ada"],
        ["--before", "2026-11-01T00:00:00"],
        ["--account", "u_SH3wjOGN5E", "--limit", "0"],
        ["--account", "u_SH3wjOGN5E", "--limit", "100001"],
        ["--account", "u_SH3wjOGN5E", "--per-second", "0"],
    ],
)
def test_the_command_refuses_what_it_cannot_mean(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        reprocess.main(arguments)
    assert caught.value.code == 2

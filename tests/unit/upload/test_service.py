"""The use cases with everything in memory: above all, what happens when a step fails."""

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from photomesh_shared.errors import InvalidRequest, Unavailable, WrongRegion
from photomesh_shared.ids import IdGenerator
from photomesh_shared.limits import PART_SIZE
from photomesh_upload.domain import NamedPart, Quotas, Status, Upload
from photomesh_upload.errors import (
    QuotaExceeded,
    SizeMismatch,
    UploadAborted,
    UploadCompleted,
    UploadExpired,
    UploadNotFound,
)
from photomesh_upload.service import Policy, UploadService
from photomesh_upload.sweeper import Sweeper
from tests.support.clock import FakeClock
from tests.unit.upload.fakes import MemoryBucket, MemoryUploads

ADA, GRACE = 101, 102
DAY = timedelta(days=1)


@dataclass
class World:
    clock: FakeClock = field(default_factory=FakeClock)
    uploads: MemoryUploads = field(default_factory=MemoryUploads)
    bucket: MemoryBucket = field(default_factory=MemoryBucket)

    def __post_init__(self) -> None:
        policy = Policy(
            region="here",
            region_number=1,
            regions={1: ("here", "https://here"), 2: ("there", "https://there")},
            upload_lifetime=DAY,
            url_lifetime=timedelta(hours=1),
            quotas=Quotas(open_uploads=5, uploads_per_day=20, bytes_per_day=10**9),
        )
        ids = IdGenerator(1, 0, self.clock)
        self.service = UploadService(self.uploads, self.bucket, ids, policy, self.clock)
        self.sweeper = Sweeper(self.uploads, self.bucket, self.clock, every_seconds=30, keep=30 * DAY)

    async def begin(self, size_bytes: int = 10, account: int = ADA) -> Upload:
        return (await self.service.begin(account, "a.jpg", "image/jpeg", size_bytes)).upload

    async def sent(self) -> Upload:
        upload = await self.begin()
        self.bucket.send(upload, 1, b"0123456789")
        return upload


@pytest.fixture
def world() -> World:
    return World()


async def test_a_completed_upload_is_one_photo_and_one_event(world: World) -> None:
    upload = await world.sent()
    done = await world.service.complete(ADA, upload.upload_id, [])
    again = await world.service.complete(ADA, upload.upload_id, [NamedPart(7, "nonsense")])
    assert done.photo_id == again.photo_id == upload.photo_id
    assert done.status is again.status is Status.COMPLETED
    [event] = world.uploads.outbox
    assert event.entityversion == 1
    assert (event.data.photo_id, event.data.owner_id, event.data.key) == (upload.photo_id, ADA, upload.key)
    assert (event.data.region, event.data.bucket, event.data.size_bytes) == ("here", "raw", 10)


async def test_completions_at_the_same_time_join_once(world: World) -> None:
    upload = await world.sent()
    done = await asyncio.gather(*(world.service.complete(ADA, upload.upload_id, []) for _ in range(20)))
    assert {each.photo_id for each in done} == {upload.photo_id}
    assert world.bucket.joins == 1
    assert len(world.uploads.outbox) == 1


async def test_a_commit_that_fails_after_the_join_is_made_good_by_a_retry(world: World) -> None:
    upload = await world.sent()
    join = world.bucket.join

    async def join_then_lose_the_database(*arguments: object) -> None:
        await join(*arguments)  # type: ignore[arg-type]
        world.uploads.away = True

    world.bucket.join = join_then_lose_the_database  # type: ignore[method-assign,assignment]
    with pytest.raises(Unavailable):
        await world.service.complete(ADA, upload.upload_id, [])
    world.uploads.away = False
    assert world.uploads.outbox == []

    shown, arrived = await world.service.show(ADA, upload.upload_id)
    assert shown.status is Status.OPEN
    assert [part.part_number for part in arrived] == [1]
    done = await world.service.complete(ADA, upload.upload_id, [])
    assert done.photo_id == upload.photo_id
    assert len(world.uploads.outbox) == 1


async def test_a_store_that_is_away_changes_nothing(world: World) -> None:
    upload = await world.sent()
    world.bucket.away = True
    with pytest.raises(Unavailable):
        await world.service.complete(ADA, upload.upload_id, [])
    with pytest.raises(Unavailable):
        await world.begin()
    world.bucket.away = False
    assert (await world.service.complete(ADA, upload.upload_id, [])).status is Status.COMPLETED
    assert list(world.uploads.rows) == [upload.upload_id]


async def test_parts_that_the_store_has_lost_end_the_upload(world: World) -> None:
    upload = await world.sent()
    world.bucket.multiparts.clear()
    with pytest.raises(UploadExpired):
        await world.service.complete(ADA, upload.upload_id, [])


async def test_a_finished_object_of_another_size_is_refused_for_good(world: World) -> None:
    upload = await world.sent()
    world.bucket.multiparts.clear()
    world.bucket.objects[upload.key] = ("etag", b"too short")
    for _ in range(2):
        with pytest.raises(SizeMismatch):
            await world.service.complete(ADA, upload.upload_id, [])
    assert world.uploads.outbox == []


async def test_what_is_refused_leaves_nothing_in_the_store(world: World) -> None:
    for _ in range(5):
        await world.begin()
    with pytest.raises(QuotaExceeded):
        await world.begin()
    world.uploads.away = True
    with pytest.raises(Unavailable):
        await world.begin(account=GRACE)
    assert len(world.bucket.multiparts) == 5


async def test_an_aborted_upload_is_cleared_and_stays_aborted(world: World) -> None:
    upload = await world.sent()
    await world.service.abort(ADA, upload.upload_id)
    await world.service.abort(ADA, upload.upload_id)
    assert world.bucket.multiparts == {}
    with pytest.raises(UploadAborted):
        await world.service.complete(ADA, upload.upload_id, [])
    with pytest.raises(UploadAborted):
        await world.service.fresh_urls(ADA, upload.upload_id, [1])


async def test_an_abort_that_could_not_clear_is_finished_by_the_sweeper(world: World) -> None:
    upload = await world.sent()
    world.bucket.away = True
    await world.service.abort(ADA, upload.upload_id)
    assert world.bucket.multiparts
    world.bucket.away = False
    await world.sweeper.sweep()
    assert world.bucket.multiparts == {}
    assert upload.upload_id in world.uploads.cleared


async def test_a_photo_cannot_be_aborted(world: World) -> None:
    upload = await world.sent()
    await world.service.complete(ADA, upload.upload_id, [])
    with pytest.raises(UploadCompleted):
        await world.service.abort(ADA, upload.upload_id)
    with pytest.raises(UploadCompleted):
        await world.service.fresh_urls(ADA, upload.upload_id, [1])
    assert upload.key in world.bucket.objects


async def test_an_expired_upload_is_over_and_swept(world: World) -> None:
    late, done = await world.sent(), await world.sent()
    await world.service.complete(ADA, done.upload_id, [])
    await world.clock.advance(DAY.total_seconds())
    with pytest.raises(UploadExpired):
        await world.service.complete(ADA, late.upload_id, [])
    with pytest.raises(UploadExpired):
        await world.service.fresh_urls(ADA, late.upload_id, [1])
    assert await world.service.list_open(ADA, before=None, limit=10) == []

    await world.sweeper.sweep()
    assert world.uploads.rows[late.upload_id].status is Status.EXPIRED
    assert world.bucket.multiparts == {}
    assert list(world.bucket.objects) == [done.key]
    assert (await world.service.complete(ADA, done.upload_id, [])).photo_id == done.photo_id


async def test_the_sweeper_clears_an_object_whose_completion_was_never_retried(world: World) -> None:
    upload = await world.sent()
    arrived = await world.bucket.arrived(upload)
    assert arrived is not None
    await world.bucket.join(upload, arrived)
    await world.clock.advance(DAY.total_seconds())
    await world.sweeper.sweep()
    assert world.bucket.objects == {}


async def test_what_ended_long_ago_is_forgotten_but_never_what_is_not_cleared(world: World) -> None:
    done, dropped = await world.sent(), await world.sent()
    await world.service.complete(ADA, done.upload_id, [])
    world.bucket.away = True
    await world.service.abort(ADA, dropped.upload_id)
    await world.clock.advance(31 * DAY.total_seconds())
    with pytest.raises(Unavailable):
        await world.sweeper.sweep()
    assert dropped.upload_id in world.uploads.rows
    world.bucket.away = False
    await world.sweeper.sweep()
    assert world.uploads.rows == {}
    assert done.key in world.bucket.objects


async def test_the_sweeper_goes_on_after_a_failure(world: World) -> None:
    upload = await world.sent()
    world.uploads.away = True
    sweeping = asyncio.create_task(world.sweeper.run())
    await world.clock.advance(DAY.total_seconds())
    world.uploads.away = False
    await world.clock.advance(30)
    sweeping.cancel()
    assert world.uploads.rows[upload.upload_id].status is Status.EXPIRED


async def test_somebody_else_s_upload_looks_like_none(world: World) -> None:
    upload = await world.sent()
    for attempt in (
        world.service.show(GRACE, upload.upload_id),
        world.service.fresh_urls(GRACE, upload.upload_id, [1]),
        world.service.complete(GRACE, upload.upload_id, []),
        world.service.abort(GRACE, upload.upload_id),
    ):
        with pytest.raises(UploadNotFound):
            await attempt
    assert world.uploads.rows[upload.upload_id].status is Status.OPEN


async def test_an_upload_of_another_region_is_sent_there(world: World) -> None:
    elsewhere = IdGenerator(2, 0, world.clock).next()
    for attempt in (
        world.service.show(ADA, elsewhere),
        world.service.fresh_urls(ADA, elsewhere, [1]),
        world.service.complete(ADA, elsewhere, []),
        world.service.abort(ADA, elsewhere),
    ):
        with pytest.raises(WrongRegion) as refusal:
            await attempt
        assert refusal.value.extensions == {"region": "there", "region_url": "https://there"}
    with pytest.raises(UploadNotFound):
        await world.service.show(ADA, IdGenerator(9, 0, world.clock).next())


async def test_urls_end_with_the_upload_at_the_latest(world: World) -> None:
    upload = await world.begin(2 * PART_SIZE)
    urls = await world.service.fresh_urls(ADA, upload.upload_id, [2, 1, 2])
    assert [part.part_number for part in urls.parts] == [1, 2]
    assert urls.expire_at == world.clock.now() + timedelta(hours=1)
    await world.clock.advance(DAY.total_seconds() - 60)
    urls = await world.service.fresh_urls(ADA, upload.upload_id, [1])
    assert urls.expire_at == upload.expires_at
    assert urls.parts[0].url.endswith("seconds=60")
    with pytest.raises(InvalidRequest) as refusal:
        await world.service.fresh_urls(ADA, upload.upload_id, [1, 3, 0])
    assert [error.pointer for error in refusal.value.errors] == ["/part_numbers/1", "/part_numbers/2"]

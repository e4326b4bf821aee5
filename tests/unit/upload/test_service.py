"""Use cases of uploads, above all when a step fails."""

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from photomesh_shared.errors import IdempotencyKeyInUse, InvalidRequest, Unavailable, WrongRegion
from photomesh_shared.events import PhotoRetentionElapsed, PhotoUploaded
from photomesh_shared.events.versions import version_at
from photomesh_shared.ids import CreationId, IdGenerator
from photomesh_shared.limits import PART_SIZE
from photomesh_upload.domain import CompletedPart, Purpose, Quotas, Status, Upload
from photomesh_upload.errors import (
    QuotaExceeded,
    SizeMismatch,
    UploadAborted,
    UploadBusy,
    UploadCompleted,
    UploadExpired,
    UploadIncomplete,
    UploadNotFound,
)
from photomesh_upload.service import Policy, UploadService
from photomesh_upload.sweeper import Sweeper
from tests.support.clock import FakeClock
from tests.support.upload import InMemoryBucket, InMemoryUploads

ADA, GRACE = 101, 102
DAY = timedelta(days=1)


@dataclass
class InMemoryService:
    clock: FakeClock = field(default_factory=FakeClock)
    store: InMemoryUploads = field(default_factory=InMemoryUploads)
    bucket: InMemoryBucket = field(default_factory=InMemoryBucket)

    def __post_init__(self) -> None:
        policy = Policy(
            region="here",
            region_number=1,
            regions={1: ("here", "https://here"), 2: ("there", "https://there")},
            upload_lifetime=DAY,
            url_lifetime=timedelta(hours=1),
            quotas=Quotas(open_uploads=5, uploads_per_day=20, bytes_per_day=10**9),
        )
        self.ids = IdGenerator(1, 0, self.clock)
        self.uploads = UploadService(self.store, self.bucket, self.ids, policy, self.clock)
        self.sweeper = Sweeper(
            self.store,
            self.bucket,
            self.clock,
            interval_seconds=30,
            retention=30 * DAY,
            keep_unusable=7 * DAY,
            keep_unused=31 * DAY,
        )

    async def create(self, size_bytes: int = 10, account: int = ADA, purpose: Purpose = Purpose.POST) -> Upload:
        creation = CreationId(self.ids.next())
        urls = await self.uploads.create_upload(creation, account, "a.jpg", "image/jpeg", size_bytes, purpose)
        return urls.upload

    async def sent(self, purpose: Purpose = Purpose.POST) -> Upload:
        upload = await self.create(purpose=purpose)
        self.bucket.send(upload, 1, b"0123456789")
        return upload


@pytest.fixture
def service() -> InMemoryService:
    return InMemoryService()


async def test_completion_yields_one_photo_and_one_event(service: InMemoryService) -> None:
    upload = await service.sent()
    done = await service.uploads.complete_upload(ADA, upload.upload_id, [])
    again = await service.uploads.complete_upload(ADA, upload.upload_id, [CompletedPart(7, "nonsense")])
    assert done.photo_id == again.photo_id == upload.photo_id
    assert done.status is again.status is Status.COMPLETED
    [event] = service.store.outbox
    assert event.entityversion == version_at(event.time)
    assert isinstance(event.data, PhotoUploaded)
    assert (event.data.photo_id, event.data.owner_id, event.data.key) == (upload.photo_id, ADA, upload.key)
    assert (event.data.region, event.data.bucket, event.data.size_bytes) == ("here", "raw", 10)


async def test_every_event_of_a_photo_says_what_it_is_for(service: InMemoryService) -> None:
    story, post = await service.sent(Purpose.STORY), await service.sent()
    for upload in (story, post):
        await service.uploads.complete_upload(ADA, upload.upload_id, [])
    await service.clock.advance(32 * DAY.total_seconds())
    await service.sweeper.sweep()
    told = [(type(event.data), event.data.purpose) for event in service.store.outbox if hasattr(event.data, "purpose")]
    for purpose in ("story", "post"):
        assert told.count((PhotoUploaded, purpose)) == 1
        assert told.count((PhotoRetentionElapsed, purpose)) == 2
    assert {one.photo_id: one.purpose for one in service.store.originals.values()} == {
        story.photo_id: Purpose.STORY,
        post.photo_id: Purpose.POST,
    }


async def test_concurrent_completions_join_once(service: InMemoryService) -> None:
    upload = await service.sent()
    done = await asyncio.gather(*(service.uploads.complete_upload(ADA, upload.upload_id, []) for _ in range(20)))
    assert {each.photo_id for each in done} == {upload.photo_id}
    assert service.bucket.joins == 1
    assert len(service.store.outbox) == 1


async def test_a_retry_recovers_from_a_failed_commit(service: InMemoryService) -> None:
    upload = await service.sent()
    join = service.bucket.join

    async def join_then_lose_the_database(*arguments: object) -> None:
        await join(*arguments)  # type: ignore[arg-type]
        service.store.down = True

    service.bucket.join = join_then_lose_the_database  # type: ignore[method-assign,assignment]
    with pytest.raises(Unavailable):
        await service.uploads.complete_upload(ADA, upload.upload_id, [])
    service.store.down = False
    assert service.store.outbox == []

    shown, stored = await service.uploads.get_upload(ADA, upload.upload_id)
    assert shown.status is Status.OPEN
    assert [part.part_number for part in stored] == [1]
    await service.clock.advance(12)  # the claim could not be released
    done = await service.uploads.complete_upload(ADA, upload.upload_id, [])
    assert done.photo_id == upload.photo_id
    assert len(service.store.outbox) == 1


async def test_a_completion_waits_for_that_of_another_process(service: InMemoryService) -> None:
    upload = await service.sent()
    now = service.clock.now()
    until = now + timedelta(seconds=12)
    assert await service.store.claim(ADA, upload.upload_id, now=now, until=until)
    waiting = asyncio.create_task(service.uploads.complete_upload(ADA, upload.upload_id, []))
    aborting = asyncio.create_task(service.uploads.abort_upload(ADA, upload.upload_id))
    await service.clock.advance(11)
    assert not waiting.done()
    assert not aborting.done()
    await service.clock.advance(2)  # the other process has crashed
    outcomes = await asyncio.gather(waiting, aborting, return_exceptions=True)
    assert sum(isinstance(outcome, UploadAborted | UploadCompleted) for outcome in outcomes) == 1


async def test_a_completion_that_lost_its_claim_publishes_nothing(service: InMemoryService) -> None:
    """Another process may have joined other parts meanwhile."""
    upload = await service.sent()
    join = service.bucket.join

    async def join_too_slowly(*arguments: object) -> object:
        joined = await join(*arguments)  # type: ignore[arg-type]
        now = service.clock.now() + timedelta(seconds=12)
        assert await service.store.claim(ADA, upload.upload_id, now=now, until=now + timedelta(seconds=12))
        return joined

    service.bucket.join = join_too_slowly  # type: ignore[method-assign,assignment]
    with pytest.raises(UploadBusy):
        await service.uploads.complete_upload(ADA, upload.upload_id, [])
    assert service.store.outbox == []
    assert service.store.rows[upload.upload_id].status is Status.OPEN


async def test_a_refused_completion_releases_its_claim(service: InMemoryService) -> None:
    upload = await service.create()
    for _ in range(2):
        with pytest.raises(UploadIncomplete):
            await service.uploads.complete_upload(ADA, upload.upload_id, [])
    assert service.store.claims == {}


async def test_the_sweeper_does_not_expire_an_upload_that_is_being_completed(service: InMemoryService) -> None:
    upload = await service.sent()
    now = upload.expires_at - timedelta(seconds=1)
    assert await service.store.claim(ADA, upload.upload_id, now=now, until=now + timedelta(seconds=12))
    await service.clock.advance(DAY.total_seconds())
    await service.sweeper.sweep()
    assert service.store.rows[upload.upload_id].status is Status.OPEN
    await service.clock.advance(12)
    await service.sweeper.sweep()
    assert service.store.rows[upload.upload_id].status is Status.EXPIRED


async def test_an_outage_of_storage_changes_nothing(service: InMemoryService) -> None:
    upload = await service.sent()
    service.bucket.down = True
    with pytest.raises(Unavailable):
        await service.uploads.complete_upload(ADA, upload.upload_id, [])
    with pytest.raises(Unavailable):
        await service.create()
    service.bucket.down = False
    assert (await service.uploads.complete_upload(ADA, upload.upload_id, [])).status is Status.COMPLETED
    assert list(service.store.rows) == [upload.upload_id]


async def test_an_upload_without_its_parts_is_expired(service: InMemoryService) -> None:
    upload = await service.sent()
    service.bucket.multiparts.clear()
    with pytest.raises(UploadExpired):
        await service.uploads.complete_upload(ADA, upload.upload_id, [])


async def test_an_object_of_another_size_is_refused(service: InMemoryService) -> None:
    upload = await service.sent()
    service.bucket.multiparts.clear()
    service.bucket.objects[upload.key] = ("etag", b"too short")
    for _ in range(2):
        with pytest.raises(SizeMismatch):
            await service.uploads.complete_upload(ADA, upload.upload_id, [])
    assert service.store.outbox == []


async def test_a_refused_upload_leaves_no_objects(service: InMemoryService) -> None:
    for _ in range(5):
        await service.create()
    with pytest.raises(QuotaExceeded):
        await service.create()
    assert len(service.bucket.multiparts) == 5


async def test_a_repeated_creation_returns_the_stored_upload(service: InMemoryService) -> None:
    upload = await service.sent()
    repeat = CreationId(upload.upload_id, repeated=True)
    urls = await service.uploads.create_upload(repeat, ADA, "a.jpg", "image/jpeg", 10)
    assert urls.upload == upload
    assert list(service.bucket.multiparts) == [upload.multipart_id]
    assert (await service.uploads.complete_upload(ADA, upload.upload_id, [])).photo_id == upload.photo_id
    with pytest.raises(UploadCompleted):
        await service.uploads.create_upload(repeat, ADA, "a.jpg", "image/jpeg", 10)


async def test_a_repeated_creation_after_an_attempt_without_effect(service: InMemoryService) -> None:
    creation_id = service.ids.next()
    service.store.down = True
    with pytest.raises(Unavailable):
        await service.uploads.create_upload(CreationId(creation_id), ADA, "a.jpg", "image/jpeg", 10)
    service.store.down = False
    repeat = CreationId(creation_id, repeated=True)
    urls = await service.uploads.create_upload(repeat, ADA, "a.jpg", "image/jpeg", 10)
    assert urls.upload.upload_id == creation_id
    assert list(service.store.rows) == [creation_id]


async def test_an_uncertain_commit_keeps_the_multipart_upload(service: InMemoryService) -> None:
    """The row may be stored although the database did not answer; a repeat then returns URLs that work."""
    creation_id = service.ids.next()
    add = service.store.add

    async def commit_without_an_answer(upload: Upload, quotas: Quotas) -> None:
        await add(upload, quotas)
        raise Unavailable

    service.store.add = commit_without_an_answer  # type: ignore[method-assign]
    with pytest.raises(Unavailable):
        await service.uploads.create_upload(CreationId(creation_id), ADA, "a.jpg", "image/jpeg", 10)
    repeat = CreationId(creation_id, repeated=True)
    urls = await service.uploads.create_upload(repeat, ADA, "a.jpg", "image/jpeg", 10)
    service.bucket.send(urls.upload, 1, b"0123456789")
    assert (await service.uploads.complete_upload(ADA, creation_id, [])).status is Status.COMPLETED


async def test_a_slow_attempt_does_not_disturb_the_stored_upload(service: InMemoryService) -> None:
    upload = await service.sent()
    with pytest.raises(IdempotencyKeyInUse):
        await service.uploads.create_upload(CreationId(upload.upload_id), ADA, "a.jpg", "image/jpeg", 10)
    assert list(service.bucket.multiparts) == [upload.multipart_id]
    assert (await service.uploads.complete_upload(ADA, upload.upload_id, [])).photo_id == upload.photo_id


async def test_an_aborted_upload_is_deleted_and_stays_aborted(service: InMemoryService) -> None:
    upload = await service.sent()
    await service.uploads.abort_upload(ADA, upload.upload_id)
    await service.uploads.abort_upload(ADA, upload.upload_id)
    assert service.bucket.multiparts == {}
    with pytest.raises(UploadAborted):
        await service.uploads.complete_upload(ADA, upload.upload_id, [])
    with pytest.raises(UploadAborted):
        await service.uploads.create_part_urls(ADA, upload.upload_id, [1])


async def test_the_sweeper_finishes_an_interrupted_abort(service: InMemoryService) -> None:
    upload = await service.sent()
    service.bucket.down = True
    await service.uploads.abort_upload(ADA, upload.upload_id)
    assert service.bucket.multiparts
    service.bucket.down = False
    await service.sweeper.sweep()
    assert service.bucket.multiparts == {}
    assert upload.upload_id in service.store.deleted


async def test_a_completed_upload_cannot_be_aborted(service: InMemoryService) -> None:
    upload = await service.sent()
    await service.uploads.complete_upload(ADA, upload.upload_id, [])
    with pytest.raises(UploadCompleted):
        await service.uploads.abort_upload(ADA, upload.upload_id)
    with pytest.raises(UploadCompleted):
        await service.uploads.create_part_urls(ADA, upload.upload_id, [1])
    assert upload.key in service.bucket.objects


async def test_the_sweeper_expires_uploads(service: InMemoryService) -> None:
    late, done = await service.sent(), await service.sent()
    await service.uploads.complete_upload(ADA, done.upload_id, [])
    await service.clock.advance(DAY.total_seconds())
    with pytest.raises(UploadExpired):
        await service.uploads.complete_upload(ADA, late.upload_id, [])
    with pytest.raises(UploadExpired):
        await service.uploads.create_part_urls(ADA, late.upload_id, [1])
    assert await service.uploads.list_open_uploads(ADA, before=None, limit=10) == []

    await service.sweeper.sweep()
    assert service.store.rows[late.upload_id].status is Status.EXPIRED
    assert service.bucket.multiparts == {}
    assert list(service.bucket.objects) == [done.key]
    assert (await service.uploads.complete_upload(ADA, done.upload_id, [])).photo_id == done.photo_id


async def test_the_sweeper_deletes_an_object_whose_completion_was_not_retried(service: InMemoryService) -> None:
    upload = await service.sent()
    stored = await service.bucket.list_parts(upload)
    assert stored is not None
    await service.bucket.join(upload, stored)
    await service.clock.advance(DAY.total_seconds())
    await service.sweeper.sweep()
    assert service.bucket.objects == {}


async def test_rows_are_deleted_after_retention_and_after_their_objects(service: InMemoryService) -> None:
    done, dropped = await service.sent(), await service.sent()
    await service.uploads.complete_upload(ADA, done.upload_id, [])
    service.bucket.down = True
    await service.uploads.abort_upload(ADA, dropped.upload_id)
    await service.clock.advance(31 * DAY.total_seconds())
    with pytest.raises(Unavailable):
        await service.sweeper.sweep()
    assert dropped.upload_id in service.store.rows
    service.bucket.down = False
    await service.sweeper.sweep()
    assert service.store.rows == {}
    assert done.key in service.bucket.objects


async def test_copies_of_parts_count_against_the_quota(service: InMemoryService) -> None:
    upload = await service.create(1_000)
    today = (ADA, service.clock.now().date())
    for _ in range(2):
        service.bucket.send(upload, 1, bytes(1_000))
    await service.sweeper.sweep()
    assert service.store.usage[today] == (1, 1_000)  # not audited yet: most uploads take seconds
    await service.clock.advance(60)
    for _ in range(2):
        await service.sweeper.sweep()
        assert service.store.usage[today] == (1, 2_000)
    assert (await service.uploads.complete_upload(ADA, upload.upload_id, [])).status is Status.COMPLETED


async def test_an_upload_with_too_many_copies_of_parts_is_expired(service: InMemoryService) -> None:
    """One URL, PUT again and again, keeps no more than its share for longer than the next audit."""
    size = 2 * PART_SIZE
    hoarding, honest = await service.create(size), await service.create(size)
    for _ in range(6):
        service.bucket.send(hoarding, 1, bytes(PART_SIZE))
    for part_number in (1, 2, 1, 2, 1):
        service.bucket.send(honest, part_number, bytes(PART_SIZE))
    await service.clock.advance(60)
    await service.sweeper.sweep()
    assert list(service.bucket.multiparts) == [honest.multipart_id]
    with pytest.raises(UploadExpired):
        await service.uploads.complete_upload(ADA, hoarding.upload_id, [])
    counted = sum(total for _, total in service.store.usage.values())
    assert counted == 6 * PART_SIZE + 5 * PART_SIZE


async def test_an_audit_during_an_outage_of_storage_is_repeated(service: InMemoryService) -> None:
    upload = await service.create()
    for _ in range(4):
        service.bucket.send(upload, 1, bytes(PART_SIZE))
    await service.clock.advance(60)
    service.bucket.down = True
    with pytest.raises(Unavailable):
        await service.sweeper.sweep()
    service.bucket.down = False
    await service.sweeper.sweep()
    assert service.store.rows[upload.upload_id].status is Status.EXPIRED


async def test_audits_of_an_upload_are_a_minute_apart(service: InMemoryService) -> None:
    for _ in range(3):
        await service.create()
    listed = 0
    list_parts = service.bucket.list_parts

    async def count(upload: Upload) -> object:
        nonlocal listed
        listed += 1
        return await list_parts(upload)

    service.bucket.list_parts = count  # type: ignore[method-assign,assignment]
    for _ in range(10):
        await service.clock.advance(30)
        await service.sweeper.sweep()
    assert listed == 3 * 5


async def test_the_sweeper_continues_after_a_failure(service: InMemoryService) -> None:
    upload = await service.sent()
    service.store.down = True
    sweeping = asyncio.create_task(service.sweeper.run())
    await service.clock.advance(DAY.total_seconds())
    service.store.down = False
    await service.clock.advance(30)
    sweeping.cancel()
    assert service.store.rows[upload.upload_id].status is Status.EXPIRED


async def test_an_upload_of_another_account_looks_absent(service: InMemoryService) -> None:
    upload = await service.sent()
    for attempt in (
        service.uploads.get_upload(GRACE, upload.upload_id),
        service.uploads.create_part_urls(GRACE, upload.upload_id, [1]),
        service.uploads.complete_upload(GRACE, upload.upload_id, []),
        service.uploads.abort_upload(GRACE, upload.upload_id),
    ):
        with pytest.raises(UploadNotFound):
            await attempt
    assert service.store.rows[upload.upload_id].status is Status.OPEN


async def test_an_upload_of_another_region_is_redirected(service: InMemoryService) -> None:
    elsewhere = IdGenerator(2, 0, service.clock).next()
    for attempt in (
        service.uploads.get_upload(ADA, elsewhere),
        service.uploads.create_part_urls(ADA, elsewhere, [1]),
        service.uploads.complete_upload(ADA, elsewhere, []),
        service.uploads.abort_upload(ADA, elsewhere),
    ):
        with pytest.raises(WrongRegion) as refusal:
            await attempt
        assert refusal.value.extensions == {"region": "there", "region_url": "https://there"}
    with pytest.raises(UploadNotFound):
        await service.uploads.get_upload(ADA, IdGenerator(9, 0, service.clock).next())


async def test_urls_expire_with_the_upload(service: InMemoryService) -> None:
    upload = await service.create(2 * PART_SIZE)
    urls = await service.uploads.create_part_urls(ADA, upload.upload_id, [2, 1, 2])
    assert [part.part_number for part in urls.parts] == [1, 2]
    assert urls.expire_at == service.clock.now() + timedelta(hours=1)
    await service.clock.advance(DAY.total_seconds() - 60)
    urls = await service.uploads.create_part_urls(ADA, upload.upload_id, [1])
    assert urls.expire_at == upload.expires_at
    assert urls.parts[0].url.endswith("seconds=60")
    with pytest.raises(InvalidRequest) as refusal:
        await service.uploads.create_part_urls(ADA, upload.upload_id, [1, 3, 0])
    assert [error.pointer for error in refusal.value.errors] == ["/part_numbers/1", "/part_numbers/2"]


async def test_completed_uploads_are_announced_after_a_week_and_after_a_month(service: InMemoryService) -> None:
    uploads = [await service.sent() for _ in range(3)]
    for upload in uploads[:2]:
        await service.uploads.complete_upload(ADA, upload.upload_id, [])
    service.store.outbox.clear()  # the third stays open, and expires
    announced: dict[int, list[tuple[int, str]]] = {}
    for day in range(1, 33):
        await service.clock.advance(DAY.total_seconds())
        await service.sweeper.sweep()
        elapsed = [event.data for event in service.store.outbox if isinstance(event.data, PhotoRetentionElapsed)]
        announced[day] = [(event.photo_id, event.stage) for event in elapsed]
    photos = [upload.photo_id for upload in uploads[:2]]
    assert announced[6] == []
    assert announced[8] == announced[30] == [(photo, "unusable") for photo in photos]
    assert announced[32] == announced[30] + [(photo, "unused") for photo in photos]
    assert len({event.id for event in service.store.outbox}) == 4
    assert not service.store.rows.keys() & {upload.upload_id for upload in uploads}

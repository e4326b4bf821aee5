"""The store and the bucket in memory, which unit tests use, behave like the real ones."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from photomesh_shared.clock import SystemClock
from photomesh_shared.events import Envelope, Event, PhotoReprocessRequested, PhotoUploaded
from photomesh_shared.ids import IdGenerator
from photomesh_shared.limits import PART_SIZE
from photomesh_shared.stores.object_storage import open_storage
from photomesh_shared.stores.postgres import open_pool
from photomesh_upload.domain import (
    CompletedPart,
    FileInfo,
    Original,
    Quotas,
    Selection,
    Status,
    StoredPart,
    Upload,
    select_parts,
)
from photomesh_upload.errors import PartsMismatch, QuotaExceeded
from photomesh_upload.objects import RawBucket
from photomesh_upload.protocols import RawObjects, UploadStore
from photomesh_upload.reprocessing import OriginalStore
from photomesh_upload.settings import Settings
from photomesh_upload.store import PostgresUploads
from photomesh_upload.sweeper import SweepStore
from tests.integration.upload.api_users import content_of
from tests.support.services import settings_from
from tests.support.upload import InMemoryBucket, InMemoryUploads
from tests.support.waiting import eventually

NOW = datetime(2001, 1, 1, 12, 0, tzinfo=UTC)  # so that sweeping up to it affects no other test
DAY = timedelta(days=1)
UNTIL, LATER = NOW + timedelta(seconds=12), NOW + timedelta(seconds=24)
NO_LIMIT = Quotas(10**6, 10**6, 10**15)
_ids = IdGenerator(1, 1023, SystemClock())


class Store(UploadStore, SweepStore, OriginalStore):
    """All methods of the store."""


def new_upload(account_id: int | None = None, size_bytes: int = 10, created_at: datetime = NOW) -> Upload:
    return Upload(
        upload_id=_ids.next(),
        account_id=account_id or _ids.next(),
        photo_id=_ids.next(),
        file=FileInfo("a.jpg", "image/jpeg", size_bytes),
        multipart_id="none",
        created_at=created_at,
        expires_at=created_at + DAY,
    )


def uploaded(upload: Upload) -> Envelope[PhotoUploaded]:
    event = PhotoUploaded(
        photo_id=upload.photo_id,
        upload_id=upload.upload_id,
        owner_id=upload.account_id,
        region="local",
        bucket="raw",
        key=upload.key,
        etag="e",
        size_bytes=10,
        content_type="image/jpeg",
        filename="a.jpg",
        uploaded_at=NOW,
    )
    return Envelope.of(event, entityversion=1, time=NOW)


@pytest.fixture(params=["memory", "postgres"])
async def uploads(request: pytest.FixtureRequest, environment: Mapping[str, str]) -> AsyncIterator[Store]:
    if request.param == "memory":
        yield InMemoryUploads()  # type: ignore[misc]
        return
    async with open_pool(environment["PHOTOMESH_POSTGRES_DSN"]) as pool:
        yield PostgresUploads(pool)  # type: ignore[misc]
        await pool.execute("DELETE FROM uploads WHERE created_at < $1", NOW + 100 * DAY)
        await pool.execute("DELETE FROM originals WHERE uploaded_at < $1", NOW + 100 * DAY)
        await pool.execute("DELETE FROM outbox WHERE headers->>'ce_time' LIKE '2001-%'")


async def test_find_returns_an_upload_to_its_account_only(uploads: Store) -> None:
    upload = new_upload(size_bytes=2**40)
    await uploads.add(upload, NO_LIMIT)
    assert await uploads.find(upload.account_id, upload.upload_id) == upload
    assert await uploads.find(upload.account_id + 1, upload.upload_id) is None
    assert await uploads.claim(upload.account_id + 1, upload.upload_id, now=NOW, until=UNTIL) is None
    assert not await uploads.abort(upload.account_id + 1, upload.upload_id, NOW)


async def test_list_open(uploads: Store) -> None:
    account = _ids.next()
    first, second, third, stale = (
        new_upload(account),
        new_upload(account),
        new_upload(account),
        new_upload(account, created_at=NOW - DAY),
    )
    for upload in (first, second, third, stale):
        await uploads.add(upload, NO_LIMIT)
    await uploads.abort(account, second.upload_id, NOW)
    assert await uploads.list_open(account, now=NOW, before=None, limit=9) == [third, first]
    assert await uploads.list_open(account, now=NOW, before=None, limit=1) == [third]
    assert await uploads.list_open(account, now=NOW, before=third.upload_id, limit=9) == [first]


async def test_a_completed_upload_cannot_be_aborted(uploads: Store) -> None:
    upload = new_upload()
    await uploads.add(upload, NO_LIMIT)
    assert await uploads.claim(upload.account_id, upload.upload_id, now=NOW, until=UNTIL) == upload
    assert await uploads.complete(upload.upload_id, UNTIL, uploaded(upload))
    assert await uploads.find(upload.account_id, upload.upload_id) == replace(upload, status=Status.COMPLETED)
    assert not await uploads.abort(upload.account_id, upload.upload_id, UNTIL)
    assert not await uploads.complete(upload.upload_id, UNTIL, uploaded(upload))
    assert await uploads.claim(upload.account_id, upload.upload_id, now=UNTIL, until=LATER) is None


async def completed(uploads: Store, account_id: int | None = None) -> Upload:
    upload = new_upload(account_id)
    await uploads.add(upload, NO_LIMIT)
    assert await uploads.claim(upload.account_id, upload.upload_id, now=NOW, until=UNTIL)
    assert await uploads.complete(upload.upload_id, UNTIL, uploaded(upload))
    return upload


async def test_an_original_outlives_its_upload(uploads: Store) -> None:
    upload = await completed(uploads)
    everything = Selection(account_id=upload.account_id)
    expected = Original(
        photo_id=upload.photo_id,
        upload_id=upload.upload_id,
        account_id=upload.account_id,
        content_type="image/jpeg",
        size_bytes=10,
        etag="e",
        uploaded_at=NOW,
        version=1,
        filename="a.jpg",
    )
    assert await uploads.find_originals(everything, after=0, limit=9) == [expected]
    assert await uploads.delete_ended(NOW + DAY, 0, 10) == 1
    assert await uploads.find_originals(everything, after=0, limit=9) == [replace(expected, filename="")]
    await uploads.forget_originals([upload.photo_id])
    assert await uploads.find_originals(everything, after=0, limit=9) == []


async def test_originals_are_selected_by_all_conditions_in_order(uploads: Store) -> None:
    account = _ids.next()
    photos = [(await completed(uploads, account)).photo_id for _ in range(3)]
    other = (await completed(uploads)).photo_id

    async def selected(selection: Selection, after: int = 0, limit: int = 9) -> list[int]:
        return [original.photo_id for original in await uploads.find_originals(selection, after=after, limit=limit)]

    assert await selected(Selection(account_id=account)) == photos
    assert await selected(Selection(account_id=account), after=photos[0], limit=1) == photos[1:2]
    assert await selected(Selection(photo_ids=(other, photos[2]))) == [photos[2], other]
    assert await selected(Selection(photo_ids=(other,), account_id=account)) == []
    assert await selected(Selection(account_id=account, uploaded_before=NOW)) == []
    assert await selected(Selection(account_id=account, uploaded_before=LATER)) == photos


async def test_a_request_is_recorded_unless_another_has_passed_it(uploads: Store) -> None:
    upload = await completed(uploads)
    (original,) = await uploads.find_originals(Selection(photo_ids=(upload.photo_id,)), after=0, limit=1)
    raw = uploaded(upload).data.model_dump()

    def request(version: int) -> Envelope[PhotoReprocessRequested]:
        return Envelope.of(PhotoReprocessRequested(**raw, requested_at=NOW), entityversion=version, time=NOW)

    assert await uploads.request_reprocessing([request(3)]) == 1
    assert await uploads.request_reprocessing([request(3), request(4)]) == 0  # 4 is the outcome's
    assert await uploads.request_reprocessing([request(5)]) == 1
    assert await uploads.find_originals(Selection(photo_ids=(upload.photo_id,)), after=0, limit=1) == [
        replace(original, version=5)
    ]


async def test_claims_are_exclusive_until_they_end(uploads: Store) -> None:
    upload = new_upload()
    await uploads.add(upload, NO_LIMIT)
    claims = [uploads.claim(upload.account_id, upload.upload_id, now=NOW, until=UNTIL) for _ in range(5)]
    assert (await asyncio.gather(*claims)).count(None) == 4
    assert not await uploads.abort(upload.account_id, upload.upload_id, NOW)

    assert await uploads.claim(upload.account_id, upload.upload_id, now=UNTIL, until=LATER) == upload
    assert not await uploads.complete(upload.upload_id, UNTIL, uploaded(upload))  # the first has lost its claim
    await uploads.release(upload.upload_id, UNTIL)
    assert not await uploads.abort(upload.account_id, upload.upload_id, UNTIL)
    await uploads.release(upload.upload_id, LATER)
    assert await uploads.abort(upload.account_id, upload.upload_id, UNTIL)


async def test_claims_and_the_sweeper(uploads: Store) -> None:
    stale = new_upload(created_at=NOW - DAY + timedelta(seconds=1))
    await uploads.add(stale, NO_LIMIT)
    assert await uploads.claim(stale.account_id, stale.upload_id, now=NOW, until=UNTIL) == stale
    assert await uploads.expire(NOW + timedelta(seconds=2), 10) == 0
    assert await uploads.claim(stale.account_id, stale.upload_id, now=UNTIL, until=LATER) is None  # it has expired
    assert await uploads.expire(UNTIL, 10) == 1


@pytest.mark.parametrize(
    ("quotas", "allowed"),
    [(Quotas(3, 99, 999), 3), (Quotas(99, 4, 999), 4), (Quotas(99, 99, 55), 5)],
    ids=["open", "per day", "bytes"],
)
async def test_quotas_hold_under_concurrency(uploads: Store, quotas: Quotas, allowed: int) -> None:
    account = _ids.next()
    added = await asyncio.gather(*(uploads.add(new_upload(account), quotas) for _ in range(12)), return_exceptions=True)
    assert added.count(None) == allowed
    assert all(isinstance(outcome, QuotaExceeded) for outcome in added if outcome is not None)
    await uploads.add(new_upload(account, created_at=NOW + 2 * DAY), quotas)


async def test_sweeping(uploads: Store) -> None:
    stale, fresh, done = new_upload(created_at=NOW - DAY), new_upload(), new_upload()
    for upload in (stale, fresh, done):
        await uploads.add(upload, NO_LIMIT)
    assert await uploads.claim(done.account_id, done.upload_id, now=NOW, until=UNTIL)
    assert await uploads.complete(done.upload_id, UNTIL, uploaded(done))

    assert await uploads.expire(NOW, 10) == 1
    assert await uploads.expire(NOW, 10) == 0
    assert (await uploads.find(stale.account_id, stale.upload_id)) == replace(stale, status=Status.EXPIRED)
    assert [upload.upload_id for upload in await uploads.to_delete(1)] == [stale.upload_id]
    await uploads.mark_deleted([stale.upload_id])
    assert stale.upload_id not in {upload.upload_id for upload in await uploads.to_delete(100)}
    assert await uploads.delete_ended(NOW + DAY, 2, 10) == 1
    assert await uploads.find(stale.account_id, stale.upload_id) is None
    assert await uploads.find(done.account_id, done.upload_id)  # its photo's time is not over
    assert await uploads.find(fresh.account_id, fresh.upload_id) == fresh


async def test_completed_uploads_are_announced_once_for_each_stage(uploads: Store) -> None:
    done, later = new_upload(), new_upload()
    for upload, time in ((done, NOW), (later, NOW + DAY)):
        await uploads.add(upload, NO_LIMIT)
        assert await uploads.claim(upload.account_id, upload.upload_id, now=NOW, until=UNTIL)
        assert await uploads.complete(upload.upload_id, UNTIL, replace(uploaded(upload), time=time))
    announced: list[tuple[int, int]] = []

    def event_of(upload: Upload) -> Envelope[Event]:
        announced.append((upload.upload_id, stage))
        return uploaded(upload)

    for stage in (1, 0, 0, 1, 1):
        await uploads.announce(stage, NOW, event_of, 10)
    assert announced == [(done.upload_id, 0), (done.upload_id, 1)]
    assert await uploads.delete_ended(NOW + 2 * DAY, 2, 10) == 1
    assert await uploads.find(done.account_id, done.upload_id) is None
    assert await uploads.find(later.account_id, later.upload_id)


async def test_audits(uploads: Store) -> None:
    """Stored bytes count against the day's quota once, however often they are seen."""
    quotas = Quotas(99, 99, bytes_per_day=100)
    upload = new_upload(size_bytes=40)
    await uploads.add(upload, quotas)
    assert upload in await uploads.to_audit(NOW, 100)
    for stored_bytes in (30, 70, 70, 60):
        await uploads.record_audit(upload, stored_bytes, NOW)
    assert upload not in await uploads.to_audit(NOW - timedelta(seconds=1), 100)
    with pytest.raises(QuotaExceeded):
        await uploads.add(new_upload(upload.account_id, size_bytes=31), quotas)
    await uploads.add(new_upload(upload.account_id, size_bytes=30), quotas)

    tomorrow = NOW + timedelta(hours=13)
    await uploads.record_audit(upload, 80, tomorrow)
    with pytest.raises(QuotaExceeded):
        await uploads.add(new_upload(upload.account_id, size_bytes=91, created_at=tomorrow), quotas)
    await uploads.add(new_upload(upload.account_id, size_bytes=90, created_at=tomorrow), quotas)

    assert await uploads.claim(upload.account_id, upload.upload_id, now=NOW, until=UNTIL)
    assert not await uploads.expire_upload(upload.upload_id, NOW)
    assert await uploads.expire_upload(upload.upload_id, UNTIL)
    assert not await uploads.expire_upload(upload.upload_id, UNTIL)
    assert upload.upload_id not in {found.upload_id for found in await uploads.to_audit(LATER, 100)}


async def test_the_sweep_lease_is_exclusive_and_holds_no_connection(environment: Mapping[str, str]) -> None:
    async with open_pool(environment["PHOTOMESH_POSTGRES_DSN"]) as pool:
        store = PostgresUploads(pool)

        async def try_twice() -> tuple[bool, bool, int]:
            async with store.sweep_lease() as first, store.sweep_lease() as second:
                return first, second, pool.get_size() - pool.get_idle_size()

        tried = await eventually(try_twice, until=lambda tried: tried[0])  # a running service sweeps too
        assert tried == (True, False, 0)
        await eventually(try_twice, until=lambda tried: tried[0])  # it ends with the sweep
        async with store.sweep_lease():
            await pool.execute("UPDATE sweeps SET leased_until = now()")  # as after a crash, and some minutes
            assert (await try_twice())[0]


@dataclass
class Bucket:
    """A bucket, and the client's PUT."""

    objects: RawObjects
    send: Callable[[Upload, int, bytes], Awaitable[str]]

    async def create(self, size_bytes: int) -> Upload:
        upload = new_upload(size_bytes=size_bytes)
        return replace(upload, multipart_id=await self.objects.create_multipart(upload.key, "image/jpeg"))


@pytest.fixture(params=["memory", "seaweedfs"])
async def bucket(
    request: pytest.FixtureRequest, environment: Mapping[str, str], storage: httpx.AsyncClient
) -> AsyncIterator[Bucket]:
    if request.param == "memory":
        memory = InMemoryBucket()

        async def keep(upload: Upload, part_number: int, content: bytes) -> str:
            return memory.send(upload, part_number, content)

        yield Bucket(memory, keep)
        return
    settings = settings_from(Settings, environment)
    async with open_storage(settings) as s3:
        objects = RawBucket(s3, settings.raw_bucket)

        async def put(upload: Upload, part_number: int, content: bytes) -> str:
            answer = await storage.put(await objects.presign_part(upload, part_number, 60), content=content)
            assert answer.status_code == 200, answer.text
            return answer.headers["etag"].strip('"')

        yield Bucket(objects, put)


async def test_joining_parts(bucket: Bucket) -> None:
    content = content_of(PART_SIZE + 10)
    upload = await bucket.create(len(content))
    assert await bucket.objects.list_parts(upload) == []
    assert await bucket.objects.find(upload) is None
    second = await bucket.send(upload, 2, content[PART_SIZE:])
    first = await bucket.send(upload, 1, content[:PART_SIZE])
    arrived = await bucket.objects.list_parts(upload)
    assert arrived == [StoredPart(1, first, PART_SIZE), StoredPart(2, second, 10)]
    stored = await bucket.objects.join(upload, arrived)
    assert stored is not None
    assert stored.size_bytes == len(content)
    assert await bucket.objects.find(upload) == stored
    assert await bucket.objects.list_parts(upload) is None
    assert await bucket.objects.join(upload, arrived) in (None, stored)
    await bucket.objects.delete(upload)
    assert await bucket.objects.find(upload) is None


async def test_joining_unknown_parts(bucket: Bucket) -> None:
    upload = await bucket.create(10)
    await bucket.send(upload, 1, content_of(10))
    with pytest.raises(PartsMismatch):
        await bucket.objects.join(upload, [StoredPart(1, "0" * 32, 10)])
    assert await bucket.objects.find(upload) is None


async def test_joining_a_part_that_was_sent_again(bucket: Bucket) -> None:
    upload = await bucket.create(10)
    await bucket.send(upload, 1, content_of(10))
    etag = await bucket.send(upload, 1, content_of(10))
    arrived = await bucket.objects.list_parts(upload)
    assert arrived is not None
    await bucket.objects.join(upload, select_parts(upload, arrived, [CompletedPart(1, etag)]))
    assert await bucket.objects.find(upload) is not None


async def test_deleting_is_idempotent(bucket: Bucket) -> None:
    upload = await bucket.create(10)
    await bucket.send(upload, 1, content_of(10))
    for _ in range(2):
        await bucket.objects.delete(upload)
        assert await bucket.objects.list_parts(upload) is None

"""Completion: idempotent, under concurrency and after crashes; later PUTs have no effect."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import httpx
import pytest

from photomesh_shared.events import PhotoUploaded
from photomesh_shared.limits import PART_SIZE
from photomesh_shared.stores.object_storage import open_storage
from photomesh_upload.settings import Settings
from tests.integration.upload.api_users import ApiUser, content_of
from tests.support.kafka import Topics
from tests.support.problems import expect_problem
from tests.support.services import Process, process, settings_from
from tests.support.tokens import Issuer, free_port

if TYPE_CHECKING:
    from photomesh_shared.stores.postgres import Connection


async def _assert_published_once(photo_id: str, topics: Topics, database: Connection) -> PhotoUploaded:
    [envelope] = await topics.wait_for("photos_uploaded", photo_id)
    written = await database.fetchval("SELECT count(*) FROM outbox WHERE event_id = $1", envelope.id)
    assert written == 1
    assert isinstance(envelope.data, PhotoUploaded)
    return envelope.data


@pytest.mark.parametrize("size", [1000, PART_SIZE + 1000], ids=["single", "parts"])
async def test_concurrent_completions_yield_one_photo_and_one_event(
    ada: ApiUser, topics: Topics, database: Connection, size: int
) -> None:
    upload_id, parts = await ada.sent(content_of(size))
    photo_ids = await asyncio.gather(*(ada.complete(upload_id, parts) for _ in range(50)))
    assert len(set(photo_ids)) == 1
    assert await ada.complete(upload_id, parts) == photo_ids[0]
    await _assert_published_once(photo_ids[0], topics, database)


async def test_concurrent_completion_and_abort_end_in_one_of_the_two(ada: ApiUser) -> None:
    for _ in range(10):
        upload_id, parts = await ada.sent(content_of(100))
        completed, aborted = await asyncio.gather(
            ada.try_complete(upload_id, parts), ada.request("DELETE", f"/{upload_id}")
        )
        if completed.status_code == 201:
            expect_problem(aborted, 409, "upload-completed")
        else:
            expect_problem(completed, 410, "upload-aborted")
            assert aborted.status_code == 204


@pytest.mark.parametrize("size", [1000, PART_SIZE + 1000], ids=["single", "parts"])
async def test_a_second_put_after_complete_changes_nothing(
    ada: ApiUser, topics: Topics, environment: Mapping[str, str], size: int
) -> None:
    content = content_of(size)
    created = await ada.init(size)
    photo_id = await ada.complete(created["id"], await ada.send(created, content))
    url = created["presigned_url"] or created["parts"][-1]["presigned_url"]
    late = await ada.storage.put(url, content=content_of(1000))
    assert late.status_code == 404
    [envelope] = await topics.wait_for("photos_uploaded", photo_id)
    assert isinstance(envelope.data, PhotoUploaded)
    async with open_storage(settings_from(Settings, environment)) as raw:
        assert await raw.get("raw", envelope.data.key, max_bytes=size) == content
        assert (await raw.head("raw", envelope.data.key)).etag == envelope.data.etag


async def test_a_put_that_is_under_way_during_complete_changes_nothing(
    ada: ApiUser, topics: Topics, environment: Mapping[str, str]
) -> None:
    content, other = content_of(4_000_000), content_of(4_000_000)
    created = await ada.init(len(content))
    url, parts = created["presigned_url"], await ada.send(created, content)
    half_sent, completed = asyncio.Event(), asyncio.Event()

    async def slowly() -> object:
        yield other[:2_000_000]
        half_sent.set()
        await completed.wait()
        yield other[2_000_000:]

    late = asyncio.create_task(
        ada.storage.put(url, content=slowly(), headers={"Content-Length": str(len(other))})  # type: ignore[arg-type]
    )
    await half_sent.wait()
    photo_id = await ada.complete(created["id"], parts)
    completed.set()
    await late
    [envelope] = await topics.wait_for("photos_uploaded", photo_id)
    assert isinstance(envelope.data, PhotoUploaded)
    async with open_storage(settings_from(Settings, environment)) as raw:
        assert await raw.get("raw", envelope.data.key, max_bytes=len(content)) == content


@pytest.mark.parametrize("size", [1000, PART_SIZE + 1000], ids=["single", "parts"])
@pytest.mark.parametrize("failpoint", ["upload.after_store_complete", "upload.after_commit"])
async def test_a_crash_loses_and_duplicates_nothing(
    environment: Mapping[str, str],
    issuer: Issuer,
    new_id: Callable[[], int],
    storage: httpx.AsyncClient,
    topics: Topics,
    database: Connection,
    failpoint: str,
    size: int,
) -> None:
    account_id, content = new_id(), content_of(size)

    @asynccontextmanager
    async def uploader(failpoints: str = "") -> AsyncIterator[tuple[ApiUser, Process]]:
        async with process("photomesh_upload", environment, port=free_port(), failpoints=failpoints) as running:
            async with httpx.AsyncClient(base_url=running.url, timeout=30) as api:  # outlasts the claim of the crashed
                yield ApiUser(api, storage, account_id, issuer.headers(account_id)), running

    async with uploader(f"{failpoint}=kill") as (ada, crashing):
        upload_id, parts = await ada.sent(content)
        with pytest.raises(httpx.TransportError):
            await ada.try_complete(upload_id, parts)
        assert await crashing.ended() == -9

    async with uploader() as (ada, _):
        state = await ada.get_upload(upload_id)
        assert state["status"] == ("open" if failpoint == "upload.after_store_complete" else "completed")
        assert state["missing_part_numbers"] == []
        photo_id = await ada.complete(upload_id, parts)
        assert await ada.complete(upload_id, parts) == photo_id
        delivered = await topics.wait_for("photos_uploaded", photo_id)

    # One event, possibly delivered twice: the killed relay may have sent it without marking it.
    assert len({envelope.id for envelope in delivered}) == 1
    assert await database.fetchval("SELECT count(*) FROM outbox WHERE event_id = $1", delivered[0].id) == 1
    event = delivered[0].data
    assert isinstance(event, PhotoUploaded)
    async with open_storage(settings_from(Settings, environment)) as raw:
        assert await raw.get("raw", event.key, max_bytes=size) == content


async def test_a_repeat_after_a_lost_response_returns_the_same_upload(
    environment: Mapping[str, str], issuer: Issuer, new_id: Callable[[], int], storage: httpx.AsyncClient
) -> None:
    account_id = new_id()
    file = {"filename": "a.jpg", "size_bytes": 10, "content_type": "image/jpeg"}
    async with process(
        "photomesh_upload", environment, port=free_port(), failpoints="upload.after_add=raise"
    ) as running:
        async with httpx.AsyncClient(base_url=running.url) as api:
            ada = ApiUser(api, storage, account_id, issuer.headers(account_id))
            headers = ada.headers | {"Idempotency-Key": "monday's photo"}
            lost = await api.post("/v1/uploads/init", json=file, headers=headers)
            expect_problem(lost, 500, "internal-error")
            [stored] = (await ada.request("GET", "")).json()["items"]
            created = (await api.post("/v1/uploads/init", json=file, headers=headers)).json()
            assert created["id"] == stored["id"]
            assert len((await ada.request("GET", "")).json()["items"]) == 1
            await ada.complete(created["id"], await ada.send(created, content_of(10)))


async def test_a_crash_during_init_leaves_no_upload(
    environment: Mapping[str, str], issuer: Issuer, new_id: Callable[[], int], storage: httpx.AsyncClient
) -> None:
    account_id = new_id()
    spec = "upload.after_store_begin=kill"
    async with process("photomesh_upload", environment, port=free_port(), failpoints=spec) as crashing:
        async with httpx.AsyncClient(base_url=crashing.url) as api:
            with pytest.raises(httpx.TransportError):
                await ApiUser(api, storage, account_id, issuer.headers(account_id)).init()
    async with process("photomesh_upload", environment, port=free_port()) as healed:
        async with httpx.AsyncClient(base_url=healed.url) as api:
            ada = ApiUser(api, storage, account_id, issuer.headers(account_id))
            assert (await ada.request("GET", "")).json()["items"] == []
            await ada.complete(*await ada.sent(content_of(10)))

"""Expiry of uploads; metrics, health, and the OpenAPI document."""

from __future__ import annotations

from datetime import timedelta

from photomesh_shared.limits import PART_SIZE
from tests.integration.upload.api_users import ApiUser, content_of
from tests.integration.upload.conftest import NewUser, Serving
from tests.support.clock import MovableClock
from tests.support.problems import expect_problem
from tests.support.waiting import eventually


async def test_a_stale_upload_expires_and_is_deleted(serving: Serving) -> None:
    clock = MovableClock()
    async with serving(clock, upload_seconds="60", sweep_seconds="0.1") as new_user:
        ada = new_user()
        content = content_of(PART_SIZE + 10)
        created = await ada.init(len(content))
        stale, url = created["id"], created["parts"][0]["presigned_url"]
        parts = await ada.send(created, content)
        done, done_parts = await ada.sent(content_of(10))
        photo_id = await ada.complete(done, done_parts)

        clock.ahead = timedelta(seconds=61)
        expect_problem(await ada.try_complete(stale, parts), 410, "upload-expired")
        expect_problem(await ada.request("POST", f"/{stale}/parts", {"part_numbers": [1]}), 410, "upload-expired")
        assert (await ada.get_upload(stale))["status"] == "expired"
        assert (await ada.request("GET", "")).json()["items"] == []

        async def late_put() -> int:
            return (await ada.storage.put(url, content=content[:PART_SIZE])).status_code

        assert await eventually(late_put, until=lambda status: status == 404)
        expect_problem(await ada.try_complete(stale, parts), 410, "upload-expired")
        assert (await ada.request("DELETE", f"/{stale}")).status_code == 204
        assert (await ada.get_upload(stale))["status"] == "expired"
        assert await ada.complete(done, done_parts) == photo_id


async def test_a_url_that_is_used_again_and_again_ends_its_upload(serving: Serving) -> None:
    clock = MovableClock()
    async with serving(clock, sweep_seconds="0.1") as new_user:
        hoarder = new_user()
        created = await hoarder.init(1_000_000)
        for _ in range(9):
            await hoarder.put(created["presigned_url"], content_of(1_000_000))
        clock.ahead = timedelta(seconds=61)

        async def status() -> str:
            found: str = (await hoarder.get_upload(created["id"]))["status"]
            return found

        assert await eventually(status, until=lambda found: found == "expired")

        async def late_put() -> int:
            return (await hoarder.storage.put(created["presigned_url"], content=content_of(1_000_000))).status_code

        assert await eventually(late_put, until=lambda code: code == 404)


async def test_metrics(new_user: NewUser) -> None:
    ada = new_user()
    upload_id, parts = await ada.sent(content_of(10))
    await ada.try_complete(upload_id, [{"part_number": 1, "etag": "0"}])
    await ada.complete(upload_id, parts)
    await ada.complete(upload_id, parts)
    await ada.try_init(0x7FFFFFFF)
    metrics = (await ada.api.get("/metrics")).text
    for line in (
        'photomesh_upload_inits_total{outcome="created"}',
        'photomesh_upload_inits_total{outcome="photo-too-large"}',
        'photomesh_upload_completes_total{outcome="completed"}',
        'photomesh_upload_completes_total{outcome="repeated"}',
        'photomesh_upload_completes_total{outcome="parts-mismatch"}',
        "photomesh_uploads_open",
        "photomesh_uploads_expired_total",
        "photomesh_outbox_backlog",
    ):
        assert line in metrics


async def test_health(ada: ApiUser) -> None:
    assert (await ada.api.get("/healthz")).text == "ok"
    assert (await ada.api.get("/readyz")).json() == {"ready": True, "failures": {}}


async def test_every_operation_is_documented(ada: ApiUser) -> None:
    document = (await ada.api.get("/openapi.json")).json()
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    assert len(operations) == 6
    for operation in operations:
        assert operation["summary"]
        assert operation["description"]
        assert {"401", "422", "503"} <= operation["responses"].keys()
    for schema in ("UploadCreate", "UploadUrls", "PartUrlsCreate", "PartUrls", "UploadComplete", "UploadCompletion"):
        assert document["components"]["schemas"][schema]["examples"]

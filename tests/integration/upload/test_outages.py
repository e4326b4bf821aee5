"""Outages of Redis and object storage: readiness, and what is served all the same."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.integration.upload.api_users import ApiUser, content_of
from tests.integration.upload.conftest import Serving
from tests.support.problems import expect_problem
from tests.support.waiting import eventually

FILE = {"filename": "a.jpg", "size_bytes": 10, "content_type": "image/jpeg"}


async def test_without_redis_uploads_are_completed(serving: Serving, ada: ApiUser) -> None:
    upload_id, parts = await ada.sent(content_of(10))
    async with serving(redis_url="redis://127.0.0.1:9/0") as new_user:
        without_redis = ApiUser(new_user().api, ada.storage, ada.account_id, ada.headers)
        assert (await without_redis.api.get("/readyz")).json() == {"ready": True, "failures": {}}
        answer = await without_redis.api.post("/v1/uploads/init", json=FILE, headers=ada.headers)
        expect_problem(answer, 503, "unavailable")
        await without_redis.complete(upload_id, parts)


async def test_without_object_storage_uploads_are_listed(serving: Serving, ada: ApiUser) -> None:
    created = await ada.init(10)
    async with serving(s3_endpoint="http://127.0.0.1:9") as new_user:
        without_storage = ApiUser(new_user().api, ada.storage, ada.account_id, ada.headers)
        assert (await without_storage.api.get("/readyz")).json() == {"ready": True, "failures": {}}
        [listed] = (await without_storage.request("GET", "")).json()["items"]
        assert listed["id"] == created["id"]
        answer = await without_storage.api.post("/v1/uploads/init", json=FILE, headers=ada.headers)
        expect_problem(answer, 503, "object-storage-unavailable")


class SilentServer:
    """Accepts connections and never answers."""

    def __init__(self) -> None:
        self.url = ""
        self.connections = 0

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        await reader.read()
        writer.close()

    async def has_connections(self) -> int:
        return self.connections


@pytest.fixture
async def silent_server() -> AsyncIterator[SilentServer]:
    silent = SilentServer()
    async with await asyncio.start_server(silent.accept, "127.0.0.1", 0) as server:
        silent.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield silent


async def test_completions_hold_no_connection_while_object_storage_is_slow(
    serving: Serving, ada: ApiUser, silent_server: SilentServer
) -> None:
    uploads = [await ada.sent(content_of(10)) for _ in range(4)]
    async with serving(s3_endpoint=silent_server.url, postgres_pool="3") as new_user:  # relay, sweeper, requests
        slow = ApiUser(new_user().api, ada.storage, ada.account_id, ada.headers)
        completing = [
            asyncio.create_task(
                slow.api.post(f"/v1/uploads/{upload_id}/complete", json={"parts": parts}, headers=ada.headers)
            )
            for upload_id, parts in uploads
        ]
        await eventually(silent_server.has_connections, until=lambda count: count >= 4)
        assert len((await slow.request("GET", "")).json()["items"]) == 4
        assert not any(task.done() for task in completing)
        for answer in await asyncio.gather(*completing):
            expect_problem(answer, 503, "object-storage-unavailable")
    await ada.complete(*uploads[0])  # the claim was released

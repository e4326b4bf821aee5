"""Outages of Redis and object storage: readiness, and what is served all the same."""

from __future__ import annotations

from tests.integration.upload.api_users import ApiUser, content_of
from tests.integration.upload.conftest import Serving
from tests.support.problems import expect_problem

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
        assert listed["upload_id"] == created["upload_id"]
        answer = await without_storage.api.post("/v1/uploads/init", json=FILE, headers=ada.headers)
        expect_problem(answer, 503, "object-storage-unavailable")

"""Successful uploads, also with interruptions: from `init` to the event."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

import httpx
import pytest

from photomesh_shared.events import PhotoUploaded
from photomesh_shared.events.versions import version_at
from photomesh_shared.ids import decode
from photomesh_shared.limits import MAX_UPLOAD_BYTES, MULTIPART_THRESHOLD, PART_SIZE
from tests.integration.upload.api_users import ApiUser, content_of
from tests.support.kafka import Topics
from tests.support.objects import open_all_objects
from tests.support.problems import expect_problem


@pytest.mark.parametrize("size", [1, 1000, MULTIPART_THRESHOLD], ids=["one byte", "1 kB", "5 MB"])
async def test_a_small_file_has_one_url(
    ada: ApiUser, topics: Topics, environment: Mapping[str, str], size: int
) -> None:
    content = content_of(size)
    created = await ada.init(size, filename="Ölberg.JPG", content_type="image/HEIF")
    assert created["parts"] is None
    assert created["region"] == "local"
    photo_id = await ada.complete(created["id"], await ada.send(created, content))

    [envelope] = await topics.wait_for("photos_uploaded", photo_id)
    event = envelope.data
    assert isinstance(event, PhotoUploaded)
    assert envelope.entityversion == version_at(envelope.time)
    assert event.owner_id == ada.account_id
    assert event.upload_id == decode("up", created["id"])
    assert (event.filename, event.content_type, event.size_bytes) == ("Ölberg.JPG", "image/heic", size)
    async with open_all_objects() as raw:
        assert await raw.get(event.bucket, event.key, max_bytes=size) == content
        info = await raw.head(event.bucket, event.key)
    assert (info.etag, info.content_type) == (event.etag, "image/heic")


@pytest.mark.parametrize(
    ("size", "sizes"),
    [
        (MULTIPART_THRESHOLD + 1, [MULTIPART_THRESHOLD + 1]),
        (2 * PART_SIZE, [PART_SIZE, PART_SIZE]),
        (MAX_UPLOAD_BYTES, [PART_SIZE] * 9 + [MAX_UPLOAD_BYTES - 9 * PART_SIZE]),
    ],
    ids=["just over 5 MB", "10 MiB", "50 MB"],
)
async def test_a_large_file_is_split(
    ada: ApiUser, topics: Topics, environment: Mapping[str, str], size: int, sizes: list[int]
) -> None:
    content = content_of(size)
    created = await ada.init(size)
    assert created["presigned_url"] is None
    assert [part["size_bytes"] for part in created["parts"]] == sizes
    photo_id = await ada.complete(created["id"], await ada.send(created, content))
    [envelope] = await topics.wait_for("photos_uploaded", photo_id)
    assert isinstance(envelope.data, PhotoUploaded)
    async with open_all_objects() as raw:
        assert await raw.get("raw", envelope.data.key, max_bytes=size) == content


async def test_an_upload_for_a_story_says_so_to_the_end(ada: ApiUser, topics: Topics) -> None:
    created = await ada.init(10, purpose="story")
    assert (await ada.get_upload(created["id"]))["purpose"] == "story"
    photo_id = await ada.complete(created["id"], await ada.send(created, content_of(10)))
    [envelope] = await topics.wait_for("photos_uploaded", photo_id)
    assert envelope.data.model_dump()["purpose"] == "story"
    assert (await ada.get_upload(created["id"]))["purpose"] == "story"
    expect_problem(await ada.try_init(10, purpose="reel"), 422, "invalid-request", "/purpose")


async def test_urls_lead_to_object_storage(ada: ApiUser, environment: Mapping[str, str]) -> None:
    created = await ada.init(2 * PART_SIZE)
    store = urlsplit(environment["PHOTOMESH_S3_PUBLIC_ENDPOINT"]).netloc
    for part in created["parts"]:
        url = urlsplit(part["presigned_url"])
        assert url.netloc == store
        assert (
            "X-Amz-SignedHeaders=content-length%3Bhost" in url.query
        )  # no checksum, which plain clients would not send


async def test_resuming_an_upload(ada: ApiUser) -> None:
    content = content_of(2 * PART_SIZE + 1000)
    created = await ada.init(len(content))
    upload_id = created["id"]
    state = await ada.get_upload(upload_id)
    assert (state["status"], state["parts"], state["missing_part_numbers"]) == ("open", [], [1, 2, 3])
    assert state["photo_id"] is None
    await ada.put(created["parts"][1]["presigned_url"], content[PART_SIZE : 2 * PART_SIZE])

    # A client that has lost everything finds the id in the list of open uploads.
    [listed] = (await ada.request("GET", "")).json()["items"]
    assert listed["id"] == upload_id
    state = await ada.get_upload(upload_id)
    assert state["missing_part_numbers"] == [1, 3]
    assert [(part["part_number"], part["size_bytes"]) for part in state["parts"]] == [(2, PART_SIZE)]
    urls = await ada.create_part_urls(upload_id, *state["missing_part_numbers"])
    await ada.put(urls[1], content[:PART_SIZE])
    await ada.put(urls[3], content[2 * PART_SIZE :])
    state = await ada.get_upload(upload_id)
    assert state["missing_part_numbers"] == []
    parts = [{"part_number": part["part_number"], "etag": part["etag"]} for part in state["parts"]]
    photo_id = await ada.complete(upload_id, parts)

    state = await ada.get_upload(upload_id)
    assert (state["status"], state["photo_id"], state["missing_part_numbers"]) == ("completed", photo_id, [])
    assert (await ada.request("GET", "")).json() == {"items": [], "next_cursor": None}


async def test_resuming_an_upload_of_a_single_part(ada: ApiUser) -> None:
    content = content_of(500)
    upload_id = (await ada.init(500))["id"]
    assert (await ada.get_upload(upload_id))["missing_part_numbers"] == [1]
    await ada.put((await ada.create_part_urls(upload_id, 1))[1], content)
    assert (await ada.get_upload(upload_id))["parts"][0]["size_bytes"] == 500
    await ada.complete(upload_id)


async def test_sending_a_part_again(ada: ApiUser, topics: Topics) -> None:
    content = content_of(PART_SIZE + 1000)
    created = await ada.init(len(content))
    first, second = (part["presigned_url"] for part in created["parts"])
    good = await ada.put(first, content[:PART_SIZE])
    garbled = await ada.put(second, content_of(1000))
    repaired = await ada.put(second, content[PART_SIZE:])
    assert garbled != repaired
    parts = [{"part_number": 2, "etag": repaired}, {"part_number": 1, "etag": good}]
    photo_id = await ada.complete(created["id"], parts)
    assert len(await topics.wait_for("photos_uploaded", photo_id)) == 1


@pytest.mark.parametrize("body", [None, {}, {"parts": None}, {"parts": []}], ids=["none", "empty", "null", "no parts"])
async def test_the_list_of_a_single_part_may_be_omitted(ada: ApiUser, body: object) -> None:
    upload_id, _ = await ada.sent(content_of(100))
    response = await ada.request("POST", f"/{upload_id}/complete", body)
    assert response.status_code == 201


async def test_pages_of_open_uploads(ada: ApiUser) -> None:
    created = [(await ada.init())["id"] for _ in range(5)]
    seen, path = [], "?limit=2"
    while path:
        response = await ada.request("GET", path)
        page = response.json()
        seen += [item["id"] for item in page["items"]]
        assert ("link" in response.headers) == (page["next_cursor"] is not None)
        path = f"?limit=2&cursor={page['next_cursor']}" if page["next_cursor"] else ""
    assert seen == created[::-1]
    expect_problem(await ada.request("GET", "?cursor=nonsense"), 400, "invalid-cursor")


async def test_a_repeat_with_the_same_key_returns_the_same_upload(ada: ApiUser) -> None:
    announced = {"filename": "a.jpg", "size_bytes": 10, "content_type": "image/jpeg"}
    key = {"Idempotency-Key": "tuesday's photo"}
    first = await ada.request("POST", "/init", announced, **key)
    again = await ada.request("POST", "/init", announced, **key)
    assert again.status_code == first.status_code
    assert again.json()["id"] == first.json()["id"]
    assert again.headers["idempotency-replayed"] == "true"
    other = await ada.request("POST", "/init", announced | {"size_bytes": 11}, **key)
    expect_problem(other, 422, "idempotency-key-reused")


async def test_cross_origin_requests_to_object_storage(ada: ApiUser, storage: httpx.AsyncClient) -> None:
    created = await ada.init(100)
    preflight_headers = {"Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "content-type"}
    preflight = await storage.options(
        created["presigned_url"], headers={"Origin": "https://app.example"} | preflight_headers
    )
    assert preflight.status_code == 200
    assert "PUT" in preflight.headers["access-control-allow-methods"]
    assert "content-type" in preflight.headers["access-control-allow-headers"].lower()
    sent = await storage.put(
        created["presigned_url"],
        content=content_of(100),
        headers={"Origin": "https://app.example"} | created["headers"],
    )
    assert sent.status_code == 200
    assert sent.headers["access-control-allow-origin"] in ("*", "https://app.example")
    assert "etag" in sent.headers["access-control-expose-headers"].lower()

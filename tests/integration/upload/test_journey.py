"""Uploads that go well, with interruptions: from `init` to the event, the bytes unharmed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import httpx
import pytest

from photomesh_shared.events import PhotoUploaded
from photomesh_shared.ids import decode
from photomesh_shared.limits import MAX_UPLOAD_BYTES, MULTIPART_THRESHOLD, PART_SIZE
from photomesh_shared.stores.object_storage import ObjectStorage, open_storage
from photomesh_upload.settings import Settings
from tests.integration.upload.uploader import Uploader, content_of, expect_problem
from tests.support.kafka import Topics
from tests.support.services import settings_from


@asynccontextmanager
async def _raw(environment: Mapping[str, str]) -> AsyncIterator[ObjectStorage]:
    async with open_storage(settings_from(Settings, environment)) as storage:
        yield storage


@pytest.mark.parametrize("size", [1, 1000, MULTIPART_THRESHOLD], ids=["one byte", "1 kB", "5 MB"])
async def test_a_small_photo_is_one_put(
    ada: Uploader, topics: Topics, environment: Mapping[str, str], size: int
) -> None:
    content = content_of(size)
    begun = await ada.init(size, filename="Ölberg.JPG", content_type="image/HEIF")
    assert begun["parts"] is None
    assert begun["region"] == "local"
    photo_id = await ada.complete(begun["upload_id"], await ada.send(begun, content))

    [envelope] = await topics.wait_for("photos_uploaded", photo_id)
    event = envelope.data
    assert isinstance(event, PhotoUploaded)
    assert envelope.entityversion == 1
    assert event.owner_id == ada.account_id
    assert event.upload_id == decode("up", begun["upload_id"])
    assert (event.filename, event.content_type, event.size_bytes) == ("Ölberg.JPG", "image/heic", size)
    async with _raw(environment) as raw:
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
async def test_a_large_photo_goes_in_parts(
    ada: Uploader, topics: Topics, environment: Mapping[str, str], size: int, sizes: list[int]
) -> None:
    content = content_of(size)
    begun = await ada.init(size)
    assert begun["presigned_url"] is None
    assert [part["size_bytes"] for part in begun["parts"]] == sizes
    photo_id = await ada.complete(begun["upload_id"], await ada.send(begun, content))
    [envelope] = await topics.wait_for("photos_uploaded", photo_id)
    assert isinstance(envelope.data, PhotoUploaded)
    async with _raw(environment) as raw:
        assert await raw.get("raw", envelope.data.key, max_bytes=size) == content


async def test_bytes_go_to_the_store_and_not_through_the_service(ada: Uploader, environment: Mapping[str, str]) -> None:
    begun = await ada.init(2 * PART_SIZE)
    store = urlsplit(environment["PHOTOMESH_S3_PUBLIC_ENDPOINT"]).netloc
    for part in begun["parts"]:
        url = urlsplit(part["presigned_url"])
        assert url.netloc == store
        assert "X-Amz-SignedHeaders=content-length%3Bhost" in url.query  # no checksum that a plain client lacks


async def test_an_interrupted_upload_is_resumed_from_what_the_service_says(ada: Uploader) -> None:
    content = content_of(2 * PART_SIZE + 1000)
    begun = await ada.init(len(content))
    upload_id = begun["upload_id"]
    state = await ada.state(upload_id)
    assert (state["status"], state["parts"], state["missing_part_numbers"]) == ("open", [], [1, 2, 3])
    assert state["photo_id"] is None
    await ada.put(begun["parts"][1]["presigned_url"], content[PART_SIZE : 2 * PART_SIZE])

    # All that is left is the upload's id, which the list of open uploads gives too.
    [listed] = (await ada.ask("GET", "")).json()["items"]
    assert listed["upload_id"] == upload_id
    state = await ada.state(upload_id)
    assert state["missing_part_numbers"] == [1, 3]
    assert [(part["part_number"], part["size_bytes"]) for part in state["parts"]] == [(2, PART_SIZE)]
    urls = await ada.fresh(upload_id, *state["missing_part_numbers"])
    await ada.put(urls[1], content[:PART_SIZE])
    await ada.put(urls[3], content[2 * PART_SIZE :])
    state = await ada.state(upload_id)
    assert state["missing_part_numbers"] == []
    parts = [{"part_number": part["part_number"], "etag": part["etag"]} for part in state["parts"]]
    photo_id = await ada.complete(upload_id, parts)

    state = await ada.state(upload_id)
    assert (state["status"], state["photo_id"], state["missing_part_numbers"]) == ("completed", photo_id, [])
    assert (await ada.ask("GET", "")).json() == {"items": [], "next_cursor": None}


async def test_a_small_photo_is_resumed_with_a_fresh_url_for_part_1(ada: Uploader) -> None:
    content = content_of(500)
    upload_id = (await ada.init(500))["upload_id"]
    assert (await ada.state(upload_id))["missing_part_numbers"] == [1]
    await ada.put((await ada.fresh(upload_id, 1))[1], content)
    assert (await ada.state(upload_id))["parts"][0]["size_bytes"] == 500
    await ada.complete(upload_id)


async def test_a_part_that_failed_is_sent_again_and_the_rest_is_not(ada: Uploader, topics: Topics) -> None:
    content = content_of(PART_SIZE + 1000)
    begun = await ada.init(len(content))
    first, second = (part["presigned_url"] for part in begun["parts"])
    good = await ada.put(first, content[:PART_SIZE])
    garbled = await ada.put(second, content_of(1000))
    repaired = await ada.put(second, content[PART_SIZE:])
    assert garbled != repaired
    parts = [{"part_number": 2, "etag": repaired}, {"part_number": 1, "etag": good}]
    photo_id = await ada.complete(begun["upload_id"], parts)
    assert len(await topics.wait_for("photos_uploaded", photo_id)) == 1


@pytest.mark.parametrize("body", [None, {}, {"parts": None}, {"parts": []}], ids=["none", "empty", "null", "no parts"])
async def test_a_client_may_forget_the_parts_of_a_small_photo(ada: Uploader, body: object) -> None:
    upload_id, _ = await ada.sent(content_of(100))
    response = await ada.ask("POST", f"/{upload_id}/complete", body)
    assert response.status_code == 201


async def test_the_list_of_open_uploads_has_pages(ada: Uploader) -> None:
    begun = [(await ada.init())["upload_id"] for _ in range(5)]
    seen, path = [], "?limit=2"
    while path:
        response = await ada.ask("GET", path)
        page = response.json()
        seen += [item["upload_id"] for item in page["items"]]
        assert ("link" in response.headers) == (page["next_cursor"] is not None)
        path = f"?limit=2&cursor={page['next_cursor']}" if page["next_cursor"] else ""
    assert seen == begun[::-1]
    expect_problem(await ada.ask("GET", "?cursor=nonsense"), 400, "invalid-cursor")


async def test_a_repeated_init_with_the_same_key_is_the_same_upload(ada: Uploader) -> None:
    announced = {"filename": "a.jpg", "size_bytes": 10, "content_type": "image/jpeg"}
    key = {"Idempotency-Key": "tuesday's photo"}
    first = await ada.ask("POST", "/init", announced, **key)
    again = await ada.ask("POST", "/init", announced, **key)
    assert again.json() == first.json()
    assert again.headers["idempotency-replayed"] == "true"
    other = await ada.ask("POST", "/init", announced | {"size_bytes": 11}, **key)
    expect_problem(other, 422, "idempotency-key-reused")


async def test_a_page_of_another_site_may_upload_and_read_the_etag(ada: Uploader, storage: httpx.AsyncClient) -> None:
    begun = await ada.init(100)
    asks = {"Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "content-type"}
    preflight = await storage.options(begun["presigned_url"], headers={"Origin": "https://app.example"} | asks)
    assert preflight.status_code == 200
    assert "PUT" in preflight.headers["access-control-allow-methods"]
    assert "content-type" in preflight.headers["access-control-allow-headers"].lower()
    sent = await storage.put(
        begun["presigned_url"], content=content_of(100), headers={"Origin": "https://app.example"} | begun["headers"]
    )
    assert sent.status_code == 200
    assert sent.headers["access-control-allow-origin"] in ("*", "https://app.example")
    assert "etag" in sent.headers["access-control-expose-headers"].lower()

"""Invalid requests are answered with a problem, and lose nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from urllib.parse import parse_qs, urlsplit

import pytest

from photomesh_shared.clock import SystemClock
from photomesh_shared.ids import IdGenerator, encode
from photomesh_shared.limits import PART_SIZE
from photomesh_shared.stores.object_storage import open_storage
from photomesh_upload.settings import Settings
from tests.integration.upload.api_users import ApiUser, content_of
from tests.integration.upload.conftest import Serving
from tests.support.problems import expect_problem
from tests.support.services import settings_from


@pytest.mark.parametrize(
    ("changes", "code", "pointer"),
    [
        ({"size_bytes": 0}, "invalid-request", "/size_bytes"),
        ({"size_bytes": -1}, "invalid-request", "/size_bytes"),
        ({"size_bytes": "1000"}, "invalid-request", "/size_bytes"),
        ({"size_bytes": 10.5}, "invalid-request", "/size_bytes"),
        ({"size_bytes": True}, "invalid-request", "/size_bytes"),
        ({"size_bytes": None}, "invalid-request", "/size_bytes"),
        ({"size_bytes": 50_000_001}, "photo-too-large", "/size_bytes"),
        ({"size_bytes": 10**30}, "photo-too-large", "/size_bytes"),
        ({"content_type": "image/gif"}, "unsupported-type", "/content_type"),
        ({"content_type": "text/html"}, "unsupported-type", "/content_type"),
        ({"content_type": ""}, "invalid-request", "/content_type"),
        ({"content_type": "x" * 101}, "invalid-request", "/content_type"),
        ({"filename": ""}, "invalid-request", "/filename"),
        ({"filename": "   "}, "invalid-request", "/filename"),
        ({"filename": "x" * 256}, "invalid-request", "/filename"),
        ({"filename": "a\x00b"}, "invalid-request", "/filename"),
        ({"filename": "a\r\nb"}, "invalid-request", "/filename"),
        ({"filename": 7}, "invalid-request", "/filename"),
    ],
)
async def test_invalid_announcements(ada: ApiUser, changes: dict[str, object], code: str, pointer: str) -> None:
    problem = expect_problem(await ada.try_init(**changes), 422, code)  # type: ignore[arg-type]
    assert problem["errors"][0]["pointer"] == pointer


async def test_a_lone_surrogate_in_the_filename(ada: ApiUser) -> None:
    body = b'{"filename": "\\ud800", "size_bytes": 1, "content_type": "image/jpeg"}'
    headers = ada.headers | {"Content-Type": "application/json"}
    expect_problem(await ada.api.post("/v1/uploads/init", content=body, headers=headers), 422, "invalid-request")


@pytest.mark.parametrize("path", ["/init", "/up_1/parts", "/up_1/complete"])
async def test_malformed_json(ada: ApiUser, path: str) -> None:
    for body in (b"{", b"\xff\xfe", b'{"size_bytes": 1'):
        headers = ada.headers | {"Content-Type": "application/json"}
        response = await ada.api.post(f"/v1/uploads{path}", content=body, headers=headers)
        expect_problem(response, 400, "malformed-json")


async def test_missing_tokens(ada: ApiUser) -> None:
    upload_id = (await ada.init())["id"]
    ada.headers = {}
    for method, path in (("GET", ""), ("GET", f"/{upload_id}"), ("DELETE", f"/{upload_id}"), ("POST", "/init")):
        expect_problem(await ada.request(method, path), 401, "missing-token")


async def test_storage_refuses_another_size_than_announced(ada: ApiUser) -> None:
    created = await ada.init(1000)
    for size in (0, 999, 1001, 100_000):
        refused = await ada.storage.put(created["presigned_url"], content=content_of(size))
        assert refused.status_code == 403
    problem = expect_problem(await ada.try_complete(created["id"]), 409, "upload-incomplete")
    assert problem["missing_part_numbers"] == [1]
    await ada.send(created, content_of(1000))
    await ada.complete(created["id"])


async def test_a_part_of_another_size_is_refused(ada: ApiUser, environment: Mapping[str, str]) -> None:
    """In case object storage does not check the signed length."""
    for size in (999, 1001, 0):
        created = await ada.init(1000)
        await ada.put(await _for_any_size(created["presigned_url"], environment), content_of(size))
        problem = expect_problem(await ada.try_complete(created["id"]), 422, "size-mismatch")
        assert (problem["announced_bytes"], problem["arrived_bytes"]) == (1000, size)


async def test_missing_parts_are_listed(ada: ApiUser) -> None:
    content = content_of(3 * PART_SIZE)
    created = await ada.init(len(content))
    etag = await ada.put(created["parts"][1]["presigned_url"], content[:PART_SIZE])
    response = await ada.try_complete(created["id"], [{"part_number": 2, "etag": etag}])
    assert expect_problem(response, 409, "upload-incomplete")["missing_part_numbers"] == [1, 3]
    await ada.complete(created["id"], await ada.send(created, content))


async def test_wrong_etags_are_refused_without_losing_parts(ada: ApiUser) -> None:
    content = content_of(PART_SIZE + 1000)
    upload_id, (first, second) = await ada.sent(content)
    foreign = {"part_number": 2, "etag": "0" * 32}
    swapped = [{"part_number": 1, "etag": second["etag"]}, {"part_number": 2, "etag": first["etag"]}]
    for parts, wrong in (
        ([], [1, 2]),
        ([first], [2]),
        ([second], [1]),
        ([first, foreign], [2]),
        (swapped, [1, 2]),
        ([first, second, second], [2]),
        ([first, second, {"part_number": 3, "etag": "0" * 32}], [3]),
    ):
        problem = expect_problem(await ada.try_complete(upload_id, parts), 422, "parts-mismatch")
        assert problem["part_numbers"] == wrong
    for malformed in (
        "x",
        [first, {"part_number": 2}],
        [{"part_number": 0, "etag": "x"}],
        [{"part_number": 1, "etag": ""}],
        [{"part_number": "1", "etag": "x"}],
        [first] * 101,
    ):
        expect_problem(await ada.try_complete(upload_id, malformed), 422, "invalid-request")
    await ada.complete(upload_id, [first, second])


async def test_a_wrong_etag_of_a_single_part_is_refused(ada: ApiUser) -> None:
    upload_id, parts = await ada.sent(content_of(10))
    wrong = [{"part_number": 1, "etag": "0" * 32}]
    expect_problem(await ada.try_complete(upload_id, wrong), 422, "parts-mismatch")
    await ada.complete(upload_id, parts)


async def test_urls_for_part_numbers_out_of_range(ada: ApiUser) -> None:
    upload_id = (await ada.init(2 * PART_SIZE))["id"]
    for numbers in ([0], [3], [-1], [10**20], [], [1] * 11, ["x"], None):
        expect_problem(
            await ada.request("POST", f"/{upload_id}/parts", {"part_numbers": numbers}), 422, "invalid-request"
        )


async def test_an_upload_of_another_account_looks_absent(ada: ApiUser, grace: ApiUser) -> None:
    upload_id, parts = await ada.sent(content_of(10))
    absent = encode("up", IdGenerator(1, 0, SystemClock()).next())
    for target in (upload_id, absent):
        for method, path, body in _routes(target):
            expect_problem(await grace.request(method, path, body), 404, "upload-not-found")
    await ada.complete(upload_id, parts)
    for method, path, body in _routes(upload_id):
        expect_problem(await grace.request(method, path, body), 404, "upload-not-found")


@pytest.mark.parametrize("upload_id", ["p_8aB3x9Q2", "8aB3x9Q2", "up_", "up_!", "up_é"])
async def test_malformed_ids(ada: ApiUser, upload_id: str) -> None:
    for method, path, body in _routes(upload_id):
        response = await ada.request(method, path, body)
        assert expect_problem(response, 422, "invalid-request")["errors"][0]["pointer"] == "/upload_id"


async def test_an_upload_of_another_region_is_redirected(serving: Serving) -> None:
    regions = '{"local": {"number": 1, "url": "http://here"}, "eu": {"number": 2, "url": "https://eu.example"}}'
    async with serving(regions=regions) as new_user:
        ada = new_user()
        for method, path, body in _routes(encode("up", IdGenerator(2, 0, SystemClock()).next())):
            problem = expect_problem(await ada.request(method, path, body), 421, "wrong-region")
            assert (problem["region"], problem["region_url"]) == ("eu", "https://eu.example")
        for method, path, body in _routes(encode("up", IdGenerator(9, 0, SystemClock()).next())):
            expect_problem(await ada.request(method, path, body), 404, "upload-not-found")


async def test_an_abort_of_an_old_version_is_refused(ada: ApiUser) -> None:
    content = content_of(PART_SIZE + 10)
    created = await ada.init(len(content))
    path = f"/{created['id']}"
    tag = (await ada.request("GET", path)).headers["etag"]
    headers = ada.headers | {"If-Match": tag}
    await ada.send(created, content)
    expect_problem(await ada.api.delete(f"/v1/uploads{path}", headers=headers), 412, "precondition-failed")
    headers["If-Match"] = (await ada.request("GET", path)).headers["etag"]
    for _ in range(2):
        assert (await ada.api.delete(f"/v1/uploads{path}", headers=headers)).status_code == 204


@pytest.mark.parametrize("digits", ["zzzzzzzzzzz", "01"])
async def test_an_id_that_exists_nowhere_is_not_found(ada: ApiUser, digits: str) -> None:
    for method, path, body in _routes(f"up_{digits}"):
        expect_problem(await ada.request(method, path, body), 404, "upload-not-found")


async def test_an_aborted_upload_stays_aborted(ada: ApiUser) -> None:
    content = content_of(PART_SIZE + 10)
    created = await ada.init(len(content))
    parts = await ada.send(created, content)
    upload_id = created["id"]
    for _ in range(2):
        assert (await ada.request("DELETE", f"/{upload_id}")).status_code == 204
    assert (await ada.get_upload(upload_id))["status"] == "aborted"
    expect_problem(await ada.try_complete(upload_id, parts), 410, "upload-aborted")
    expect_problem(await ada.request("POST", f"/{upload_id}/parts", {"part_numbers": [1]}), 410, "upload-aborted")
    late = await ada.storage.put(created["parts"][0]["presigned_url"], content=content[:PART_SIZE])
    assert late.status_code == 404


async def test_a_completed_upload_cannot_be_aborted(ada: ApiUser) -> None:
    upload_id, parts = await ada.sent(content_of(10))
    photo_id = await ada.complete(upload_id, parts)
    problem = expect_problem(await ada.request("DELETE", f"/{upload_id}"), 409, "upload-completed")
    assert problem["photo_id"] == photo_id
    expect_problem(await ada.request("POST", f"/{upload_id}/parts", {"part_numbers": [1]}), 409, "upload-completed")
    assert await ada.complete(upload_id, parts) == photo_id


@pytest.mark.parametrize(
    ("settings", "size", "allowed", "quota"),
    [
        ({"max_open_uploads": "3"}, 10, 3, "open_uploads"),
        ({"max_uploads_per_day": "4"}, 10, 4, "uploads_per_day"),
        ({"max_bytes_per_day": "1000"}, 400, 2, "bytes_per_day"),
    ],
)
async def test_quotas_hold_under_concurrency(
    serving: Serving, settings: dict[str, str], size: int, allowed: int, quota: str
) -> None:
    async with serving(**settings) as new_user:
        ada, grace = new_user(), new_user()
        answers = await asyncio.gather(*(ada.try_init(size) for _ in range(12)))
        assert sum(answer.status_code == 201 for answer in answers) == allowed
        for answer in answers:
            if answer.status_code != 201:
                problem = expect_problem(answer, 429, "quota-exceeded")
                assert problem["quota"] == quota
                assert int(answer.headers["retry-after"]) >= 1
        assert len((await ada.request("GET", "")).json()["items"]) == allowed
        await grace.init(size)


async def test_completing_and_aborting_free_the_quota_of_open_uploads(serving: Serving) -> None:
    async with serving(max_open_uploads="2") as new_user:
        ada = new_user()
        first, (second, parts) = await ada.init(10), await ada.sent(content_of(10))
        expect_problem(await ada.try_init(), 429, "quota-exceeded")
        await ada.complete(second, parts)
        await ada.init()
        expect_problem(await ada.try_init(), 429, "quota-exceeded")
        await ada.request("DELETE", f"/{first['id']}")
        await ada.init()


async def _for_any_size(presigned_url: str, environment: Mapping[str, str]) -> str:
    """Returns the same URL without a signed length."""
    url = urlsplit(presigned_url)
    query = parse_qs(url.query)
    _, bucket, key = url.path.split("/", 2)
    part = {"Bucket": bucket, "Key": key, "UploadId": query["uploadId"][0], "PartNumber": 1}
    async with open_storage(settings_from(Settings, environment)) as storage:
        unsigned: str = await storage._signer.generate_presigned_url("upload_part", Params=part)
    return unsigned


def _routes(upload_id: str) -> tuple[tuple[str, str, object], ...]:
    """The routes of an upload."""
    return (
        ("GET", f"/{upload_id}", None),
        ("POST", f"/{upload_id}/parts", {"part_numbers": [1]}),
        ("POST", f"/{upload_id}/complete", {"parts": []}),
        ("DELETE", f"/{upload_id}", None),
    )

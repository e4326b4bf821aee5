"""The CDN's edge and shield in front of object storage: what they keep, what they forget, what they refuse."""

import asyncio
import http.client
import uuid
from collections.abc import AsyncIterator, Mapping

import httpx
import pytest

from photomesh_shared.stores.object_storage import ObjectStorage
from tests.support.objects import open_all_objects
from tests.support.servers import Servers
from tests.support.waiting import eventually

BODY = b"one of four sizes " * 50
FOREVER = "public, max-age=31536000, immutable"


@pytest.fixture
async def storage(ports: Mapping[str, int]) -> AsyncIterator[ObjectStorage]:
    async with open_all_objects() as opened:
        yield opened


@pytest.fixture
async def edge(ports: Mapping[str, int]) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{ports['EDGE']}") as client:
        yield client


@pytest.fixture
async def shield(ports: Mapping[str, int]) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{ports['SHIELD']}") as client:
        yield client


@pytest.fixture
async def variant(storage: ObjectStorage) -> AsyncIterator[str]:
    """The key of a public object; the path at the CDN is /variants/<key>."""
    key = f"test-cdn/{uuid.uuid4().hex}_640.jpg"
    await storage.put("variants", key, BODY, content_type="image/jpeg", cache_control=FOREVER)
    yield key
    await storage.delete("variants", [key])


async def test_a_second_reader_is_answered_by_the_edge(edge: httpx.AsyncClient, variant: str) -> None:
    first = await edge.get(f"/variants/{variant}")
    second = await edge.get(f"/variants/{variant}")
    assert first.content == second.content == BODY
    assert first.headers["x-cache"] == "edge; miss, shield; miss"
    assert second.headers["x-cache"].startswith("edge; hit")
    assert second.headers["content-type"] == "image/jpeg"
    assert second.headers["cache-control"] == FOREVER


async def test_any_site_may_show_a_photo(edge: httpx.AsyncClient, variant: str) -> None:
    answer = await edge.get(f"/variants/{variant}", headers={"Origin": "https://example.org"})
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "vary" not in answer.headers  # one copy for all


async def test_query_cookies_and_credentials_make_no_difference(edge: httpx.AsyncClient, variant: str) -> None:
    await edge.get(f"/variants/{variant}")
    answer = await edge.get(
        f"/variants/{variant}?a=1", headers={"Cookie": "session=1", "Authorization": "AWS4-HMAC-SHA256 nonsense"}
    )
    assert (answer.status_code, answer.headers["x-cache"].split(";")[1]) == (200, " hit")


async def test_a_part_and_an_unchanged_copy_can_be_asked_for(edge: httpx.AsyncClient, variant: str) -> None:
    whole = await edge.get(f"/variants/{variant}")
    part = await edge.get(f"/variants/{variant}", headers={"Range": "bytes=0-2"})
    assert (part.status_code, part.content) == (206, BODY[:3])
    unchanged = await edge.get(f"/variants/{variant}", headers={"If-None-Match": whole.headers["etag"]})
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    assert unchanged.headers["cache-control"] == FOREVER


async def test_a_purge_of_shield_and_edge_makes_a_deleted_photo_vanish(
    edge: httpx.AsyncClient, shield: httpx.AsyncClient, storage: ObjectStorage, variant: str
) -> None:
    path = f"/variants/{variant}"
    await edge.get(path)
    await storage.delete("variants", [variant])
    assert (await edge.get(path)).status_code == 200  # that is what a cache is
    for layer in (shield, edge):
        assert (await layer.request("PURGE", path)).status_code == 200
    assert (await edge.get(path)).status_code == 404


async def test_a_restarted_store_is_found_again(edge: httpx.AsyncClient, servers: Servers, variant: str) -> None:
    await asyncio.to_thread(servers.restart, "seaweedfs")

    async def status() -> int:
        return (await edge.get(f"/variants/{variant}")).status_code

    assert await eventually(status, until=lambda status: status == 200, within=20) == 200


async def test_a_photo_that_was_asked_for_too_early_appears(edge: httpx.AsyncClient, storage: ObjectStorage) -> None:
    key = f"test-cdn/{uuid.uuid4().hex}_640.jpg"
    assert (await edge.get(f"/variants/{key}")).status_code == 404
    await storage.put("variants", key, BODY, content_type="image/jpeg", cache_control=FOREVER)

    async def status() -> int:
        return (await edge.get(f"/variants/{key}")).status_code

    assert await eventually(status, until=lambda status: status == 200, within=10) == 200
    await storage.delete("variants", [key])


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
async def test_it_only_reads(edge: httpx.AsyncClient, variant: str, method: str) -> None:
    answer = await edge.request(method, f"/variants/{variant}")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/raw/{key}",
        "/variants",
        "/variants/",
        "/variants/?list-type=2",
        "/variants/../raw/{key}",
        "/variants/%2e%2e/raw/{key}",
        "/variants/..%2fraw/{key}",
        "/variants//raw/{key}",
    ],
)
async def test_nothing_but_variants_can_be_reached(
    ports: Mapping[str, int], storage: ObjectStorage, variant: str, path: str
) -> None:
    await storage.put("raw", variant, b"private", content_type="image/jpeg")
    # Not httpx, which would tidy the path up.
    connection = http.client.HTTPConnection("127.0.0.1", ports["EDGE"])
    connection.request("GET", path.format(key=variant))
    answer = connection.getresponse()
    assert (answer.status, b"private" in answer.read()) == (404, False)
    connection.close()
    await storage.delete("raw", [variant])


async def test_without_credentials_storage_gives_a_variant_and_nothing_else(
    ports: Mapping[str, int], storage: ObjectStorage, variant: str
) -> None:
    await storage.put("raw", variant, b"private", content_type="image/jpeg")
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{ports['S3']}") as anybody:
        assert (await anybody.get(f"/variants/{variant}")).content == BODY
        for method, path in [
            ("GET", f"/raw/{variant}"),
            ("GET", "/"),
            ("GET", "/variants"),
            ("GET", "/variants?list-type=2"),
            ("PUT", f"/variants/{variant}"),
            ("DELETE", f"/variants/{variant}"),
            ("PUT", "/another-bucket"),
        ]:
            assert (await anybody.request(method, path)).status_code == 403, (method, path)
    await storage.delete("raw", [variant])

"""What is public of a story, through the CDN's edge and shield: until the second in its path, not a byte later."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import NamedTuple

import httpx
import pytest

from photomesh_shared.object_keys import private_variant_key, story_key
from photomesh_shared.stores.object_storage import ObjectStorage
from tests.support.objects import open_all_objects
from tests.support.servers import Servers
from tests.support.waiting import eventually

BODY = b"gone in a day " * 1_000
JPEG = "image/jpeg"


class Answer(NamedTuple):
    """`asked`, `answered`: seconds since 1970, before and after."""

    asked: float
    answered: float
    status: int
    body: bytes


@pytest.fixture
async def storage(ports: Mapping[str, int]) -> AsyncIterator[ObjectStorage]:
    async with open_all_objects() as opened:
        yield opened


@pytest.fixture
async def layers(ports: Mapping[str, int]) -> AsyncIterator[list[httpx.AsyncClient]]:
    """The edge and the shield."""
    async with (
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{ports['EDGE']}", timeout=30) as edge,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{ports['SHIELD']}", timeout=30) as shield,
    ):
        yield [edge, shield]


async def published(storage: ObjectStorage, end: int, *, headers_end: int | None = None) -> str:
    """A size of a story that ends then; its path at the CDN. `headers_end`: what its header `Expires` says instead."""
    source = private_variant_key(secrets.randbits(40), 640)
    await storage.put("raw", source, BODY, content_type=JPEG)
    key = story_key(datetime.fromtimestamp(end, UTC), secrets.token_urlsafe(16), 640)
    expires = datetime.fromtimestamp(headers_end or end, UTC)
    await storage.publish_copy(
        ("raw", source), "variants", key, ContentType=JPEG, CacheControl="public", Expires=expires
    )
    return f"/variants/{key}"


async def shown(
    storage: ObjectStorage, layer: httpx.AsyncClient, *, wrong_header: int = 0
) -> tuple[str, int, httpx.Response]:
    """A size of a story that ends in some seconds: path, end, and what it looks like before. On a busy machine, it ends
    later. `wrong_header`: how many seconds later its header says that it ends."""
    for lead in (4, 8, 16, 32, 64):
        end = int(time.time()) + lead
        path = await published(storage, end, headers_end=end + wrong_header)
        answer = await layer.get(path)
        if time.time() < end - 2:
            assert (answer.status_code, answer.content) == (200, BODY)
            return path, end, answer
    raise AssertionError("publishing took too long each time")


async def ask(layer: httpx.AsyncClient, path: str, method: str = "GET", **headers: str) -> Answer:
    asked = time.time()
    answer = await layer.request(method, path, headers=headers)
    return Answer(asked, time.time(), answer.status_code, answer.content)


async def ask_until(
    layer: httpx.AsyncClient, path: str, until: float, method: str = "GET", **headers: str
) -> list[Answer]:
    answers: list[Answer] = []
    while not answers or answers[-1].asked < until:
        answers.append(await ask(layer, path, method, **headers))
        await asyncio.sleep(0.01)
    return answers


def assert_true_to(end: int, answers: list[Answer]) -> None:
    """Nothing was shown after the end, and nothing was refused before."""
    for answer in answers:
        if answer.status == 410:
            assert answer.answered >= end, "refused before its end"
            assert BODY[:14] not in answer.body
        else:
            assert answer.status in (200, 206, 304), answer.status
            assert answer.asked < end, "shown after its end"
    assert answers[-1].status == 410


async def test_a_story_is_shown_until_its_second_and_not_after(
    layers: list[httpx.AsyncClient], storage: ObjectStorage
) -> None:
    hot, end, first = await shown(storage, layers[0])
    cold = await published(storage, end)
    assert first.headers["cache-control"] == "public"
    assert first.headers["expires"] == datetime.fromtimestamp(end, UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")
    assert first.headers["content-type"] == JPEG
    tag = first.headers["etag"]
    rounds = await asyncio.gather(
        *(ask_until(layer, hot, end + 0.5) for layer in layers),
        ask_until(layers[0], hot, end + 0.5, "HEAD"),
        ask_until(layers[0], hot, end + 0.5, Range="bytes=0-99"),
        ask_until(layers[0], hot, end + 0.5, **{"If-None-Match": tag}),
    )
    for answers in rounds:
        assert_true_to(end, answers)
    assert (await ask(layers[0], cold)).status == 410  # which no layer had fetched


async def test_the_path_decides_and_not_what_the_object_says(
    layers: list[httpx.AsyncClient], storage: ObjectStorage
) -> None:
    path, end, _ = await shown(storage, layers[0], wrong_header=86_400)
    assert_true_to(end, await ask_until(layers[0], path, end + 0.2))


async def test_a_paused_store_lengthens_nothing(
    layers: list[httpx.AsyncClient], storage: ObjectStorage, servers: Servers
) -> None:
    """What is cached ends in time, and what waits for the store while the story ends is not shown."""
    cached, end, _ = await shown(storage, layers[0])
    waited_for = await published(storage, end)
    await asyncio.to_thread(servers.pause, "seaweedfs")
    try:
        waiting = [asyncio.create_task(ask(layer, waited_for)) for layer in layers]
        assert_true_to(end, await ask_until(layers[0], cached, end + 0.2))
        assert (await ask(layers[0], waited_for)).status == 410
    finally:
        await asyncio.to_thread(servers.resume, "seaweedfs")
    for answer in await asyncio.gather(*waiting):
        assert answer.status in (410, 503)
        assert BODY[:14] not in answer.body


async def test_a_story_that_is_deleted_before_its_end_is_purged(
    layers: list[httpx.AsyncClient], storage: ObjectStorage
) -> None:
    path = await published(storage, int(time.time()) + 600)
    edge, shield = layers
    assert (await ask(edge, path)).status == 200
    await storage.delete("variants", [path.removeprefix("/variants/")])
    for layer in (shield, edge):
        assert (await layer.request("PURGE", path)).status_code == 200
    assert (await ask(edge, path)).status == 404


async def test_a_story_that_is_asked_for_too_early_appears(
    layers: list[httpx.AsyncClient], storage: ObjectStorage
) -> None:
    key = story_key(datetime.fromtimestamp(int(time.time()) + 600, UTC), secrets.token_urlsafe(16), 640)
    assert (await ask(layers[0], f"/variants/{key}")).status == 404
    await storage.put("variants", key, BODY, content_type=JPEG)

    async def status() -> int:
        return (await ask(layers[0], f"/variants/{key}")).status

    assert await eventually(status, until=lambda status: status == 200, within=10) == 200


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/variants/s/0/token/640.jpg", 410),
        ("/variants/s/1595256400/token/640.jpg?at=9999999999", 410),
        ("/variants/s/-1/token/640.jpg", 404),
        ("/variants/s/99999999999/token/640.jpg", 404),
        ("/variants/s/9999999999.5/token/640.jpg", 404),
        ("/variants/s/now/token/640.jpg", 404),
        ("/variants/s/9999999999/s/0/640.jpg", 404),
        ("/variants/s/640.jpg", 404),
        ("/variants/s/9999999999/token/640.jpg", 404),  # there is none
    ],
)
async def test_other_paths_of_stories_lead_nowhere(layers: list[httpx.AsyncClient], path: str, status: int) -> None:
    for layer in layers:
        assert (await ask(layer, path, **{"X-Story-End": "9999999999"})).status == status


async def test_what_is_private_of_a_story_needs_a_signature(
    ports: Mapping[str, int], layers: list[httpx.AsyncClient], storage: ObjectStorage
) -> None:
    key = private_variant_key(secrets.randbits(40), 640)
    await storage.put("raw", key, BODY, content_type=JPEG)
    async with httpx.AsyncClient() as anybody:
        assert (await anybody.get(f"http://127.0.0.1:{ports['S3']}/raw/{key}")).status_code == 403
        for layer in layers:
            assert (await layer.get(f"/variants/{key}")).status_code == 404
        signed = await anybody.get(await storage.presign_get("raw", key, filename="a.jpg", expires_seconds=60))
        assert (signed.status_code, signed.content) == (200, BODY)

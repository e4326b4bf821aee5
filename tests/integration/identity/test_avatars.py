"""Avatars: from a photo that post knows of, on real object storage."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest

from photomesh_identity.settings import Settings
from photomesh_shared.clock import SystemClock
from photomesh_shared.ids import encode
from photomesh_shared.storage import ObjectStorage, open_storage
from tests.integration.identity.conftest import Serving, serve
from tests.integration.identity.people import People, Person
from tests.support.problems import expect_problem
from tests.support.services import settings_from

Answer = tuple[int, dict[str, Any]]
IMMUTABLE = "public, max-age=31536000, immutable"


@dataclass
class Post:
    """As much of post as identity asks for: `GET /v1/photos/{id}`."""

    photos: dict[str, Answer] = field(default_factory=dict)
    asked: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)
    url: str = ""


@pytest.fixture(scope="module")
def post() -> Iterator[Post]:
    with _serving(Post()) as post:
        yield post


@contextmanager
def _serving(post: Post) -> Iterator[Post]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            post.asked.append((self.path, dict(self.headers)))
            status, body = post.photos.get(self.path.removeprefix("/v1/photos/"), (404, {"code": "photo-not-found"}))
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            """Silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    post.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield post
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass
class Studio:
    """A service that knows where post is, its storage, and somebody with an account."""

    ada: Person
    post: Post
    storage: ObjectStorage
    settings: Settings
    taken: int = 0

    async def photo(self, *, owner: str | None = None, status: str = "ready", **changes: Any) -> str:
        """A photo of Ada's whose variants are in storage."""
        self.taken += 1
        photo_id, folder, variants = encode("p", self.taken), f"test-{uuid.uuid4().hex}", {}
        for size in (1080, 640, 320, 150):
            key = f"{folder}/{size}.jpg"
            await self.storage.put(
                self.settings.variants_bucket,
                key,
                f"{photo_id} {size}".encode(),
                content_type="image/jpeg",
                cache_control=IMMUTABLE,
            )
            variants[str(size)] = f"{self.settings.cdn_url}/{key}"
        body = {"id": photo_id, "owner_id": owner or self.ada.id, "status": status, "variants": variants} | changes
        self.post.photos[photo_id] = (200, body)
        return photo_id

    async def kept(self) -> list[str]:
        """Keys of all avatars of Ada's."""
        return await self.storage.list_keys(self.settings.variants_bucket, f"avatars/{self.ada.id}/")

    async def seen(self, url: str) -> httpx.Response:
        """What anybody gets for a public URL."""
        async with httpx.AsyncClient() as client:
            key = url.removeprefix(f"{self.settings.cdn_url}/")
            return await client.get(f"{self.settings.s3_public_endpoint}/{self.settings.variants_bucket}/{key}")


@pytest.fixture(scope="module")
async def storage(environment: Mapping[str, str]) -> AsyncIterator[ObjectStorage]:
    async with open_storage(settings_from(Settings, environment)) as storage:
        yield storage


@pytest.fixture(scope="module")
async def asking(environment: Mapping[str, str], post: Post) -> AsyncIterator[People]:
    """People of a service that asks `post`."""
    async with serve(environment, SystemClock(), post_url=post.url) as people:
        yield people


@pytest.fixture
async def studio(asking: People, post: Post, storage: ObjectStorage, environment: Mapping[str, str]) -> Studio:
    post.photos.clear()
    post.asked.clear()
    return Studio(await asking.somebody(), post, storage, settings_from(Settings, environment))


async def test_an_avatar_is_a_copy(studio: Studio) -> None:
    ada, photo_id = studio.ada, await studio.photo()
    answer = await ada.edit(avatar_photo_id=photo_id)
    assert answer.status_code == 200
    urls = answer.json()["avatar_urls"]
    assert set(urls) == {"150", "320"}
    for size, url in urls.items():
        assert f"/avatars/{ada.id}/" in url
        shown = await studio.seen(url)
        assert shown.text == f"{photo_id} {size}"
        assert shown.headers["content-type"] == "image/jpeg"
        assert shown.headers["cache-control"] == IMMUTABLE
    assert len(await studio.kept()) == 2
    [(_, headers)] = studio.post.asked
    assert headers["Authorization"] == ada.headers["Authorization"]
    assert headers["Request-Id"] == answer.headers["request-id"]


async def test_a_new_avatar_replaces_the_old_one(studio: Studio) -> None:
    first = (await studio.ada.edit(avatar_photo_id=await studio.photo())).json()["avatar_urls"]
    second = (await studio.ada.edit(avatar_photo_id=await studio.photo())).json()["avatar_urls"]
    assert first["150"] != second["150"]
    assert (await studio.seen(first["150"])).status_code == 404
    assert (await studio.seen(second["150"])).status_code == 200
    assert len(await studio.kept()) == 2


async def test_null_removes_it(studio: Studio) -> None:
    await studio.ada.edit(avatar_photo_id=await studio.photo())
    answer = await studio.ada.edit(avatar_photo_id=None)
    assert answer.json()["avatar_urls"] is None
    assert await studio.kept() == []


@pytest.mark.parametrize("status", ["processing", "rejected", "failed", "something new"])
async def test_a_photo_that_is_not_ready(studio: Studio, status: str) -> None:
    photo_id = await studio.photo(status=status, variants=None)
    problem = expect_problem(await studio.ada.edit(avatar_photo_id=photo_id), 409, "avatar-photo-not-ready")
    assert problem["photo_status"] == status


async def test_a_photo_of_somebody_else_is_none(studio: Studio) -> None:
    for photo_id in (await studio.photo(owner="u_1"), "p_999"):
        expect_problem(
            await studio.ada.edit(avatar_photo_id=photo_id), 422, "avatar-photo-not-found", "/avatar_photo_id"
        )
    assert await studio.kept() == []


async def test_a_photo_that_is_deleted_meanwhile(studio: Studio) -> None:
    photo_id = await studio.photo()
    variants = studio.post.photos[photo_id][1]["variants"]
    variants["320"] = f"{studio.settings.cdn_url}/test-gone/320.jpg"
    expect_problem(await studio.ada.edit(avatar_photo_id=photo_id), 422, "avatar-photo-not-found")
    assert await studio.kept() == []


@pytest.mark.parametrize(
    "answer",
    [(500, {}), (503, {}), (401, {}), (200, {}), (200, {"owner_id": "u_1", "status": 5}), (302, {})],
)
async def test_post_is_not_well(studio: Studio, answer: Answer) -> None:
    photo_id = await studio.photo()
    studio.post.photos[photo_id] = answer
    problem = expect_problem(await studio.ada.edit(avatar_photo_id=photo_id, bio="new"), 503, "photos-unavailable")
    assert problem["retryable"]
    assert (await studio.ada.me()).json() == studio.ada.user


async def test_variants_elsewhere_are_not_fetched(studio: Studio) -> None:
    """Only keys below the CDN's URL are copied, whatever post says."""
    photo_id = await studio.photo(variants={"150": "http://example.com/150.jpg", "320": "http://example.com/320.jpg"})
    expect_problem(await studio.ada.edit(avatar_photo_id=photo_id), 503, "photos-unavailable")


async def test_post_is_away(serving: Serving, studio: Studio) -> None:
    async with serving(post_url="http://127.0.0.1:9") as people:
        answer = await Person(people.api, studio.ada.user, studio.ada.tokens).edit(avatar_photo_id="p_1")
        expect_problem(answer, 503, "photos-unavailable")


async def test_a_change_that_is_refused_leaves_no_copies(studio: Studio) -> None:
    photo_id = await studio.photo()
    expect_problem(await studio.ada.edit(if_match='"7"', avatar_photo_id=photo_id), 412, "precondition-failed")
    assert studio.post.asked == []
    assert await studio.kept() == []

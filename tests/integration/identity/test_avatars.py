"""Avatars: copies of photos in real object storage."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from photomesh_identity.settings import Settings
from photomesh_shared.clock import SystemClock
from photomesh_shared.ids import encode
from photomesh_shared.stores.object_storage import ObjectStorage
from tests.integration.identity.api_users import ApiUser, ApiUsers
from tests.integration.identity.conftest import Serving, serve
from tests.support.json_server import JsonResponse, serve_json
from tests.support.objects import open_all_objects
from tests.support.problems import expect_problem
from tests.support.services import settings_from

IMMUTABLE = "public, max-age=31536000, immutable"


@dataclass
class FakePost:
    """A fake of post: `GET /v1/photos/{photo_id}`."""

    photos: dict[str, JsonResponse] = field(default_factory=dict)
    calls: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)
    url: str = ""

    def respond(self, target: str, headers: Mapping[str, str]) -> JsonResponse:
        self.calls.append((target, headers))
        return self.photos.get(target.removeprefix("/v1/photos/"), (404, {"code": "photo-not-found"}))


@pytest.fixture(scope="module")
def post() -> Iterator[FakePost]:
    post = FakePost()
    with serve_json(post.respond) as post.url:
        yield post


@dataclass
class AvatarSetup:
    """A user of a service with a fake post and real storage."""

    ada: ApiUser
    post: FakePost
    storage: ObjectStorage
    settings: Settings
    photos: int = 0

    async def photo(self, *, owner: str | None = None, status: str = "ready", **changes: Any) -> str:
        """A photo of Ada with its variants in storage; returns its id."""
        self.photos += 1
        photo_id, folder, variants = encode("p", self.photos), f"{encode('p', self.photos)}/{uuid.uuid4().hex}", {}
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

    async def avatar_keys(self) -> list[str]:
        """The keys of all avatars of Ada."""
        return await self.storage.list_keys(self.settings.variants_bucket, f"avatars/{self.ada.id}/")

    async def get_public(self, url: str) -> httpx.Response:
        """Gets a public URL without credentials."""
        async with httpx.AsyncClient() as client:
            key = url.removeprefix(f"{self.settings.cdn_url}/")
            return await client.get(f"{self.settings.s3_public_endpoint}/{self.settings.variants_bucket}/{key}")


@pytest.fixture(scope="module")
async def storage(environment: Mapping[str, str]) -> AsyncIterator[ObjectStorage]:
    async with open_all_objects() as storage:
        yield storage


@pytest.fixture(scope="module")
async def users_with_post(environment: Mapping[str, str], post: FakePost) -> AsyncIterator[ApiUsers]:
    """Users of a service that calls `post`."""
    async with serve(environment, SystemClock(), post_url=post.url) as users:
        yield users


@pytest.fixture
async def setup(
    users_with_post: ApiUsers, post: FakePost, storage: ObjectStorage, environment: Mapping[str, str]
) -> AvatarSetup:
    post.photos.clear()
    post.calls.clear()
    return AvatarSetup(await users_with_post.new_user(), post, storage, settings_from(Settings, environment))


async def test_a_photo_for_stories_becomes_no_avatar(setup: AvatarSetup) -> None:
    for status in ("ready", "processing"):
        photo_id = await setup.photo(status=status, purpose="story", variants=None)
        answer = await setup.ada.update(avatar_photo_id=photo_id)
        expect_problem(answer, 422, "avatar-photo-for-story", "/avatar_photo_id")
    assert await setup.avatar_keys() == []


async def test_an_avatar_is_a_copy_of_the_photo(setup: AvatarSetup) -> None:
    ada, photo_id = setup.ada, await setup.photo()
    answer = await ada.update(avatar_photo_id=photo_id)
    assert answer.status_code == 200
    for size, url in (("150", answer.json()["avatar_url"]), ("320", answer.json()["avatar_large_url"])):
        assert f"/avatars/{ada.id}/" in url
        shown = await setup.get_public(url)
        assert shown.text == f"{photo_id} {size}"
        assert shown.headers["content-type"] == "image/jpeg"
        assert shown.headers["cache-control"] == IMMUTABLE
    assert len(await setup.avatar_keys()) == 2
    [(_, headers)] = setup.post.calls
    assert headers["Authorization"] == ada.headers["Authorization"]
    assert headers["Request-Id"] == answer.headers["request-id"]


async def test_a_new_avatar_replaces_the_old_one(setup: AvatarSetup) -> None:
    first = (await setup.ada.update(avatar_photo_id=await setup.photo())).json()["avatar_url"]
    second = (await setup.ada.update(avatar_photo_id=await setup.photo())).json()["avatar_url"]
    assert first != second
    assert (await setup.get_public(first)).status_code == 200, "post erases it, with the CDN's copies"
    assert (await setup.get_public(second)).status_code == 200


async def test_null_removes_the_avatar(setup: AvatarSetup) -> None:
    await setup.ada.update(avatar_photo_id=await setup.photo())
    answer = await setup.ada.update(avatar_photo_id=None)
    assert answer.json()["avatar_url"] is answer.json()["avatar_large_url"] is None


@pytest.mark.parametrize("status", ["processing", "rejected", "failed", "something new"])
async def test_a_photo_that_is_not_ready_is_refused(setup: AvatarSetup, status: str) -> None:
    photo_id = await setup.photo(status=status, variants=None)
    problem = expect_problem(await setup.ada.update(avatar_photo_id=photo_id), 409, "avatar-photo-not-ready")
    assert problem["photo_status"] == status


async def test_a_photo_of_another_account_is_refused(setup: AvatarSetup) -> None:
    for photo_id in (await setup.photo(owner="u_1"), "p_999"):
        expect_problem(
            await setup.ada.update(avatar_photo_id=photo_id), 422, "avatar-photo-not-found", "/avatar_photo_id"
        )
    assert await setup.avatar_keys() == []


async def test_a_photo_that_is_deleted_during_the_copy(setup: AvatarSetup) -> None:
    photo_id = await setup.photo()
    variants = setup.post.photos[photo_id][1]["variants"]
    variants["320"] = f"{setup.settings.cdn_url}/p_gone/320.jpg"
    expect_problem(await setup.ada.update(avatar_photo_id=photo_id), 422, "avatar-photo-not-found")
    assert await setup.avatar_keys() == []


@pytest.mark.parametrize(
    "answer",
    [(500, {}), (503, {}), (401, {}), (200, {}), (200, {"owner_id": "u_1", "status": 5}), (302, {})],
)
async def test_unexpected_responses_of_post(setup: AvatarSetup, answer: JsonResponse) -> None:
    photo_id = await setup.photo()
    setup.post.photos[photo_id] = answer
    problem = expect_problem(await setup.ada.update(avatar_photo_id=photo_id, bio="new"), 503, "photos-unavailable")
    assert problem["retryable"]
    assert (await setup.ada.me()).json() == setup.ada.user


async def test_variants_at_other_urls_are_not_copied(setup: AvatarSetup) -> None:
    """Only keys below the CDN's URL are copied."""
    photo_id = await setup.photo(variants={"150": "http://example.com/150.jpg", "320": "http://example.com/320.jpg"})
    expect_problem(await setup.ada.update(avatar_photo_id=photo_id), 503, "photos-unavailable")


async def test_post_does_not_answer(serving: Serving, setup: AvatarSetup) -> None:
    async with serving(post_url="http://127.0.0.1:9") as users:
        answer = await ApiUser(users.api, setup.ada.user, setup.ada.tokens).update(avatar_photo_id="p_1")
        expect_problem(answer, 503, "photos-unavailable")


async def test_a_failed_update_leaves_no_copies(setup: AvatarSetup) -> None:
    photo_id = await setup.photo()
    expect_problem(await setup.ada.update(if_match='"7"', avatar_photo_id=photo_id), 412, "precondition-failed")
    assert setup.post.calls == []
    assert await setup.avatar_keys() == []

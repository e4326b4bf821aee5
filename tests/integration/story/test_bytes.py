"""A story's sizes on real object storage and a real CDN, with the rights that the two programs have."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from photomesh_shared.errors import ObjectStorageUnavailable
from photomesh_shared.events import FOR_STORIES, PhotoReady
from photomesh_shared.object_keys import metadata_key, original_key, private_variant_key
from photomesh_shared.settings import CdnSettings, StorageSettings
from photomesh_shared.stores.cdn import HttpCdn
from photomesh_shared.stores.object_storage import ObjectStorage, open_storage
from photomesh_story.archive.domain import highlight_variants
from photomesh_story.bytes import StoryBytes
from photomesh_story.errors import NoPhotoForStory
from tests.conftest import Environment
from tests.support.objects import open_all_objects
from tests.support.services import settings_from


@dataclass(frozen=True)
class Scene:
    api: StoryBytes
    consumer: StoryBytes
    storages: Mapping[str, ObjectStorage]
    """By program."""
    everything: ObjectStorage
    anybody: httpx.AsyncClient
    cdn_url: str
    new_id: Callable[[], int]

    async def photo(self) -> PhotoReady:
        photo = PhotoReady.example().model_copy(
            update={
                "photo_id": self.new_id(),
                "upload_id": self.new_id(),
                "purpose": FOR_STORIES,
                "bucket": "raw",
            }
        )
        sizes = tuple(
            one.model_copy(update={"key": private_variant_key(photo.photo_id, one.size)}) for one in photo.variants
        )
        for key in (*(one.key for one in sizes), metadata_key(photo.photo_id), original_key(photo.upload_id)):
            await self.everything.put("raw", key, key.encode(), content_type="image/jpeg")
        return photo.model_copy(update={"variants": sizes})

    async def get(self, key: str) -> httpx.Response:
        return await self.anybody.get(f"{self.cdn_url}/{key}")


@pytest.fixture
async def scene(service_environment: Environment, new_id: Callable[[], int]) -> AsyncIterator[Scene]:
    async with AsyncExitStack() as stack:
        anybody = await stack.enter_async_context(httpx.AsyncClient())
        storages, bytes_ = {}, {}
        cdn = settings_from(CdnSettings, service_environment("story-consumer"))
        for program in ("story", "story-consumer"):
            settings = settings_from(StorageSettings, service_environment(program))
            storages[program] = await stack.enter_async_context(open_storage(settings))
            bytes_[program] = StoryBytes(
                storages[program],
                HttpCdn(anybody, cdn.cdn_purge_urls, public_url=cdn.cdn_url),
                raw_bucket=settings.raw_bucket,
                variants_bucket=settings.variants_bucket,
            )
        everything = await stack.enter_async_context(open_all_objects())
        yield Scene(bytes_["story"], bytes_["story-consumer"], storages, everything, anybody, cdn.cdn_url, new_id)


def in_an_hour() -> datetime:
    return (datetime.now(UTC) + timedelta(hours=1)).replace(microsecond=0)


async def test_published_sizes_are_public_until_they_are_removed(scene: Scene) -> None:
    photo, end, token = await scene.photo(), in_an_hour(), secrets.token_urlsafe(16)
    public = await scene.api.publish(photo, token, end)
    assert await scene.api.publish(photo, token, end) == public
    assert [one.key for one in public] == [f"s/{int(end.timestamp())}/{token}/{one.size}.jpg" for one in photo.variants]
    for private, size in zip(photo.variants, public, strict=True):
        shown = await scene.get(size.key)
        assert (shown.status_code, shown.content) == (200, private.key.encode())
        assert shown.headers["cache-control"] == "public"
        assert shown.headers["expires"] == end.strftime("%a, %d %b %Y %H:%M:%S GMT")
        assert shown.headers["content-type"] == "image/jpeg"
    for _ in range(2):
        await scene.consumer.remove(public)
        assert {(await scene.get(size.key)).status_code for size in public} == {404}


async def test_a_photo_that_is_forgotten_is_in_no_story(scene: Scene) -> None:
    photo, other = await scene.photo(), await scene.photo()
    public = await scene.api.publish(photo, "kept", in_an_hour())
    for _ in range(2):
        await scene.consumer.forget(photo.photo_id, photo.upload_id)
    for key in ("stories/{p}/", "metadata/{p}.json", "{u}/original"):
        for one, count in ((photo, 0), (other, 1)):
            prefix = key.format(p=one.subject(), u=original_key(one.upload_id).split("/")[0])
            assert (len(await scene.everything.list_keys("raw", prefix)) > 0) == count, prefix
    assert (await scene.get(public[0].key)).status_code == 200  # which its own removal ends
    with pytest.raises(NoPhotoForStory):
        await scene.api.publish(photo, "too late", in_an_hour())


async def test_copies_of_a_highlight_are_public_until_they_are_removed(scene: Scene) -> None:
    photo, token = await scene.photo(), secrets.token_urlsafe(16)
    for _ in range(2):
        await scene.api.publish_highlight(photo, token)
    public = highlight_variants(photo, token)
    for private, size in zip(photo.variants, public, strict=True):
        shown = await scene.get(size.key)
        assert (shown.status_code, shown.content) == (200, private.key.encode())
        assert "immutable" in shown.headers["cache-control"]
    for bytes_ in (scene.api, scene.consumer):
        await bytes_.remove_highlight(photo, token)
        assert {(await scene.get(size.key)).status_code for size in public} == {404}


async def test_private_sizes_are_shown_by_signed_urls_only(scene: Scene) -> None:
    photo = await scene.photo()
    urls = await scene.api.private_urls(photo)
    assert set(urls) == {size.size for size in photo.variants}
    for private in photo.variants:
        shown = await scene.anybody.get(urls[private.size])
        assert (shown.status_code, shown.content) == (200, private.key.encode())
        assert (await scene.anybody.get(urls[private.size].partition("?")[0])).status_code == 403


@pytest.mark.parametrize("program", ["story", "story-consumer"])
async def test_the_programs_may_do_nothing_else_to_objects(scene: Scene, program: str) -> None:
    storage = scene.storages[program]
    for bucket, key in (
        ("variants", "p_1/token/640.jpg"),
        ("variants", "avatars/u_1/token/150.jpg"),
        ("exports", "u_1/x"),
    ):
        with pytest.raises(ObjectStorageUnavailable):
            await storage.put(bucket, key, b"", content_type="image/jpeg")
    photo = await scene.photo()
    with pytest.raises(ObjectStorageUnavailable):
        await storage.get("raw", original_key(photo.upload_id), max_bytes=100)

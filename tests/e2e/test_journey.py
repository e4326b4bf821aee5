"""A photo from a client to four public sizes, and out of the world again."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from demo.client import Account, ApiError, Platform
from tests.support.kafka import Topics
from tests.support.waiting import eventually


async def _published(platform: Platform, account: Account, post_id: str) -> dict[str, Any]:
    return await eventually(
        lambda: platform.call("GET", f"/v1/posts/{post_id}", account), until=lambda post: post["status"] == "published"
    )


@pytest.mark.parametrize("kind", ["jpg", "png", "webp", "avif", "heic"])
async def test_every_type_comes_through(
    platform: Platform, ada: Account, photo_files: dict[str, Path], kind: str
) -> None:
    photo_id = await platform.upload(ada, photo_files[kind], lambda count: None)
    photo = await platform.wait_until_ready(ada, photo_id, within=30)
    assert set(photo.body["variants"]) == {"150", "320", "640", "1080"}
    for size, url in photo.body["variants"].items():
        content, _ = await platform.fetch(url)
        with Image.open(io.BytesIO(content)) as variant:
            assert variant.format == "JPEG"
            assert max(variant.size) == min(int(size), max(photo.body["width"], photo.body["height"]))
            assert not variant.getexif()


async def test_a_large_photo_goes_up_in_parts(platform: Platform, ada: Account, large_photo: Path) -> None:
    assert large_photo.stat().st_size > 5_000_000
    counts: list[int] = []
    photo_id = await platform.upload(ada, large_photo, counts.append)
    photo = await platform.wait_until_ready(ada, photo_id, within=30)
    assert len(counts) > 1
    assert photo.body["status"] == "ready"


async def test_a_post_publishes_itself_when_its_last_photo_is_ready(
    platform: Platform, ada: Account, grace: Account, photo_files: dict[str, Path], topics: Topics
) -> None:
    photo_ids = [await platform.upload(ada, photo_files[kind], lambda count: None) for kind in ("jpg", "heic")]
    post = await platform.publish(ada, photo_ids, "Two at once #pair @somebody")
    published = await _published(platform, ada, post["id"])
    assert [photo["id"] for photo in published["photos"]] == photo_ids
    seen_by_another = await platform.call("GET", f"/v1/posts/{post['id']}", grace)
    assert seen_by_another["id"] == post["id"]
    listed = await platform.call("GET", f"/v1/users/{ada.id}/posts", grace)
    assert [item["id"] for item in listed["items"]] == [post["id"]]
    types = [event.data.type_ for event in await topics.events("posts", post["id"])]
    assert types[0] == "photomesh.post.created.v1"
    assert "photomesh.post.published.v1" in types


async def test_a_deleted_post_is_gone_everywhere(
    platform: Platform, ada: Account, http: httpx.AsyncClient, photo_files: dict[str, Path], topics: Topics
) -> None:
    photo_id = await platform.upload(ada, photo_files["jpg"], lambda count: None)
    photo = await platform.wait_until_ready(ada, photo_id, within=30)
    post = await platform.publish(ada, [photo_id], "Not for long")
    await _published(platform, ada, post["id"])
    for url in photo.body["variants"].values():
        await platform.fetch(url)
        assert (await platform.fetch(url))[1], "the edge should have it by now"

    await platform.call("DELETE", f"/v1/posts/{post['id']}", ada)

    for path in (f"/v1/posts/{post['id']}", f"/v1/photos/{photo_id}"):
        with pytest.raises(ApiError, match="404"):
            await platform.call("GET", path, ada)

    async def statuses() -> set[int]:
        return {(await http.get(url)).status_code for url in photo.body["variants"].values()}

    await eventually(statuses, until=lambda seen: seen == {404})
    await topics.wait_for(
        "posts", post["id"], until=lambda events: events[-1].data.type_ == "photomesh.post.deleted.v1"
    )


async def test_what_is_no_photo_is_rejected_with_a_reason(platform: Platform, ada: Account, tmp_path: Path) -> None:
    lie = tmp_path / "holiday.jpg"
    lie.write_bytes(b"%PDF-1.7\n" + hashlib.sha512(b"not a photo").digest() * 50)
    photo_id = await platform.upload(ada, lie, lambda count: None)
    body = await eventually(
        lambda: platform.call("GET", f"/v1/photos/{photo_id}", ada), until=lambda body: body["status"] != "processing"
    )
    assert body["status"] == "rejected"
    assert body["reason"]["code"] == "unsupported-type"
    assert body["reason"]["message"]
    assert body["reason"]["fix"]

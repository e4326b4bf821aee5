"""Somebody who did everything takes it along; nobody else gets any of it."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import httpx
from PIL import Image

from demo.client import Account, Platform
from photomesh_shared.internal_api.export import SECTIONS
from tests.support.exports import Archive, download
from tests.support.waiting import eventually

HOSTILE = "<img src=x onerror=alert(1)> ü 📷 \"'&"


def _with_camera(folder: Path) -> Path:
    """A photo with EXIF."""
    exif = Image.Exif()
    exif[0x010F] = "Canary camera"
    file = folder / "IMG_0042.jpg"
    Image.new("RGB", (1200, 900), "teal").save(file, exif=exif)
    return file


async def _post(platform: Platform, account: Account, file: Path, caption: str) -> dict[str, Any]:
    photo_id = await platform.upload(account, file, lambda count: None)
    await platform.wait_until_ready(account, photo_id, within=30)
    post = await platform.publish(account, [photo_id], caption)
    return await eventually(
        lambda: platform.call("GET", f"/v1/posts/{post['id']}", account), until=lambda one: one["status"] == "published"
    )


async def _exported(platform: Platform, account: Account, folder: Path) -> Archive:
    begun = await platform.call("POST", "/v1/me/export", account, json={"password": account.password})
    assert begun["state"] in ("queued", "collecting", "packing")

    async def look() -> dict[str, Any]:
        return await platform.call("GET", "/v1/me/export", account)

    export = await eventually(look, until=lambda one: one["ended_at"], within=90, every=0.5)
    assert export["state"] == "completed", export
    return await download(export, folder)


async def test_everything_that_somebody_did_is_in_their_export(
    platform: Platform,
    ada: Account,
    grace: Account,
    http: httpx.AsyncClient,
    gateway_url: str,
    tmp_path: Path,
    some_photo: Path,
) -> None:
    file = _with_camera(tmp_path)
    call = platform.call
    theirs = await _post(platform, grace, some_photo, "Theirs")
    mine = await _post(platform, ada, file, HOSTILE)
    await platform.upload(ada, file, lambda count: None)  # in no post
    await call("PATCH", "/v1/me", ada, json={"display_name": HOSTILE, "bio": HOSTILE})
    comment = await call("POST", f"/v1/posts/{theirs['id']}/comments", ada, json={"text": HOSTILE})
    reply = await call(
        "POST", f"/v1/posts/{theirs['id']}/comments", ada, json={"text": "reply", "parent_id": comment["id"]}
    )
    await platform.like(ada, theirs["id"])
    await call("PUT", f"/v1/comments/{comment['id']}/like", ada)
    await call("PUT", f"/v1/posts/{theirs['id']}/save", ada)
    collection = await call("POST", "/v1/me/collections", ada, json={"name": "ü"})
    await call("PUT", f"/v1/me/collections/{collection['id']}/posts/{theirs['id']}", ada)
    others = {name: await platform.register(f"{name}_{ada.username}"[:30]) for name in ("blocked", "muted", "private")}
    await platform.follow(ada, grace)
    await platform.follow(grace, ada)
    await call("PUT", f"/v1/users/{others['blocked'].id}/block", ada)
    await call("PUT", f"/v1/users/{others['muted'].id}/mute", ada)
    await call("PATCH", "/v1/me", others["private"], json={"private": True})
    await platform.follow(ada, others["private"])
    await eventually(lambda: platform.feed(ada), until=bool)
    await call(
        "POST",
        "/v1/feed/impressions",
        ada,
        json={"items": [{"post_id": theirs["id"], "position": 0, "mode": "ranked"}]},
    )
    await call("PUT", "/v1/notifications/preferences", ada, json={"kinds": {"like": {"pushed": False}}})
    await call("PUT", f"/v1/notifications/muted-posts/{mine['id']}", ada)
    # What is hidden from Ada stays hers: her comment and like under a post of somebody who blocks her now.
    await call("PUT", f"/v1/users/{ada.id}/block", grace)

    archive = await _exported(platform, ada, tmp_path)

    def ids_in(section: str, member: str) -> set[Any]:
        return {item.get(member) for item in archive.section(section)}

    assert archive.manifest["failed"] == []
    [profile] = archive.section("profile")
    assert (profile["account_id"], profile["bio"]) == (ada.id, HOSTILE)
    assert profile["email"]
    assert archive.section("sessions")
    assert archive.section("credentials") == [{"kind": "password", "algorithm": "argon2id"}]
    assert [(post["post_id"], post["caption"]) for post in archive.section("posts")] == [(mine["id"], HOSTILE)]
    assert len(archive.section("photos")) == len(archive.section("originals")) == len(archive.section("uploads")) == 2
    assert list(archive.originals.values()) == [file.read_bytes()] * 2
    for content in archive.originals.values():
        assert Image.open(io.BytesIO(content)).getexif()[0x010F] == "Canary camera"
    assert any("IMG_0042" in name for name in archive.originals)
    assert {one["comment_id"]: one["text"] for one in archive.section("comments")} == {
        comment["id"]: HOSTILE,
        reply["id"]: "reply",
    }
    assert {(one["post_id"], one["comment_id"]) for one in archive.section("likes")} == {
        (theirs["id"], None),
        (theirs["id"], comment["id"]),
    }
    assert ids_in("saves", "post_id") == {theirs["id"]}
    assert [one["name"] for one in archive.section("collections")] == ["ü"]
    assert [(one["collection_id"], one["post_id"]) for one in archive.section("collection_posts")] == [
        (collection["id"], theirs["id"])
    ]
    assert ids_in("blocks", "account_id") == {others["blocked"].id}
    assert ids_in("mutes", "account_id") == {others["muted"].id}
    assert [(one["account_id"], one["direction"]) for one in archive.section("follow_requests")] == [
        (others["private"].id, "sent")
    ]
    assert ids_in("former_follows", "account_id") == {grace.id}, "the block has ended it"
    assert ids_in("impressions", "post_id") == {theirs["id"]}
    assert ids_in("ranking", "kind")
    assert ids_in("notification_settings", "setting") == {"kind", "muted_post"}
    assert mine["id"] in ids_in("notification_settings", "post_id")
    assert {f"data/{section.name}.json" for section in SECTIONS} <= archive.files.keys()
    assert "<img src=x" not in archive.files["pages/posts.html"].decode()
    everything = b"".join(archive.files.values())
    assert b"argon2id$" not in everything

    other = await http.get(f"{gateway_url}/v1/me/export", headers=grace.headers)
    assert other.status_code == 404

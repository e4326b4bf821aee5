"""Restrictive changes take effect before they are acknowledged, also without Kafka, and so without any consumer."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx

from demo.client import Account, Platform
from tests.support.servers import Servers
from tests.support.waiting import eventually


async def test_a_follow_after_going_private_is_a_request(platform: Platform, ada: Account, grace: Account) -> None:
    for _ in range(10):
        await platform.call("PATCH", "/v1/me", ada, json={"private": False})
        await platform.call("DELETE", f"/v1/users/{ada.id}/follow", grace)
        await platform.call("PATCH", "/v1/me", ada, json={"private": True})
        relationship = await platform.call("PUT", f"/v1/users/{ada.id}/follow", grace)
        assert (relationship["requested"], relationship["following"]) == (True, False)


async def test_blocks_and_privacy_are_effective_without_kafka(
    platform: Platform,
    http: httpx.AsyncClient,
    gateway_url: str,
    ada: Account,
    grace: Account,
    some_photo: Path,
    servers: Servers,
) -> None:
    linus = await platform.register(f"l{ada.username}")
    photo_id = await platform.upload(ada, some_photo, lambda done: None)
    post_id = (await platform.publish(ada, [photo_id], "Mine"))["id"]

    async def sees(viewer: Account) -> bool:
        answer = await http.get(f"{gateway_url}/v1/posts/{post_id}", headers=viewer.headers)
        assert answer.status_code in (200, 404)
        return answer.status_code == 200

    async def in_feed(viewer: Account) -> bool:
        return post_id in str(await platform.call("GET", "/v1/feed?mode=chronological", viewer))

    await platform.call("PUT", f"/v1/users/{ada.id}/follow", grace)
    await eventually(lambda: in_feed(grace), within=60)
    await eventually(lambda: sees(linus), within=60)
    await asyncio.to_thread(servers.stop, "kafka")
    try:
        await platform.call("PUT", f"/v1/users/{grace.id}/block", ada)
        assert (await sees(grace), await in_feed(grace)) == (False, False)
        await platform.call("PATCH", "/v1/me", ada, json={"private": True})
        assert not await sees(linus)
    finally:
        await asyncio.to_thread(servers.start, "kafka")
    assert (await sees(grace), await in_feed(grace), await sees(linus)) == (False, False, False)

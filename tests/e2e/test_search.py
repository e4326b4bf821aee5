"""People and posts are found through the gateway, by those who may see them."""

from __future__ import annotations

import asyncio
import secrets
from pathlib import Path
from typing import Any

import pytest

from demo.client import Account, Platform
from photomesh_local import environment
from photomesh_search.rebuild import rebuild
from photomesh_search.settings import ConsumerSettings
from tests.support.services import settings_from
from tests.support.waiting import eventually

pytestmark = pytest.mark.timeout(600)


async def _find(platform: Platform, account: Account, what: str, query: str, **more: str) -> list[dict[str, Any]]:
    params = {"q": query, **more}
    items: list[dict[str, Any]] = (await platform.call("GET", f"/v1/search/{what}", account, params=params))["items"]
    return items


async def test_what_is_found_is_what_may_be_seen(
    platform: Platform, ada: Account, grace: Account, some_photo: Path
) -> None:
    word = f"w{secrets.token_hex(8)}"
    photo_id = await platform.upload(ada, some_photo, lambda _: None)
    await platform.wait_until_ready(ada, photo_id, within=60)
    post = {
        "photo_ids": [photo_id],
        "caption": f"Zoë in 富士山 {word} #{word}",
        "place": {"name": f"Lake {word}", "latitude": 46.016, "longitude": 9.257},
    }
    post_id = (await platform.call("POST", "/v1/posts", ada, json=post))["id"]

    async def posts(query: str = word) -> list[str]:
        return [one["id"] for one in await _find(platform, grace, "posts", query)]

    async def people(what: str = "suggest") -> list[str]:
        return [one["username"] for one in await _find(platform, grace, what, ada.username)]

    await eventually(posts, until=[post_id].__eq__, within=60)
    await eventually(people, until=lambda found: found[:1] == [ada.username], within=60)
    assert await people("accounts") == [ada.username]
    for query in (f"zoe {word}", f"富士 {word}", f"#{word}", f"from:{ada.username} has:place", f"lake {word}"):
        assert await posts(query) == [post_id], query
    assert await posts(f"{word} before:2020-01-01") == []
    assert await _find(platform, grace, "hashtags", word) == [{"tag": word, "accounts": 1}]
    [place] = await _find(platform, grace, "places", word, latitude="46.01", longitude="9.25")
    assert (place["name"], place["accounts"]) == (f"Lake {word}", 1)

    settings = settings_from(ConsumerSettings, environment("test", "search-consumer"))
    making = asyncio.create_task(rebuild(settings))
    while not making.done():
        assert await posts() == [post_id]
        await asyncio.wait([making], timeout=0.2)
    assert await making > 0
    assert await posts() == [post_id]

    await platform.call("PUT", f"/v1/users/{grace.id}/block", ada)
    assert await posts() == []
    assert await people() == []
    await platform.call("DELETE", f"/v1/users/{grace.id}/block", ada)
    await eventually(posts, until=[post_id].__eq__, within=60)

    await platform.call("PATCH", "/v1/me", ada, json={"private": True})
    assert await posts() == []
    assert await people() == [ada.username]
    await platform.call("PATCH", "/v1/me", ada, json={"private": False})
    await eventually(posts, until=[post_id].__eq__, within=60)

    await platform.call("DELETE", f"/v1/posts/{post_id}", ada)
    assert await posts() == []

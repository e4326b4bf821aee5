"""An avatar that was replaced is gone from the CDN, which had it in its caches."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import httpx

from demo.client import Account, Platform
from tests.support.waiting import eventually


async def test_a_replaced_avatar_leaves_the_caches(
    platform: Platform, ada: Account, some_photo: Path, http: httpx.AsyncClient
) -> None:
    photo_id = await platform.upload(ada, some_photo, lambda count: None)
    await platform.wait_until_ready(ada, photo_id, within=30)
    change = {"avatar_photo_id": photo_id}
    before = await platform.call("PATCH", "/v1/me", ada, json=change)
    urls = [before["avatar_url"], before["avatar_large_url"]]
    for url in urls:
        await platform.fetch(url)
        _, hit = await platform.fetch(url)
        assert hit
    after = await platform.call("PATCH", "/v1/me", ada, json=change)
    assert after["avatar_url"] != before["avatar_url"]
    for url in urls:
        await eventually(partial(http.get, url), until=lambda answer: answer.status_code == 404, within=30)
    await platform.fetch(after["avatar_url"])

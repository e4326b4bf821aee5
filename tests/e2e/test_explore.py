"""People explore through the gateway: what they like, until it is hidden."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

import pytest

from demo.client import Account, Platform
from tests.support.waiting import eventually

pytestmark = pytest.mark.timeout(600)


async def test_people_explore_give_feedback_and_see_nothing_that_is_hidden(
    platform: Platform, ada: Account, grace: Account, some_photo: Path
) -> None:
    tag = f"t{secrets.token_hex(8)}"

    async def post() -> str:
        photo_id = await platform.upload(ada, some_photo, lambda _: None)
        await platform.wait_until_ready(ada, photo_id, within=60)
        body = {"photo_ids": [photo_id], "caption": f"See #{tag}"}
        post_id: str = (await platform.call("POST", "/v1/posts", ada, json=body))["id"]
        return post_id

    async def explored(viewer: Account = grace) -> dict[str, Any]:
        """All that is left to explore, by post."""
        found: dict[str, Any] = {}
        cursor = None
        while True:
            params = {"interest": tag, "limit": "50", **({"cursor": cursor} if cursor else {})}
            page = await platform.call("GET", "/v1/explore", viewer, params=params)
            found |= {one["id"]: one for one in page["items"]}
            cursor = page["next_cursor"]
            if cursor is None:
                return found

    first = await post()
    found = await eventually(explored, until=lambda posts: first in posts, within=120, every=0.5)
    reason = found[first]["reason"]
    assert (reason["kind"], reason["hashtag"]) == ("hashtag_you_chose", tag)
    assert found[first]["author"]["username"] == ada.username
    why = await platform.call("GET", f"/v1/explore/why/{first}", grace)
    assert why["reasons"] == [reason]
    assert first not in await explored(), "nothing comes twice"

    body = {"post_id": first, "kind": "hide_tag"}
    given = await platform.call("POST", "/v1/explore/feedback", grace, json=body)
    second = await post()

    other = await platform.register(f"linus_{secrets.token_hex(6)}")
    await eventually(lambda: explored(other), until=lambda posts: second in posts, within=120, every=0.5)
    assert second not in await explored(), "its hashtag is hidden"
    await platform.call("DELETE", f"/v1/explore/feedback/{given['id']}", grace)
    await platform.call("DELETE", f"/v1/posts/{second}", ada)
    assert second not in await explored(), "it is deleted"
    trends = await platform.call("GET", "/v1/explore/trends", grace)
    assert tag not in [one["name"] for one in trends["hashtags"]], "one account makes no trend"
    assert (await platform.call("GET", "/v1/explore/people", grace))["items"] is not None

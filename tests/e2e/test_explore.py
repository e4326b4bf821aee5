"""People explore through the gateway: what they like, until it is hidden."""

from __future__ import annotations

import asyncio
import itertools
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


async def test_a_ranked_feed_suggests_a_post_of_a_stranger_until_it_is_snoozed(
    platform: Platform, ada: Account, grace: Account, some_photo: Path
) -> None:
    stranger, limits = await platform.register(f"linus_{secrets.token_hex(6)}"), itertools.cycle(range(30, 50))

    async def post(author: Account) -> str:
        photo_id = await platform.upload(author, some_photo, lambda _: None)
        await platform.wait_until_ready(author, photo_id, within=120)
        post_id: str = (await platform.publish(author, [photo_id], "See the lake"))["id"]
        return post_id

    async def read(mode: str = "ranked") -> list[dict[str, Any]]:
        """All pages of a new order: another limit makes one. An author has at most three posts on a page."""
        found: list[dict[str, Any]] = []
        params = {"mode": mode, "limit": str(next(limits))}
        while True:
            page = await platform.call("GET", "/v1/feed", grace, params=params)
            found += page["items"]
            if page["next_cursor"] is None:
                return found
            params["cursor"] = page["next_cursor"]

    await platform.follow(grace, ada)
    await post(stranger)  # there is at least this one to suggest; those of other tests may come first
    own = set(await asyncio.gather(*(post(ada) for _ in range(9))))
    await eventually(lambda: read("chronological"), until=lambda posts: len(posts) == 9, within=120, every=0.5)

    posts = await eventually(read, until=lambda posts: len(posts) == 10, within=240, every=0.5)
    suggested = posts[9]
    assert suggested["id"] not in own
    assert suggested["author"]["username"] != ada.username
    assert all(one["suggestion"] is None for one in posts[:9])
    why = await platform.call("GET", f"/v1/explore/why/{suggested['id']}", grace)
    assert why["reasons"] == [suggested["suggestion"]]

    await platform.call("PUT", "/v1/explore/home", grace, json={"state": "snoozed"})
    assert {one["id"] for one in await read()} == own, "none is suggested"
    assert {one["id"] for one in await read("chronological")} == own

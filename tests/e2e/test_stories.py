"""Stories through the gateway: published, seen in the tray and from the CDN, and gone when they are deleted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from demo.client import Account, ApiError, Platform
from tests.support.waiting import eventually

pytestmark = pytest.mark.timeout(600)


async def _publish(platform: Platform, author: Account, file: Path, **more: str) -> dict[str, Any]:
    photo_id = await platform.upload(author, file, lambda _: None, purpose="story")
    await platform.wait_until_ready(author, photo_id, within=60)
    return await platform.call("POST", "/v1/stories", author, json={"photo_id": photo_id, **more})


async def _rings(platform: Platform, viewer: Account) -> list[tuple[str, bool]]:
    """The accounts in a tray, and whether they have anything unseen."""
    tray = await platform.call("GET", "/v1/stories/tray", viewer)
    return [(ring["account"]["id"], ring["unseen"]) for ring in tray["items"]]


async def _listed(platform: Platform, viewer: Account, author: Account) -> list[str]:
    return [one["id"] for one in (await platform.call("GET", f"/v1/users/{author.id}/stories", viewer))["items"]]


async def test_a_story_is_for_followers_until_it_is_deleted(
    platform: Platform, http: httpx.AsyncClient, ada: Account, grace: Account, some_photo: Path
) -> None:
    stranger = await platform.register(f"stranger_{ada.username[-12:]}")
    await platform.follow(grace, ada)
    story = await _publish(platform, ada, some_photo, alt_text="A lake")
    assert (await platform.call("POST", "/v1/stories", ada, json={"photo_id": story["photo_id"]}))["id"] == story["id"]
    await eventually(lambda: _rings(platform, grace), until=[(ada.id, True)].__eq__, within=60)
    assert await _rings(platform, ada) == [(ada.id, False)]
    assert await _rings(platform, stranger) == []
    assert await _listed(platform, grace, ada) == [story["id"]]
    assert await _listed(platform, stranger, ada) == []
    urls = list(story["variants"].values())
    for url in urls:
        assert (await http.get(url)).headers["content-type"] == "image/jpeg"

    with pytest.raises(ApiError, match="photo-for-story"):
        await platform.publish(ada, [story["photo_id"]], "not in a post")
    with pytest.raises(ApiError, match="not-found"):
        await platform.call("PUT", f"/v1/stories/{story['id']}/seen", stranger)
    for _again in range(2):
        await platform.call("PUT", f"/v1/stories/{story['id']}/seen", grace)
    assert await _rings(platform, grace) == [(ada.id, False)]
    viewers = await platform.call("GET", f"/v1/stories/{story['id']}/viewers", ada)
    assert [one["account"]["id"] for one in viewers["items"]] == [grace.id]
    assert viewers["view_count"] == 1
    with pytest.raises(ApiError, match="not-found"):
        await platform.call("GET", f"/v1/stories/{story['id']}/viewers", grace)

    await platform.call("PUT", f"/v1/stories/{story['id']}/reply", grace, json={"text": "What a light!"})
    replies = await platform.call("GET", f"/v1/stories/{story['id']}/replies", ada)
    assert [(one["account"]["id"], one["text"]) for one in replies["items"]] == [(grace.id, "What a light!")]

    async def heard() -> list[tuple[str, list[str]]]:
        found = (await platform.call("GET", "/v1/notifications", ada))["items"]
        return [(one["story"]["id"], [who["id"] for who in one["accounts"]]) for one in found if one["story"]]

    await eventually(heard, until=[(story["id"], [grace.id])].__eq__, within=60)

    await platform.call("PUT", f"/v1/users/{grace.id}/block", ada)
    assert (await platform.call("GET", f"/v1/stories/{story['id']}/replies", ada))["items"] == []
    assert await heard() == []
    assert await _rings(platform, grace) == []
    assert await _listed(platform, grace, ada) == []
    assert (await platform.call("GET", f"/v1/stories/{story['id']}/viewers", ada))["items"] == []

    await platform.call("DELETE", f"/v1/stories/{story['id']}", ada)
    assert await _listed(platform, ada, ada) == []

    async def statuses() -> list[int]:
        return [(await http.get(url)).status_code for url in urls]

    await eventually(statuses, until=lambda found: set(found) == {404}, within=60)


async def test_close_friends_see_what_other_followers_do_not(
    platform: Platform, ada: Account, grace: Account, some_photo: Path
) -> None:
    other = await platform.register(f"other_{ada.username[-12:]}")
    for follower in (grace, other):
        await platform.follow(follower, ada)
    await platform.call("PUT", f"/v1/me/close-friends/{grace.id}", ada)
    story = await _publish(platform, ada, some_photo, audience="close_friends")
    await eventually(lambda: _listed(platform, grace, ada), until=[story["id"]].__eq__, within=60)
    assert await _rings(platform, grace) == [(ada.id, True)]
    assert await _listed(platform, other, ada) == []
    assert await _rings(platform, other) == []
    with pytest.raises(ApiError, match="not-found"):
        await platform.call("PUT", f"/v1/stories/{story['id']}/seen", other)
    await platform.call("DELETE", f"/v1/me/close-friends/{grace.id}", ada)
    await eventually(lambda: _listed(platform, grace, ada), until=[].__eq__, within=60)

"""Explore over HTTP."""

from __future__ import annotations

import httpx
import pytest
from redis.asyncio import Redis

from photomesh_shared.ids import decode, encode
from tests.integration.explore.people import People
from tests.support.waiting import eventually


async def test_a_page_its_reasons_and_feedback(people: People) -> None:
    viewer, favourite = people.old_account(), people.old_account()
    liked = await people.public_post("sunset", author=favourite)
    await people.apply(people.liked(viewer, liked))
    tagged = await people.public_post("sunset")
    page = await people.ok(viewer, "GET", "/v1/explore")
    shown = {one["id"]: one for one in page["items"]}
    assert people.post_name(liked) not in shown
    item = shown[people.post_name(tagged)]
    reason = {"kind": "hashtag_you_like", "because": "You liked posts with #sunset.", "hashtag": "sunset"}
    assert item["reason"] == reason
    assert item["author"]["id"] == encode("u", tagged.data.author_id)
    why = await people.ok(viewer, "GET", f"/v1/explore/why/{item['id']}")
    assert why == {"post_id": item["id"], "reasons": [reason]}
    assert (await people.call(viewer, "GET", f"/v1/explore/why/{people.post_name(liked)}")).status_code == 404

    body = {"post_id": item["id"], "kind": "hide_tag"}
    given = await people.ok(viewer, "POST", "/v1/explore/feedback", json=body)
    assert (given["kind"], given["hashtags"]) == ("hide_tag", ["sunset"])
    later = await people.public_post("sunset")
    assert later.data.post_id not in await people.everything(viewer)
    assert (await people.ok(viewer, "GET", "/v1/explore/feedback"))["items"] == [given]
    exported = await people.api.get(f"/internal/export/{encode('u', viewer)}", params={"section": "explore_feedback"})
    assert [one["kind"] for one in exported.json()["items"]] == ["hide_tag"], exported.text
    await people.ok(viewer, "DELETE", f"/v1/explore/feedback/{given['id']}")
    assert later.data.post_id in await people.everything(viewer)
    again = await people.call(viewer, "DELETE", f"/v1/explore/feedback/{given['id']}")
    assert again.status_code == 404


async def test_blocks_deletions_and_privacy_hold_while_somebody_pages(people: People) -> None:
    viewer = people.old_account()
    posts = [await people.public_post() for _ in range(30)]
    ids = [post.data.post_id for post in posts]
    first = await people.ok(viewer, "GET", "/v1/explore", params={"limit": 10})
    seen = {decode("o", one["id"]) for one in first["items"]}
    left = [post for post in posts if post.data.post_id not in seen]
    # post hides them at once, and their events have not come.
    people.sights.hidden |= {left[0].data.author_id, left[1].data.post_id}
    people.sights.follows.add((viewer, left[2].data.author_id))
    rest = await people.everything(viewer, cursor=first["next_cursor"], limit=10)
    assert not set(rest) & seen
    assert not set(rest) & {one.data.post_id for one in left[:3]}
    assert len(set(ids) & {*seen, *rest}) >= 26
    people.sights.hidden.clear()


async def test_a_cursor_is_of_its_viewer_and_repeats_its_page(people: People) -> None:
    viewer, other = people.old_account(), people.old_account()
    for _ in range(15):
        await people.public_post()
    first = await people.ok(viewer, "GET", "/v1/explore", params={"limit": 5})
    query = {"limit": 5, "cursor": first["next_cursor"]}
    second, again = [await people.ok(viewer, "GET", "/v1/explore", params=query) for _ in range(2)]
    assert second == again
    assert (await people.call(other, "GET", "/v1/explore", params=query)).status_code == 400


async def test_what_the_home_feed_may_suggest(people: People) -> None:
    viewer = people.old_account()
    # What it likes comes first, whatever other tests left.
    await people.apply(people.liked(viewer, await people.public_post("paragliding")))
    posts = {people.post_name(post): post for post in [await people.public_post("paragliding") for _ in range(4)]}
    path = f"/internal/accounts/{encode('u', viewer)}/suggestions"

    async def suggested() -> list[dict[str, str]]:
        response = await people.api.get(path, params={"limit": 25})
        return [one for one in response.raise_for_status().json()["posts"] if one["post_id"] in posts]

    offered = await suggested()
    assert {one["post_id"] for one in offered} == set(posts)
    private, deleted, good, later = (one["post_id"] for one in offered)
    await people.apply(people.account(posts[private].data.author_id, private=True), people.deleted(posts[deleted]))

    async def show() -> httpx.Response:
        return await people.api.post(f"{path}/shown", json={"posts": offered[:3]})

    response = await eventually(show, until=lambda response: response.status_code != 503, within=60, every=0.2)
    because = "You liked posts with #paragliding."
    reason = {"kind": "hashtag_you_like", "because": because, "hashtag": "paragliding"}
    assert response.json() == {"posts": [{"post_id": good, **reason}]}, response.text
    why = await people.ok(viewer, "GET", f"/v1/explore/why/{good}")
    assert why == {"post_id": good, "reasons": [reason]}
    assert [one["post_id"] for one in await suggested() if one["post_id"] not in (private, deleted)] == [later]
    found = {encode("o", one) for one in await people.everything(viewer)}
    assert (good in found, later in found) == (False, True)

    assert await people.ok(viewer, "GET", "/v1/explore/home") == {"state": "on", "until": None}
    snoozed = await people.ok(viewer, "PUT", "/v1/explore/home", json={"state": "snoozed"})
    assert snoozed["until"]
    assert await people.ok(viewer, "GET", "/v1/explore/home") == snoozed
    assert await suggested() == []
    assert (await people.ok(viewer, "PUT", "/v1/explore/home", json={"state": "off"}))["state"] == "off"
    exported = await people.api.get(f"/internal/export/{encode('u', viewer)}", params={"section": "explore_feedback"})
    assert [one["kind"] for one in exported.json()["items"]] == ["hide_home"], exported.text
    assert (await people.ok(viewer, "GET", "/v1/explore/feedback"))["items"] == []
    assert (await people.ok(viewer, "PUT", "/v1/explore/home", json={"state": "on"}))["state"] == "on"


async def test_people_to_follow_can_be_dismissed(people: People) -> None:
    viewer, friend, theirs = (people.old_account() for _ in range(3))
    await people.apply(people.account(theirs), people.followed(viewer, friend), people.followed(friend, theirs))
    found = await people.ok(viewer, "GET", "/v1/explore/people")
    assert [(one["account"]["id"], one["reason"]["because"]) for one in found["items"]] == [
        (encode("u", theirs), "1 person whom you follow follows them.")
    ]
    await people.ok(viewer, "DELETE", f"/v1/explore/people/{encode('u', theirs)}")
    assert (await people.ok(viewer, "GET", "/v1/explore/people"))["items"] == []


async def test_trends_are_listed(people: People) -> None:
    for author in await people.known_people(4):
        await people.public_post("meteors", author=author)
    found = await people.ok(people.old_account(), "GET", "/v1/explore/trends")
    assert {"name": "meteors", "accounts": 4} in found["hashtags"]


@pytest.mark.parametrize("path", ["", "/trends", "/people", "/feedback", "/home"])
async def test_an_empty_redis_is_a_503(people: People, administrator: Redis, path: str) -> None:
    await administrator.delete("ex:ready")
    try:
        response = await people.call(people.old_account(), "GET", f"/v1/explore{path}", patient=False)
        assert response.status_code == 503
        assert response.json()["code"] == "explore-unavailable"
        assert response.headers["Retry-After"]
    finally:
        await administrator.set("ex:ready", 1)

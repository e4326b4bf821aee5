"""The API of notifications on real servers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from redis.asyncio import Redis

from photomesh_notification.inbox.domain import Group
from photomesh_shared import ids
from tests.integration.notification.inbox.reader import Reader
from tests.support.notification.memory_inbox import MemoryPost
from tests.support.notification.push_service import Device
from tests.support.problems import expect_problem

SECOND = timedelta(seconds=1)


async def _written(reader: Reader, group: Group, number: int) -> list[str]:
    """So many groups, each a second younger than the next; their ids, newest first."""
    groups = [
        replace(group, id=f"like.{index:04}", changed_at=group.changed_at - index * SECOND) for index in range(number)
    ]
    for one in groups:
        await reader.write(one)
    return [one.id for one in groups]


async def test_a_notification_says_who_did_what(reader: Reader, post: MemoryPost, group: Group) -> None:
    post.followed = set(group.actors)
    await reader.write(group)
    page = await reader.get("/v1/notifications")
    (one,) = page["items"]
    (actor_id,) = group.actors
    assert (one["id"], one["kind"], one["new"], one["count"], one["capped"]) == (group.id, "like", True, 1, False)
    assert [(account["id"], account["followed"]) for account in one["accounts"]] == [(ids.encode("u", actor_id), True)]
    assert one["post"]["id"] == ids.encode("o", group.post_id or 0)
    assert (one["comment"], one["photo"]) == (None, None)
    assert page["next_cursor"] is None


async def test_pages_from_the_index_and_after_it_was_lost(reader: Reader, redis: Redis, group: Group) -> None:
    every = await _written(reader, group, 7)
    seen: list[str] = []
    page: dict[str, Any] = await reader.get("/v1/notifications?limit=3")
    began = page["as_of"]
    while True:
        seen += [one["id"] for one in page["items"]]
        if page["next_cursor"] is None:
            break
        await redis.delete(f"n:l:{reader.account_id}")
        page = await reader.get(f"/v1/notifications?limit=3&cursor={page['next_cursor']}")
        assert page["as_of"] == began
    assert seen == every


async def test_a_cursor_is_its_readers_and_its_filters(reader: Reader, group: Group, new_id: Callable[[], int]) -> None:
    await _written(reader, group, 2)
    cursor = (await reader.get("/v1/notifications?limit=1"))["next_cursor"]
    wrong = await reader.request("GET", f"/v1/notifications?only=following&cursor={cursor}")
    expect_problem(wrong, 400, "invalid-cursor")


async def test_what_is_seen_is_not_unread(reader: Reader, group: Group) -> None:
    await _written(reader, group, 3)
    assert await reader.unread() == 3
    listed = await reader.get("/v1/notifications")
    seen_at = listed["items"][1]["changed_at"]
    assert (await reader.request("PUT", "/v1/notifications/seen", {"seen_at": seen_at})).json() == {"seen_at": seen_at}
    assert await reader.unread() == 1
    assert [one["new"] for one in (await reader.get("/v1/notifications"))["items"]] == [True, False, False]
    earlier = {"seen_at": listed["items"][2]["changed_at"]}
    assert (await reader.request("PUT", "/v1/notifications/seen", earlier)).json() == {"seen_at": seen_at}
    after = await reader.request("PUT", "/v1/notifications/seen", {})
    assert after.json()["seen_at"] > seen_at
    assert await reader.unread() == 0


async def test_preferences_hide_at_once(reader: Reader, post: MemoryPost, group: Group) -> None:
    await reader.write(group)
    await reader.write(replace(group, id="follow.1", kind="follow", post_id=None))
    assert await reader.unread() == 2
    likes = {"kinds": {"like": {"audience": "following"}, "follow": {"listed": False}}}
    answer = await reader.request("PUT", "/v1/notifications/preferences", likes)
    assert answer.status_code == 200, answer.text
    stored = await reader.get("/v1/notifications/preferences")
    assert stored == answer.json()
    assert stored["kinds"]["like"] == {"listed": True, "pushed": True, "audience": "following"}
    assert stored["kinds"]["mention"] == {"listed": True, "pushed": True, "audience": "everyone"}
    assert await reader.kinds() == []
    assert await reader.unread() == 0
    post.followed = set(group.actors)
    assert await reader.kinds() == ["like"]
    hours = {"start": "22:30", "end": "07:00", "time_zone": "Europe/London"}
    answer = await reader.request("PUT", "/v1/notifications/preferences", {"quiet_hours": hours})
    assert answer.json()["quiet_hours"] == hours
    assert await reader.unread() == 2


@pytest.mark.parametrize(
    "body",
    [
        {"kinds": {"likes": {}}},
        {"kinds": {"like": {"audience": "nobody"}}},
        {"quiet_hours": {"start": "22:00", "end": "24:00", "time_zone": "UTC"}},
        {"quiet_hours": {"start": "22:00", "end": "07:00", "time_zone": "Europe/Nowhere"}},
    ],
)
async def test_invalid_preferences(reader: Reader, body: object) -> None:
    expect_problem(await reader.request("PUT", "/v1/notifications/preferences", body), 422, "invalid-request")


async def test_muting_the_likes_of_a_post(reader: Reader, post: MemoryPost, group: Group) -> None:
    await reader.write(group)
    path = f"/v1/notifications/muted-posts/{ids.encode('o', group.post_id or 0)}"
    for _ in range(2):
        assert (await reader.request("PUT", path)).status_code == 204
    assert await reader.kinds() == []
    muted = (await reader.get("/v1/notifications/preferences"))["muted_post_ids"]
    assert muted == [ids.encode("o", group.post_id or 0)]
    for _ in range(2):
        assert (await reader.request("DELETE", path)).status_code == 204
    assert await reader.kinds() == ["like"]
    post.author_id += 1
    expect_problem(await reader.request("PUT", path), 404, "no-post-of-yours")


async def test_without_post_nothing_is_shown(reader: Reader, post: MemoryPost, group: Group) -> None:
    await reader.write(group)
    post.away = True
    for path in ("/v1/notifications", "/v1/notifications/unread"):
        answer = await reader.request("GET", path)
        expect_problem(answer, 503, "sightings-unavailable")
        assert int(answer.headers["Retry-After"]) > 0
    assert (await reader.request("PUT", "/v1/notifications/seen", {})).status_code == 200


async def test_the_export_has_what_is_stored(reader: Reader, group: Group) -> None:
    await _written(reader, group, 3)
    await reader.request("PUT", "/v1/notifications/seen", {})
    await reader.request("PUT", "/v1/notifications/preferences", {"kinds": {"like": {"pushed": False}}})
    items, cursor = [], ""
    while True:
        query = f"section=notifications&limit=2{cursor}"
        page = (await reader.api.get(f"/internal/export/{reader.id}?{query}")).json()
        items += page["items"]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert [one["group_id"] for one in items] == ["like.0000", "like.0001", "like.0002"]
    assert items[0]["post_id"] == ids.encode("o", group.post_id or 0)
    assert not any("actor" in member for one in items for member in one)
    device = Device(f"https://push.example.org/{reader.id}").as_json()
    assert (await reader.request("POST", "/v1/notifications/push/subscriptions", device)).status_code == 201
    exported = await reader.api.get(f"/internal/export/{reader.id}?section=notification_settings")
    settings = {one["setting"]: one for one in exported.json()["items"]}
    assert [*settings] == ["kind", "device", "seen"]
    assert settings["device"]["push_service"] == "push.example.org"
    assert settings["device"]["session_id"].startswith("ss_")
    for secret in (device["endpoint"], *device["keys"].values()):
        assert secret not in exported.text
    expect_problem(await reader.api.get(f"/internal/export/{reader.id}?section=posts"), 404, "not-found")

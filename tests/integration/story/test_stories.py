"""The API of stories on Cassandra, Redis and Kafka."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from photomesh_shared.events import (
    StoryDeleted,
    StoryPublished,
    StoryReplyCreated,
    StoryReplyDeleted,
    StoryViewed,
)
from photomesh_shared.ids import decode, encode
from photomesh_shared.internal_api.export import GET_EXPORT_PAGE
from photomesh_shared.stores.cassandra import CassandraSession
from photomesh_story.store.archive import CassandraArchive
from tests.integration.story.people import People
from tests.support.kafka import Topics
from tests.support.story.memory import MemoryBytes


async def test_from_publishing_to_deleting(people: People, objects: MemoryBytes, topics: Topics) -> None:
    ada, grace = people.ada, people.grace
    await people.follow(grace, ada)
    story = await people.publish(ada, alt_text="A lake")
    assert (story["author_id"], story["audience"], story["alt_text"]) == (encode("u", ada), "followers", "A lake")
    assert all("/s/" in url for url in story["variants"].values())
    assert await people.tray(grace) == [(ada, story["id"], True)]
    assert await people.stories(grace, ada) == [story["id"]]
    for _ in range(2):
        await people.ok(grace, "PUT", f"/v1/stories/{story['id']}/seen")
    assert await people.tray(grace) == [(ada, story["id"], False)]
    viewers = await people.ok(ada, "GET", f"/v1/stories/{story['id']}/viewers")
    assert [one["account"]["id"] for one in viewers["items"]] == [encode("u", grace)]
    assert viewers["view_count"] == 1
    own = await people.ok(ada, "GET", f"/v1/users/{encode('u', ada)}/stories")
    assert [(one["id"], one["view_count"], one["unseen"]) for one in own["items"]] == [(story["id"], 1, False)]
    for _ in range(2):
        await people.ok(ada, "DELETE", f"/v1/stories/{story['id']}")
    assert (await people.tray(grace), await people.tray(ada), await people.stories(grace, ada)) == ([], [], [])
    events = await topics.events("stories", story["id"])
    assert [type(envelope.data) for envelope in events] == [StoryPublished, StoryDeleted]
    views = await topics.events("story_views", f"{story['id']}.{encode('u', grace)}.viewed")
    assert [type(envelope.data) for envelope in views] == [StoryViewed]


async def test_whatever_hides_a_story_looks_the_same(people: People) -> None:
    await people.follow(people.grace, people.ada)
    story = await people.publish(people.ada)
    hidden = await people.publish(people.ada, audience="close_friends")
    deleted = await people.publish(people.ada)
    await people.ok(people.ada, "DELETE", f"/v1/stories/{deleted['id']}")
    unknown = encode("st", people.new_id())

    async def answers(viewer: int, story_id: str) -> list[tuple[int, str, str]]:
        found = []
        for method, path in (("PUT", "seen"), ("GET", "viewers"), ("DELETE", "")):
            response = await people.call(viewer, method, f"/v1/stories/{story_id}/{path}".rstrip("/"))
            found.append((response.status_code, response.json()["type"], response.json().get("detail", "")))
        return found

    expected = await answers(people.linus, unknown)
    assert {status for status, _, _ in expected} == {404}
    for viewer, story_id in (
        (people.linus, story["id"]),
        (people.linus, hidden["id"]),
        (people.grace, hidden["id"]),
        (people.grace, deleted["id"]),
    ):
        assert await answers(viewer, story_id) == expected
    assert await people.stories(people.linus, people.ada) == []
    assert await people.stories(people.grace, people.ada) == [story["id"]]


async def test_views_of_many_at_a_time_are_counted_exactly(people: People) -> None:
    story = await people.publish(people.ada)
    viewers = [people.new_id() for _ in range(20)]
    for viewer in viewers:
        people.accounts.follows.add((viewer, people.ada))
    await asyncio.gather(
        *(people.ok(viewer, "PUT", f"/v1/stories/{story['id']}/seen") for viewer in viewers for _ in range(3))
    )
    first = await people.ok(people.ada, "GET", f"/v1/stories/{story['id']}/viewers", params={"limit": 15})
    rest = await people.ok(
        people.ada, "GET", f"/v1/stories/{story['id']}/viewers", params={"limit": 15, "cursor": first["next_cursor"]}
    )
    found = [decode("u", one["account"]["id"]) for one in (*first["items"], *rest["items"])]
    assert (first["view_count"], len(found), set(found)) == (20, 20, set(viewers))


async def test_two_requests_for_one_photo_make_one_story(people: People, topics: Topics) -> None:
    photo_id = await people.photo(people.ada)
    found = await asyncio.gather(
        *(people.ok(people.ada, "POST", "/v1/stories", json={"photo_id": photo_id}) for _ in range(4))
    )
    assert all(story == found[0] for story in found)
    published = {envelope.id: envelope.data for envelope in await topics.events("stories", found[0]["id"])}
    assert len(published) == 1


@pytest.mark.parametrize("audience", ["friends", ""])
async def test_an_unknown_audience_is_refused(people: People, audience: str) -> None:
    body = {"photo_id": await people.photo(people.ada), "audience": audience}
    response = await people.call(people.ada, "POST", "/v1/stories", json=body)
    assert response.status_code == 422


async def test_without_the_index_stories_answer_503(people: People, administrator: object) -> None:
    from redis.asyncio import Redis

    assert isinstance(administrator, Redis)
    story = await people.publish(people.ada)
    await administrator.delete("st:ready")
    try:
        for path in ("/v1/stories/tray", f"/v1/stories/{story['id']}/viewers"):
            response = await people.call(people.ada, "GET", path, patient=False)
            assert (response.status_code, response.headers["Retry-After"]) == (503, "2")
            assert response.json()["type"].endswith("/stories-unavailable")
    finally:
        await administrator.set("st:ready", 1)


async def test_an_export_has_stories_and_what_was_seen(people: People, api: httpx.AsyncClient) -> None:
    await people.follow(people.ada, people.grace)
    story, other = await people.publish(people.ada), await people.publish(people.grace)
    await people.ok(people.ada, "PUT", f"/v1/stories/{other['id']}/seen")
    path = GET_EXPORT_PAGE.path.format(account_id=encode("u", people.ada))
    response = await api.get(path, params={"section": "stories"})
    mine, seen = response.json()["items"]
    assert (mine["what"], mine["story_id"], mine["photo_id"]) == ("story", story["id"], story["photo_id"])
    assert (seen["what"], seen["author_id"], seen["until"]) == ("seen", encode("u", people.grace), other["expires_at"])


async def test_replies_are_between_the_author_and_who_replied(
    people: People, topics: Topics, api: httpx.AsyncClient
) -> None:
    ada, grace, linus = people.ada, people.grace, people.linus
    for follower in (grace, linus):
        await people.follow(follower, ada)
    story = await people.publish(ada)
    path = f"/v1/stories/{story['id']}"
    for _ in range(2):
        await people.ok(grace, "PUT", f"{path}/reply", json={"text": "What a light!"})
    await people.ok(linus, "PUT", f"{path}/reply", json={"text": "Where is it?"})

    async def replies(who: int) -> list[tuple[str, str]]:
        found: list[tuple[str, str]] = []
        cursor: str | None = None
        while True:
            params = {"limit": 1, **({"cursor": cursor} if cursor else {})}
            page = await people.ok(who, "GET", f"{path}/replies", params=params)
            found += [(one["account"]["id"], one["text"]) for one in page["items"]]
            if (cursor := page["next_cursor"]) is None:
                return found

    graces, linuss = (encode("u", grace), "What a light!"), (encode("u", linus), "Where is it?")
    assert await replies(ada) == [linuss, graces]
    assert await replies(grace) == [graces]
    for who, text, status in ((grace, "Another", 409), (ada, "Mine", 422), (people.new_id(), "Hello", 404)):
        assert (await people.call(who, "PUT", f"{path}/reply", json={"text": text})).status_code == status
    exported = await api.get(GET_EXPORT_PAGE.path.format(account_id=encode("u", grace)), params={"section": "stories"})
    assert [(one["what"], one["text"]) for one in exported.json()["items"]] == [("reply", "What a light!")]
    stranger = await people.call(linus, "DELETE", f"{path}/replies/{encode('u', grace)}")
    assert stranger.status_code == 404
    for _ in range(2):
        await people.ok(ada, "DELETE", f"{path}/replies/{encode('u', linus)}")
        await people.ok(grace, "DELETE", f"{path}/reply")
    assert await replies(ada) == []
    events = await topics.events("story_replies", f"{story['id']}.{encode('u', grace)}")
    types = [type(envelope.data).__name__ for envelope in events]
    assert set(types) == {StoryReplyCreated.__name__, StoryReplyDeleted.__name__}
    await people.ok(grace, "PUT", f"{path}/reply", json={"text": "Once more"})
    await people.ok(ada, "DELETE", path)
    assert (await people.call(ada, "GET", f"{path}/replies")).status_code == 404


async def test_stories_that_are_over_become_highlights(
    people: People, database: CassandraSession, objects: MemoryBytes, api: httpx.AsyncClient
) -> None:
    ada, grace, linus = people.ada, people.grace, people.linus
    await people.follow(grace, ada)
    archive = CassandraArchive(database)
    photos = [people.ready_photo(ada) for _ in range(3)]
    for photo in photos:
        story = StoryPublished.example().model_copy(
            update={"story_id": photo.photo_id, "photo_id": photo.photo_id, "author_id": ada}
        )
        await archive.add(story, photo)
    first, second, third = (encode("st", photo.photo_id) for photo in photos)

    async def archived(**params: Any) -> Any:
        return await people.ok(ada, "GET", "/v1/me/stories/archive", params=params)

    page = await archived(limit=2)
    rest = await archived(limit=2, cursor=page["next_cursor"])
    assert [one["id"] for one in (*page["items"], *rest["items"])] == [third, second, first]
    assert rest["next_cursor"] is None
    assert all(url.endswith("?signed") for url in page["items"][0]["variants"].values())

    body = {"title": "Lakes", "story_ids": [first, third]}
    for _ in range(2):
        await people.ok(ada, "PUT", "/v1/me/highlights/7", json=body)
    for number, ids, status in ((7, [encode("st", people.new_id())], 422), (101, [first], 422), (7, [first] * 2, 422)):
        refused = await people.call(
            ada, "PUT", f"/v1/me/highlights/{number}", json={"title": "Lakes", "story_ids": ids}
        )
        assert refused.status_code == status
    path = f"/v1/users/{encode('u', ada)}/highlights"
    [entry] = (await people.ok(linus, "GET", path))["items"]
    assert (entry["number"], entry["title"], entry["story_count"], entry["cover"]["id"]) == (7, "Lakes", 2, first)
    shown = await people.ok(linus, "GET", f"{path}/7")
    keys = [url.partition("/h/")[2] for one in shown["stories"] for url in one["variants"].values()]
    assert [one["id"] for one in shown["stories"]] == [first, third]
    assert {f"h/{key}" for key in keys} <= objects.highlighted
    people.accounts.private.add(ada)
    assert (await people.ok(linus, "GET", path))["items"] == []
    assert (await people.call(linus, "GET", f"{path}/7")).status_code == 404
    assert (await people.ok(grace, "GET", f"{path}/7"))["title"] == "Lakes"

    await people.ok(ada, "DELETE", f"/v1/stories/{first}")
    assert [one["id"] for one in (await people.ok(grace, "GET", f"{path}/7"))["stories"]] == [third]
    assert [one["id"] for one in (await archived())["items"]] == [third, second]
    for _ in range(2):
        await people.ok(ada, "DELETE", "/v1/me/highlights/7")
    assert (await people.ok(grace, "GET", path))["items"] == []
    assert (await archive.stories(ada, [photos[2].photo_id]))[photos[2].photo_id].token is None
    assert (await people.ok(ada, "GET", "/v1/me/stories/settings")) == {"archive": True}
    await people.ok(ada, "PUT", "/v1/me/stories/settings", json={"archive": False})
    exported = await api.get(
        GET_EXPORT_PAGE.path.format(account_id=encode("u", ada)), params={"section": "story_archive"}
    )
    items = exported.json()["items"]
    assert [one["story_id"] for one in items if one["what"] == "archived"] == [third, second]
    assert {"what": "settings", "archive": False} in items

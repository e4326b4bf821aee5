"""The API of stories on Cassandra, Redis and Kafka."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from photomesh_shared.events import StoryDeleted, StoryPublished, StoryViewed
from photomesh_shared.ids import decode, encode
from photomesh_shared.internal_api.export import GET_EXPORT_PAGE
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

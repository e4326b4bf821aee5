"""Likes through the API and the consumer of engagement."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from functools import partial
from typing import Any

import pytest

from photomesh_post import engagement
from photomesh_post.settings import EngagementSettings
from photomesh_shared.events import PostCounted
from tests.integration.post.conftest import Environment, NewPerson
from tests.integration.post.person import Person, Platform
from tests.support.kafka import Topics
from tests.support.problems import expect_problem
from tests.support.services import client_of, settings_from
from tests.support.waiting import eventually
from tests.unit.post.world import blocked


@pytest.fixture(scope="module", autouse=True)
async def counting(environment: Environment) -> AsyncIterator[None]:
    """The consumer of engagement, once it takes part in its group."""
    app = engagement.create_app(settings_from(EngagementSettings, environment("post-engagement")))
    async with client_of(app) as ops:

        async def is_ready() -> bool:
            return (await ops.get("/readyz")).status_code == 200

        await eventually(is_ready, within=60)
        yield


@pytest.fixture
async def post(ada: Person) -> str:
    return str((await ada.post(await ada.photo()))["id"])


async def like(person: Person, post_id: str, method: str = "PUT") -> Mapping[str, Any]:
    answer = await person.ask(method, f"/v1/posts/{post_id}/like")
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def is_counted(person: Person, post_id: str, count: int, topics: Topics) -> None:
    """Waits until everybody is told so many likes."""

    async def told() -> int:
        events = await topics.events("engagement_counts", f"{post_id}.counts")
        counts = [event.data.likes for event in events if isinstance(event.data, PostCounted)]
        return counts[-1] if counts else 0

    await eventually(told, until=lambda seen: seen == count, within=60, every=0.2)
    assert (await person.get(f"/v1/posts/{post_id}"))["like_count"] == count


async def test_a_like_shows_at_once_and_is_counted(ada: Person, grace: Person, post: str, topics: Topics) -> None:
    assert await like(grace, post) == {"liked": True, "like_count": 1}
    seen = await grace.get(f"/v1/posts/{post}")
    assert (seen["like_count"], seen["viewer"]["liked"]) == (1, True)
    await is_counted(ada, post, 1, topics)
    assert await like(grace, post) == {"liked": True, "like_count": 1}
    assert (await ada.get(f"/v1/posts/{post}"))["viewer"]["liked"] is False
    assert await like(ada, post) == {"liked": True, "like_count": 2}
    await is_counted(grace, post, 2, topics)
    assert await like(grace, post, "DELETE") == {"liked": False, "like_count": 1}
    listed = (await grace.listed(ada.id))["items"]
    assert [(item["like_count"], item["viewer"]["liked"]) for item in listed] == [(1, False)]
    await is_counted(grace, post, 1, topics)


async def test_who_likes_a_post(
    ada: Person, post: str, topics: Topics, new_person: NewPerson, platform: Platform
) -> None:
    people = [await new_person() for _ in range(9)]
    for person in people:
        await like(person, post)
    await is_counted(ada, post, 9, topics)
    await platform.say(blocked(people[0].account_id, people[1].account_id))

    async def everybody(viewer: Person) -> list[str]:
        seen: list[str] = []
        cursor: str | None = None
        while True:
            query = {"limit": "2"} | ({"cursor": cursor} if cursor else {})
            answer = await viewer.api.get(f"/v1/posts/{post}/likes", params=query, headers=viewer.headers)
            assert answer.status_code == 200, answer.text
            page = answer.json()
            assert len(page["items"]) <= 2
            seen += [item["id"] for item in page["items"]]
            assert ('rel="next"' in answer.headers.get("link", "")) is bool(page["next_cursor"])
            if (cursor := page["next_cursor"]) is None:
                return seen

    assert sorted(await everybody(ada)) == sorted(person.id for person in people)
    assert await everybody(ada) == await everybody(ada)
    for viewer, hidden in ((people[0], people[1]), (people[1], people[0])):
        expected = sorted(person.id for person in people if person is not hidden)
        listed = await eventually(partial(everybody, viewer), until=partial(_is_everybody, expected))
        assert listed[0] == viewer.id
    [first] = (await ada.get(f"/v1/posts/{post}/likes?limit=1"))["items"]
    assert first["username"] == f"user{next(p.account_id for p in people if p.id == first['id'])}"


def _is_everybody(expected: list[str], seen: list[str]) -> bool:
    return sorted(seen) == expected


async def test_what_is_hidden_cannot_be_liked(ada: Person, new_person: NewPerson) -> None:
    private = await new_person(private=True)
    hidden = str((await private.post(await private.photo()))["id"])
    await private.sees_post(hidden, "published")
    for method, path in (("PUT", "like"), ("DELETE", "like"), ("GET", "likes")):
        answers = [await ada.ask(method, f"/v1/posts/{post_id}/{path}") for post_id in (hidden, "o_1")]
        bodies = [expect_problem(answer, 404, "post-not-found") for answer in answers]
        assert len({frozenset(body) for body in bodies}) == 1
    answer = await ada.api.put(f"/v1/posts/{hidden}/like")
    expect_problem(answer, 401, "missing-token")


async def test_likes_are_no_reason_to_refuse_an_edit(ada: Person, grace: Person, post: str) -> None:
    tag = (await ada.ask("GET", f"/v1/posts/{post}")).headers["etag"]
    await like(ada, post)
    answer = await ada.ask("GET", f"/v1/posts/{post}", If_None_Match=tag)
    assert answer.status_code == 200
    edited = await ada.ask("PATCH", f"/v1/posts/{post}", {"caption": "Liked"}, If_Match=tag)
    assert (edited.status_code, edited.json()["like_count"]) == (200, 1)
    expect_problem(
        await ada.ask("PATCH", f"/v1/posts/{post}", {"caption": "Late"}, If_Match=tag), 412, "precondition-failed"
    )

"""Likes through the API and the consumer of engagement."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from photomesh_post import engagement
from photomesh_post.settings import EngagementSettings
from photomesh_shared.events import PostCounted
from tests.integration.post.conftest import Environment
from tests.integration.post.person import Person
from tests.support.kafka import Topics
from tests.support.services import client_of, settings_from
from tests.support.waiting import eventually


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
        counts = [event.data for event in events]
        assert all(isinstance(event, PostCounted) for event in counts)
        return counts[-1].likes if counts else 0

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

"""Likes through the API and the engagement consumer."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import pytest

from photomesh_shared.events import PostCounted
from tests.integration.post.api_user import ApiUser, Platform
from tests.integration.post.conftest import NewUser
from tests.support.kafka import Topics
from tests.support.post.sample_events import blocked
from tests.support.problems import expect_problem
from tests.support.waiting import eventually

pytestmark = pytest.mark.usefixtures("counting")


@pytest.fixture
async def post(ada: ApiUser) -> str:
    return await ada.publish_post()


async def like(user: ApiUser, post_id: str, method: str = "PUT") -> Mapping[str, Any]:
    answer = await user.request(method, f"/v1/posts/{post_id}/like")
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def until_counted(user: ApiUser, post_id: str, count: int, topics: Topics) -> None:
    """Waits until this count of likes is published."""

    async def published() -> int:
        events = await topics.events("engagement_counts", f"{post_id}.counts")
        counts = [event.data.likes for event in events if isinstance(event.data, PostCounted)]
        return counts[-1] if counts else 0

    await eventually(published, until=lambda seen: seen == count, within=60, every=0.2)
    assert (await user.get(f"/v1/posts/{post_id}"))["like_count"] == count


async def test_a_like_shows_at_once_and_until_counted(ada: ApiUser, grace: ApiUser, post: str, topics: Topics) -> None:
    assert await like(grace, post) == {"liked": True, "like_count": 1}
    seen = await grace.get(f"/v1/posts/{post}")
    assert (seen["like_count"], seen["viewer"]["liked"]) == (1, True)
    await until_counted(ada, post, 1, topics)
    assert await like(grace, post) == {"liked": True, "like_count": 1}
    assert (await ada.get(f"/v1/posts/{post}"))["viewer"]["liked"] is False
    assert await like(ada, post) == {"liked": True, "like_count": 2}
    await until_counted(grace, post, 2, topics)
    assert await like(grace, post, "DELETE") == {"liked": False, "like_count": 1}
    listed = (await grace.list_posts(ada.id))["items"]
    assert [(item["like_count"], item["viewer"]["liked"]) for item in listed] == [(1, False)]
    await until_counted(grace, post, 1, topics)


async def test_the_accounts_that_like_a_post(
    ada: ApiUser, post: str, topics: Topics, new_user: NewUser, platform: Platform
) -> None:
    users = [await new_user() for _ in range(9)]
    for user in users:
        await like(user, post)
    await until_counted(ada, post, 9, topics)
    await platform.publish(blocked(users[0].account_id, users[1].account_id))

    async def all_pages(viewer: ApiUser) -> list[str]:
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

    assert sorted(await all_pages(ada)) == sorted(user.id for user in users)
    assert await all_pages(ada) == await all_pages(ada)
    for viewer, hidden in ((users[0], users[1]), (users[1], users[0])):
        expected = sorted(user.id for user in users if user is not hidden)
        listed = await eventually(partial(all_pages, viewer), until=partial(_is_all_pages, expected))
        assert listed[0] == viewer.id
    [first] = (await ada.get(f"/v1/posts/{post}/likes?limit=1"))["items"]
    assert first["username"] == f"user{next(p.account_id for p in users if p.id == first['id'])}"


def _is_all_pages(expected: list[str], seen: list[str]) -> bool:
    return sorted(seen) == expected


async def test_a_hidden_post_cannot_be_liked(ada: ApiUser, new_user: NewUser) -> None:
    private = await new_user(private=True)
    hidden = await private.publish_post()
    await private.sees_post(hidden, "published")
    for method, path in (("PUT", "like"), ("DELETE", "like"), ("GET", "likes")):
        answers = [await ada.request(method, f"/v1/posts/{post_id}/{path}") for post_id in (hidden, "o_1")]
        bodies = [expect_problem(answer, 404, "post-not-found") for answer in answers]
        assert len({frozenset(body) for body in bodies}) == 1
    answer = await ada.api.put(f"/v1/posts/{hidden}/like")
    expect_problem(answer, 401, "missing-token")


async def test_likes_do_not_break_the_precondition_of_an_edit(ada: ApiUser, grace: ApiUser, post: str) -> None:
    tag = (await ada.request("GET", f"/v1/posts/{post}")).headers["etag"]
    await like(ada, post)
    answer = await ada.request("GET", f"/v1/posts/{post}", If_None_Match=tag)
    assert answer.status_code == 200
    edited = await ada.request("PATCH", f"/v1/posts/{post}", {"caption": "Liked"}, If_Match=tag)
    assert (edited.status_code, edited.json()["like_count"]) == (200, 1)
    expect_problem(
        await ada.request("PATCH", f"/v1/posts/{post}", {"caption": "Late"}, If_Match=tag), 412, "precondition-failed"
    )

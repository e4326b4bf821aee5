"""An author's posts, page by page, while posts are added and deleted."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from photomesh_shared.stores.cassandra import CassandraSession
from tests.integration.post.api_user import ApiUser
from tests.integration.post.conftest import NewUser
from tests.support.clock import MovableClock
from tests.support.problems import expect_problem


async def _post_many(ada: ApiUser, count: int) -> list[str]:
    """Newest first."""
    photos = await asyncio.gather(*(ada.photo() for _ in range(count)))
    return [(await ada.post(photo_id))["id"] for photo_id in photos][::-1]


def _ids(page: dict[str, list[dict[str, str]]]) -> list[str]:
    return [post["id"] for post in page["items"]]


async def test_pages_neither_repeat_nor_skip_while_posts_come_and_go(ada: ApiUser, grace: ApiUser) -> None:
    posts = await _post_many(ada, 9)
    page = await grace.list_posts(ada.id, limit=4)
    seen = _ids(page)
    await _post_many(ada, 1)
    await asyncio.gather(ada.delete(posts[1]), ada.delete(posts[4]), ada.delete(posts[6]))
    while page["next_cursor"]:
        page = await grace.list_posts(ada.id, limit=2, cursor=page["next_cursor"])
        seen += _ids(page)
    assert seen == [post for post in posts if post not in (posts[4], posts[6])]


async def test_the_link_header_leads_to_the_next_page(ada: ApiUser) -> None:
    posts = await _post_many(ada, 3)
    first = await ada.request("GET", f"/v1/users/{ada.id}/posts?limit=2")
    url, rel = first.headers["link"].split("; ")
    assert rel == 'rel="next"'
    parts = urlsplit(url.strip("<>"))
    assert parse_qs(parts.query)["cursor"] == [first.json()["next_cursor"]]
    last = await ada.request("GET", f"{parts.path}?{parts.query}")
    assert _ids(last.json()) == posts[2:]
    assert "link" not in last.headers
    assert last.json()["next_cursor"] is None


async def test_lists_span_months(
    consumer: None, new_user: NewUser, clock: MovableClock, database: CassandraSession
) -> None:
    ada = await new_user(token_seconds=365 * 86_400)
    posts: list[str] = []
    try:
        for _ in range(4):
            posts = await _post_many(ada, 2) + posts
            clock.ahead += timedelta(days=40)
    finally:
        clock.ahead = timedelta()
    months = await database.execute("SELECT month FROM months_by_author WHERE author_id = ?", ada.account_id)
    assert len(months) == 4
    page = await ada.list_posts(ada.id, limit=3)
    seen = _ids(page)
    while page["next_cursor"]:
        page = await ada.list_posts(ada.id, limit=3, cursor=page["next_cursor"])
        seen += _ids(page)
    assert seen == posts


async def test_an_empty_list_and_that_of_an_unknown_account(ada: ApiUser, grace: ApiUser) -> None:
    empty: dict[str, object] = {"items": [], "next_cursor": None}
    assert await grace.list_posts(ada.id) == await ada.list_posts(ada.id) == empty
    expect_problem(await grace.request("GET", "/v1/users/u_1/posts"), 404, "account-not-found")


@pytest.mark.parametrize(
    ("query", "status", "code", "pointer"),
    [
        ("cursor=nonsense", 400, "invalid-cursor", None),
        ("cursor=%00", 400, "invalid-cursor", None),
        ("cursor=" + "A" * 501, 422, "invalid-request", "/cursor"),
        ("limit=0", 422, "invalid-request", "/limit"),
        ("limit=51", 422, "invalid-request", "/limit"),
        ("limit=many", 422, "invalid-request", "/limit"),
    ],
)
async def test_invalid_queries(ada: ApiUser, query: str, status: int, code: str, pointer: str | None) -> None:
    answer = await ada.request("GET", f"/v1/users/{ada.id}/posts?{query}")
    expect_problem(answer, status, code, *([pointer] if pointer else []))


async def test_a_cursor_belongs_to_its_list_and_is_signed(ada: ApiUser, grace: ApiUser) -> None:
    await _post_many(ada, 2)
    cursor = (await ada.list_posts(ada.id, limit=1))["next_cursor"]
    foreign = await ada.request("GET", f"/v1/users/{grace.id}/posts?cursor={cursor}")
    expect_problem(foreign, 400, "invalid-cursor")
    altered = cursor[:-2] + ("AA" if cursor[-2:] != "AA" else "BB")
    expect_problem(await ada.request("GET", f"/v1/users/{ada.id}/posts?cursor={altered}"), 400, "invalid-cursor")
    assert json.dumps(ada.account_id) not in cursor

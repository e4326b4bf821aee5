"""Saved posts and collections through the API."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from photomesh_shared import ids
from photomesh_shared.events import CollectionPostAdded, PostSaved
from photomesh_shared.stores.cassandra import CassandraSession
from tests.integration.post.api_user import ApiUser
from tests.integration.post.conftest import NewUser
from tests.support.kafka import Topics
from tests.support.post.sample_events import account, followed
from tests.support.problems import expect_problem
from tests.support.waiting import eventually

pytestmark = pytest.mark.usefixtures("counting")


@pytest.fixture
async def posts(ada: ApiUser) -> list[str]:
    return [await ada.publish_post() for _ in range(3)]


async def put(user: ApiUser, path: str) -> None:
    answer = await user.request("PUT", path)
    assert answer.status_code == 204, answer.text


async def delete(user: ApiUser, path: str) -> None:
    answer = await user.request("DELETE", path)
    assert answer.status_code == 204, answer.text


async def collection(user: ApiUser, name: str) -> str:
    answer = await user.request("POST", "/v1/me/collections", {"name": name})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def listed(user: ApiUser, path: str, *, limit: int = 50) -> list[str]:
    found: list[str] = []
    query = f"?limit={limit}"
    while True:
        page = await user.get(path + query)
        found += [post["id"] for post in page["items"]]
        if page["next_cursor"] is None:
            return found
        query = f"?limit={limit}&cursor={page['next_cursor']}"


async def counted(user: ApiUser) -> dict[str, int]:
    return {item["name"]: item["post_count"] for item in (await user.get("/v1/me/collections"))["items"]}


async def test_saved_posts(ada: ApiUser, grace: ApiUser, posts: list[str], topics: Topics) -> None:
    for post in posts:
        await put(grace, f"/v1/posts/{post}/save")
    await put(grace, f"/v1/posts/{posts[0]}/save")
    assert await listed(grace, "/v1/me/saves", limit=1) == posts[::-1]
    assert await listed(ada, "/v1/me/saves") == []
    shown = (await grace.get("/v1/me/saves"))["items"][0]
    assert shown == await grace.get(f"/v1/posts/{posts[2]}")
    assert shown["viewer"] == {"liked": False, "saved": True}
    assert (await ada.get(f"/v1/posts/{posts[2]}"))["viewer"]["saved"] is False
    assert [post["viewer"]["saved"] for post in (await grace.list_posts(ada.id))["items"]] == [True] * 3

    for _ in range(2):
        await delete(grace, f"/v1/posts/{posts[1]}/save")
    assert await listed(grace, "/v1/me/saves") == [posts[2], posts[0]]
    await put(grace, f"/v1/posts/{posts[1]}/save")
    assert await listed(grace, "/v1/me/saves") == [posts[1], posts[2], posts[0]]
    events = await topics.events("saves", f"{grace.id}.{posts[0]}.saved")
    assert [type(event.data) for event in events] == [PostSaved]


async def test_pages_while_posts_are_saved(ada: ApiUser, grace: ApiUser, posts: list[str]) -> None:
    for post in posts:
        await put(grace, f"/v1/posts/{post}/save")
    page = await grace.get("/v1/me/saves?limit=1")
    await put(grace, f"/v1/posts/{await ada.publish_post()}/save")
    await delete(grace, f"/v1/posts/{posts[2]}/save")
    page = await grace.get(f"/v1/me/saves?limit=2&cursor={page['next_cursor']}")
    assert ([post["id"] for post in page["items"]], page["next_cursor"]) == ([posts[1], posts[0]], None)


async def test_collections(ada: ApiUser, grace: ApiUser, posts: list[str], topics: Topics) -> None:
    lakes, dusk = await collection(grace, "Lakes"), await collection(grace, "  Dusk ")
    for post in posts:
        await put(grace, f"/v1/me/collections/{lakes}/posts/{post}")
    await put(grace, f"/v1/me/collections/{lakes}/posts/{posts[0]}")
    await put(grace, f"/v1/me/collections/{dusk}/posts/{posts[1]}")
    assert await listed(grace, "/v1/me/saves") == posts[::-1]
    assert await listed(grace, f"/v1/me/collections/{lakes}/posts", limit=2) == posts[::-1]
    first, second = (await grace.get("/v1/me/collections"))["items"]
    assert (first["id"], first["name"], first["post_count"]) == (dusk, "Dusk", 1)
    assert (second["id"], second["name"], second["post_count"]) == (lakes, "Lakes", 3)
    [photo] = (await grace.get(f"/v1/posts/{posts[2]}"))["photos"]
    assert second["cover"] == photo
    assert (await grace.get("/v1/me/collections?limit=1"))["items"] == [first]

    for _ in range(2):
        await delete(grace, f"/v1/me/collections/{lakes}/posts/{posts[2]}")
    assert await counted(grace) == {"Dusk": 1, "Lakes": 2}
    assert len(await listed(grace, "/v1/me/saves")) == 3
    await delete(grace, f"/v1/posts/{posts[1]}/save")
    assert await counted(grace) == {"Dusk": 0, "Lakes": 1}
    assert await listed(grace, f"/v1/me/collections/{lakes}/posts") == [posts[0]]
    assert await listed(grace, f"/v1/me/collections/{dusk}/posts") == []

    answer = await grace.request("PATCH", f"/v1/me/collections/{lakes}", {"name": "Lakes at dusk"})
    assert (answer.json()["name"], answer.json()["post_count"]) == ("Lakes at dusk", 1)
    await delete(grace, f"/v1/me/collections/{lakes}")
    assert await counted(grace) == {"Dusk": 0}
    assert await listed(grace, "/v1/me/saves") == [posts[2], posts[0]]
    for method, path in (("GET", "/posts"), ("DELETE", ""), ("PUT", f"/posts/{posts[0]}")):
        answer = await grace.request(method, f"/v1/me/collections/{lakes}{path}")
        expect_problem(answer, 404, "collection-not-found")
    [event] = await topics.events("saves", f"{lakes}.{posts[0]}")
    assert isinstance(event.data, CollectionPostAdded)


async def test_a_collection_of_another_account_cannot_be_told_from_an_absent_one(
    ada: ApiUser, grace: ApiUser, posts: list[str]
) -> None:
    lakes = await collection(grace, "Lakes")
    await put(grace, f"/v1/me/collections/{lakes}/posts/{posts[0]}")
    absent = ids.encode("k", grace.platform.new_id())

    def body_of(answer: Any) -> dict[str, Any]:
        return {k: v for k, v in answer.json().items() if k not in ("request_id", "instance")}

    for method, path, body in (
        ("GET", "/posts", None),
        ("PATCH", "", {"name": "Mine"}),
        ("DELETE", "", None),
        ("PUT", f"/posts/{posts[0]}", None),
        ("DELETE", f"/posts/{posts[0]}", None),
    ):
        answers = [await ada.request(method, f"/v1/me/collections/{which}{path}", body) for which in (lakes, absent)]
        expect_problem(answers[0], 404, "collection-not-found")
        assert body_of(answers[0]) == body_of(answers[1])
    assert await counted(ada) == {}
    assert await counted(grace) == {"Lakes": 1}


async def test_hidden_and_deleted_posts_are_left_out(grace: ApiUser, new_user: NewUser) -> None:
    ada, linus = await new_user(), await new_user()
    deleted, hidden, kept = await ada.publish_post(), await linus.publish_post(), await ada.publish_post()
    lakes = await collection(grace, "Lakes")
    for post in (deleted, kept, hidden):
        await put(grace, f"/v1/me/collections/{lakes}/posts/{post}")
    await ada.delete(deleted)
    await linus.platform.publish(account(linus.account_id, private=True, version=2))
    await grace.until_status(f"/v1/posts/{hidden}", 404)
    for path in ("/v1/me/saves", f"/v1/me/collections/{lakes}/posts"):
        assert await listed(grace, path, limit=1) == [kept]
    [shown] = (await grace.get("/v1/me/collections"))["items"]
    assert shown["post_count"] == 3
    assert shown["cover"] == (await grace.get(f"/v1/posts/{kept}"))["photos"][0]
    expect_problem(await grace.request("PUT", f"/v1/me/collections/{lakes}/posts/{hidden}"), 404, "post-not-found")
    await grace.platform.publish(followed(grace.account_id, linus.account_id))
    await eventually(lambda: listed(grace, "/v1/me/saves"), until=lambda seen: seen == [hidden, kept], within=30)


async def test_bad_input(grace: ApiUser) -> None:
    for body in ({}, {"name": ""}, {"name": "  "}, {"name": "a" * 51}, {"name": None}, {"name": "a\udc00"}):
        expect_problem(await grace.request("POST", "/v1/me/collections", body), 422, "invalid-request", "/name")
    for number in range(100):
        await collection(grace, f"no. {number}")
    answer = await grace.request("POST", "/v1/me/collections", {"name": "One more"})
    assert expect_problem(answer, 422, "too-many-collections")["limit"] == 100
    assert len((await grace.get("/v1/me/collections?limit=50"))["items"]) == 50
    expect_problem(await grace.request("GET", "/v1/me/collections?cursor=abc"), 400, "invalid-cursor")
    expect_problem(await grace.request("GET", "/v1/me/saves?cursor=abc"), 400, "invalid-cursor")
    expect_problem(await grace.request("PUT", "/v1/posts/p_1/save"), 422, "invalid-request")
    expect_problem(await grace.api.get("/v1/me/saves"), 401, "missing-token")


async def test_a_repeated_request_creates_one_collection(grace: ApiUser) -> None:
    answers = [
        await grace.request("POST", "/v1/me/collections", {"name": "Once"}, Idempotency_Key="the same")
        for _ in range(2)
    ]
    assert answers[0].json() == answers[1].json()
    assert await counted(grace) == {"Once": 0}


async def test_concurrent_requests(
    grace: ApiUser, posts: list[str], database: CassandraSession, topics: Topics
) -> None:
    lakes = await collection(grace, "Lakes")

    async def change(post: str, number: int) -> None:
        if number % 3 == 0:
            await put(grace, f"/v1/me/collections/{lakes}/posts/{post}")
        elif number % 3 == 1:
            await delete(grace, f"/v1/me/collections/{lakes}/posts/{post}")
        else:
            await delete(grace, f"/v1/posts/{post}/save")

    await asyncio.gather(*(change(post, number) for number in range(15) for post in posts))
    await topics.caught_up("post-engagement")
    rows = await database.execute(
        "SELECT post_id, kept FROM saves WHERE list_id = ? AND month = ?",
        ids.decode("k", lakes),
        ids.timestamp_of(ids.decode("o", posts[0])).year * 100 + ids.timestamp_of(ids.decode("o", posts[0])).month,
    )
    kept = {ids.encode("o", row["post_id"]) for row in rows if row["kept"]}
    assert set(await listed(grace, f"/v1/me/collections/{lakes}/posts")) == kept
    assert kept <= set(await listed(grace, "/v1/me/saves"))
    assert await counted(grace) == {"Lakes": len(kept)}

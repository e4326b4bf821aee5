"""Comments through the API and the engagement consumer."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from photomesh_shared import ids
from photomesh_shared.events import CommentCreated, CommentDeleted, PostCounted
from photomesh_shared.stores.cassandra import CassandraSession
from tests.integration.post.api_user import ApiUser
from tests.integration.post.comment_rows import count_comment_rows
from tests.integration.post.conftest import NewUser
from tests.support.kafka import Topics
from tests.support.post.sample_events import account, blocked, unblocked
from tests.support.problems import expect_problem
from tests.support.waiting import eventually

pytestmark = pytest.mark.usefixtures("counting")


@pytest.fixture
async def post(ada: ApiUser) -> str:
    return await ada.publish_post()


async def until_published(topics: Topics, post_id: str, count: int) -> None:
    """Waits until this count of comments is published."""

    async def published() -> int:
        events = [event.data for event in await topics.events("engagement_counts", f"{post_id}.counts")]
        return events[-1].comments if events and isinstance(events[-1], PostCounted) else 0

    await eventually(published, until=lambda seen: seen == count, within=60, every=0.2)


async def test_a_thread(ada: ApiUser, grace: ApiUser, post: str, topics: Topics, database: CassandraSession) -> None:
    first = await grace.comment(post, "What a light! @ada")
    assert (first["post_id"], first["parent_id"], first["text"]) == (post, None, "What a light! @ada")
    assert first["author"]["id"] == grace.id
    assert (first["like_count"], first["reply_count"], first["viewer"]) == (0, 0, {"liked": False})
    second = await ada.comment(post, "Thank you")
    answer = await ada.comment(post, "It was late", first["id"])
    deeper = await grace.comment(post, "I can see that", answer["id"])
    assert answer["parent_id"] == deeper["parent_id"] == first["id"]

    assert [c["id"] for c in await grace.comments(post)] == [second["id"], first["id"]]
    [_, shown] = await grace.comments(post, limit=1)
    assert shown == first | {"reply_count": 2}
    assert [c["id"] for c in await ada.replies(first["id"], limit=1)] == [answer["id"], deeper["id"]]
    assert await ada.replies(answer["id"]) == []
    assert await ada.comment_count(post) == 4

    [event] = await topics.events("engagement", answer["id"])
    assert isinstance(event.data, CommentCreated)
    assert event.id == f"{answer['id']}.created"
    assert event.data.parent_author_id == grace.account_id
    await until_published(topics, post, 4)
    assert await count_comment_rows(database, post) == 4
    assert (await ada.list_posts(ada.id))["items"][0]["comment_count"] == 4


async def test_pages_while_comments_come_and_go(ada: ApiUser, grace: ApiUser, post: str) -> None:
    written = [(await grace.comment(post, f"no. {number}"))["id"] for number in range(7)]
    page = await ada.get(f"/v1/posts/{post}/comments?limit=3")
    assert [c["id"] for c in page["items"]] == written[:3:-1]
    await ada.comment(post, "One that is new")
    assert (await grace.request("DELETE", f"/v1/comments/{written[4]}")).status_code == 204
    seen = []
    while page["next_cursor"]:
        page = await ada.get(f"/v1/posts/{post}/comments?limit=3&cursor={page['next_cursor']}")
        seen += [c["id"] for c in page["items"]]
    assert seen == written[3::-1]

    replies = [(await grace.comment(post, f"re {number}", written[0]))["id"] for number in range(3)]
    page = await ada.get(f"/v1/comments/{written[0]}/replies?limit=2")
    replies.append((await ada.comment(post, "And this", written[0]))["id"])
    rest = await ada.get(f"/v1/comments/{written[0]}/replies?limit=2&cursor={page['next_cursor']}")
    assert [c["id"] for c in page["items"] + rest["items"]] == replies
    assert rest["next_cursor"] is None


@pytest.mark.parametrize("who", ["author", "owner"])
async def test_deleting_a_comment_deletes_its_replies(
    ada: ApiUser, grace: ApiUser, post: str, topics: Topics, database: CassandraSession, who: str
) -> None:
    kept, deleted = await grace.comment(post, "Kept"), await grace.comment(post, "Deleted")
    replies = [await user.comment(post, "With it", deleted["id"]) for user in (ada, grace, ada)]
    await ada.comment(post, "Kept as well", kept["id"])
    assert await grace.comment_count(post) == 6
    deleter = {"author": grace, "owner": ada}[who]
    for _ in range(2):
        assert (await deleter.request("DELETE", f"/v1/comments/{deleted['id']}")).status_code == 204
    assert await grace.comment_count(post) == 2
    assert [c["id"] for c in await grace.comments(post)] == [kept["id"]]
    for path in (f"/v1/comments/{deleted['id']}/replies", f"/v1/comments/{replies[0]['id']}/replies"):
        expect_problem(await grace.request("GET", path), 404, "comment-not-found")
    for path in (f"/v1/comments/{deleted['id']}/like", f"/v1/comments/{replies[0]['id']}/like"):
        expect_problem(await ada.request("PUT", path), 404, "comment-not-found")
    refused = await grace.request("POST", f"/v1/posts/{post}/comments", {"text": "Late", "parent_id": deleted["id"]})
    expect_problem(refused, 422, "unknown-comment", "/parent_id")

    [_, event] = await topics.events("engagement", deleted["id"])
    assert isinstance(event.data, CommentDeleted)
    assert (event.data.account_id, event.data.deleted_by) == (grace.account_id, deleter.account_id)
    await until_published(topics, post, 2)

    async def texts() -> list[str]:
        """The texts of the replies in the database."""
        rows = await database.execute(
            "SELECT body FROM comments_by_thread WHERE thread_id = ? AND month = ? ALLOW FILTERING",
            ids.decode("c", deleted["id"]),
            ids.timestamp_of(ids.decode("c", deleted["id"])).year * 100
            + ids.timestamp_of(ids.decode("c", deleted["id"])).month,
        )
        return [row["body"] for row in rows]

    await eventually(texts, until=lambda left: left == ["", "", ""], within=30)


async def test_only_the_author_and_the_posts_author_may_delete(
    ada: ApiUser, grace: ApiUser, post: str, new_user: NewUser
) -> None:
    linus = await new_user()
    mine = await grace.comment(post, "Mine")
    expect_problem(await linus.request("DELETE", f"/v1/comments/{mine['id']}"), 403, "not-your-comment")
    absent = ids.encode("c", grace.platform.new_id())
    expect_problem(await linus.request("DELETE", f"/v1/comments/{absent}"), 404, "comment-not-found")
    await grace.request("DELETE", f"/v1/comments/{mine['id']}")
    expect_problem(await linus.request("DELETE", f"/v1/comments/{mine['id']}"), 404, "comment-not-found")
    for user in (ada, grace):
        assert (await user.request("DELETE", f"/v1/comments/{mine['id']}")).status_code == 204


async def test_likes_of_comments(ada: ApiUser, grace: ApiUser, post: str) -> None:
    written = await grace.comment(post, "Like me")
    path = f"/v1/comments/{written['id']}/like"
    assert (await ada.request("PUT", path)).json() == {"liked": True, "like_count": 1}
    [shown] = await ada.comments(post)
    assert (shown["like_count"], shown["viewer"]) == (1, {"liked": True})

    async def counted() -> int:
        return int((await grace.comments(post))[0]["like_count"])

    await eventually(counted, until=lambda seen: seen == 1, within=30)
    assert (await ada.request("DELETE", path)).json() == {"liked": False, "like_count": 0}


async def test_a_block_between_commenters_hides_their_comments(
    ada: ApiUser, grace: ApiUser, post: str, new_user: NewUser, api: httpx.AsyncClient
) -> None:
    linus = await new_user()
    of_grace, of_linus = await grace.comment(post, "Grace"), await linus.comment(post, "Linus")
    await linus.comment(post, "Linus to Grace", of_grace["id"])
    await ada.comment(post, "Ada to Linus", of_linus["id"])
    await grace.platform.publish(blocked(grace.account_id, linus.account_id))

    async def seen_by(user: ApiUser) -> list[str]:
        texts = [c["text"] for c in await user.comments(post, limit=1)]
        return texts + [c["text"] for c in await user.replies(of_grace["id"])] if user is grace else texts

    await eventually(lambda: seen_by(grace), until=lambda seen: seen == ["Grace"], within=30)
    await eventually(lambda: seen_by(linus), until=lambda seen: seen == ["Linus"], within=30)
    assert await seen_by(ada) == ["Linus", "Grace"]
    strangers = await api.get(f"/v1/posts/{post}/comments")
    assert [(c["text"], c["viewer"]) for c in strangers.json()["items"]] == [("Linus", None), ("Grace", None)]
    for method, path in (("GET", "replies"), ("PUT", "like"), ("DELETE", "like")):
        answer = await linus.request(method, f"/v1/comments/{of_grace['id']}/{path}")
        expect_problem(answer, 404, "comment-not-found")
    expect_problem(await linus.request("DELETE", f"/v1/comments/{of_grace['id']}"), 404, "comment-not-found")
    refused = await linus.request("POST", f"/v1/posts/{post}/comments", {"text": "Hey", "parent_id": of_grace["id"]})
    expect_problem(refused, 422, "unknown-comment", "/parent_id")
    await grace.platform.publish(unblocked(grace.account_id, linus.account_id))
    await eventually(lambda: seen_by(linus), until=lambda seen: len(seen) == 2, within=30)


async def test_comments_of_a_hidden_post_cannot_be_told_from_absent_ones(grace: ApiUser, new_user: NewUser) -> None:
    ada = await new_user()
    post = await ada.publish_post()
    written = (await ada.comment(post, "Soon hidden"))["id"]
    await ada.platform.publish(account(ada.account_id, private=True, version=2))
    await grace.until_status(f"/v1/posts/{post}", 404)
    absent_post, absent = (ids.encode(prefix, ada.platform.new_id()) for prefix in ("o", "c"))

    def body_of(answer: httpx.Response) -> dict[str, Any]:
        return {k: v for k, v in answer.json().items() if k not in ("request_id", "instance")}

    for method, path, body in (
        ("GET", "/v1/posts/{}/comments", None),
        ("POST", "/v1/posts/{}/comments", {"text": "Hello"}),
        ("POST", "/v1/posts/{}/comments", {"text": "Hello", "parent_id": written}),
        ("PUT", "/v1/posts/{}/save", None),
        ("DELETE", "/v1/posts/{}/save", None),
    ):
        answers = [await grace.request(method, path.format(which), body) for which in (post, absent_post)]
        expect_problem(answers[0], 404, "post-not-found")
        assert body_of(answers[0]) == body_of(answers[1])
    for method, path in (("GET", "/replies"), ("DELETE", ""), ("PUT", "/like"), ("DELETE", "/like")):
        answers = [await grace.request(method, f"/v1/comments/{which}{path}") for which in (written, absent)]
        expect_problem(answers[0], 404, "comment-not-found")
        assert body_of(answers[0]) == body_of(answers[1])
    assert [c["id"] for c in await ada.comments(post)] == [written]


async def test_bad_input(ada: ApiUser, grace: ApiUser, post: str) -> None:
    path = f"/v1/posts/{post}/comments"
    for body, code, pointer in (
        ({}, "invalid-request", "/text"),
        ({"text": ""}, "invalid-request", "/text"),
        ({"text": " \n "}, "invalid-request", "/text"),
        ({"text": 5}, "invalid-request", "/text"),
        ({"text": "\ud800"}, "invalid-request", "/text"),
        ({"text": "a" * 2_201}, "comment-too-long", "/text"),
        ({"text": " ".join(f"@user{number}" for number in range(21))}, "too-many-mentions", "/text"),
        ({"text": "a", "parent_id": "p_1"}, "invalid-request", "/parent_id"),
        ({"text": "a", "parent_id": "c_1"}, "unknown-comment", "/parent_id"),
        ({"text": "a", "parent": "c_1"}, "invalid-request", "/parent"),
    ):
        expect_problem(await grace.request("POST", path, body), 422, code, pointer)
    elsewhere = await grace.comment(await ada.publish_post(), "Elsewhere")
    answer = await grace.request("POST", path, {"text": "a", "parent_id": elsewhere["id"]})
    expect_problem(answer, 422, "unknown-comment", "/parent_id")
    expect_problem(await grace.request("GET", f"{path}?cursor=abc"), 400, "invalid-cursor")
    expect_problem(await grace.request("GET", f"{path}?limit=51"), 422, "invalid-request")
    for number in range(2):
        await grace.comment(post, str(number))
    cursor = (await grace.get(f"{path}?limit=1"))["next_cursor"]
    expect_problem(
        await grace.request("GET", f"/v1/comments/{elsewhere['id']}/replies?cursor={cursor}"), 400, "invalid-cursor"
    )
    assert (await grace.comment(post, "🌄" * 2_200))["text"] == "🌄" * 2_200


async def test_a_repeated_request_comments_once(grace: ApiUser, post: str) -> None:
    path, key = f"/v1/posts/{post}/comments", "the same"
    first = await grace.request("POST", path, {"text": "Once"}, Idempotency_Key=key)
    second = await grace.request("POST", path, {"text": "Once"}, Idempotency_Key=key)
    assert (first.status_code, second.json()) == (201, first.json())
    assert second.headers["idempotency-replayed"] == "true"
    expect_problem(
        await grace.request("POST", path, {"text": "Other"}, Idempotency_Key=key), 422, "idempotency-key-reused"
    )
    assert await grace.comment_count(post) == 1


async def test_concurrent_requests(
    ada: ApiUser, grace: ApiUser, post: str, database: CassandraSession, topics: Topics
) -> None:
    root = await ada.comment(post, "Go")
    written = await asyncio.gather(
        *(user.comment(post, str(n), root["id"] if n % 2 else None) for n in range(12) for user in (ada, grace))
    )
    gone = [w["id"] for w in written if w["author"]["id"] == grace.id][::3]
    await asyncio.gather(*(grace.request("DELETE", f"/v1/comments/{comment_id}") for comment_id in gone * 2))
    await until_published(topics, post, 25 - len(gone))
    assert await ada.comment_count(post) == await count_comment_rows(database, post) == 25 - len(gone)

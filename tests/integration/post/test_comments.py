"""Comments through the API and the consumer of engagement."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from photomesh_shared import ids
from photomesh_shared.cassandra import CassandraSession
from photomesh_shared.events import CommentCreated, CommentDeleted, PostCounted
from tests.integration.post.conftest import NewPerson
from tests.integration.post.person import Person
from tests.integration.post.talk import comment, comment_count, every_comment, every_reply, hand_count, published
from tests.support.kafka import Topics
from tests.support.problems import expect_problem
from tests.support.waiting import eventually
from tests.unit.post.world import account, blocked, unblocked

pytestmark = pytest.mark.usefixtures("counting")


@pytest.fixture
async def post(ada: Person) -> str:
    return await published(ada)


async def is_told(topics: Topics, post_id: str, count: int) -> None:
    """Waits until everybody is told so many comments."""

    async def told() -> int:
        events = [event.data for event in await topics.events("engagement_counts", f"{post_id}.counts")]
        return events[-1].comments if events and isinstance(events[-1], PostCounted) else 0

    await eventually(told, until=lambda seen: seen == count, within=60, every=0.2)


async def test_a_thread(ada: Person, grace: Person, post: str, topics: Topics, database: CassandraSession) -> None:
    first = await comment(grace, post, "What a light! @ada")
    assert (first["post_id"], first["parent_id"], first["text"]) == (post, None, "What a light! @ada")
    assert first["author"]["id"] == grace.id
    assert (first["like_count"], first["reply_count"], first["viewer"]) == (0, 0, {"liked": False})
    second = await comment(ada, post, "Thank you")
    answer = await comment(ada, post, "It was late", first["id"])
    deeper = await comment(grace, post, "I can see that", answer["id"])
    assert answer["parent_id"] == deeper["parent_id"] == first["id"]

    assert [c["id"] for c in await every_comment(grace, post)] == [second["id"], first["id"]]
    [_, shown] = await every_comment(grace, post, limit=1)
    assert shown == first | {"reply_count": 2}
    assert [c["id"] for c in await every_reply(ada, first["id"], limit=1)] == [answer["id"], deeper["id"]]
    assert await every_reply(ada, answer["id"]) == []
    assert await comment_count(ada, post) == 4

    [event] = await topics.events("engagement", answer["id"])
    assert isinstance(event.data, CommentCreated)
    assert event.id == f"{answer['id']}.created"
    assert event.data.parent_author_id == grace.account_id
    await is_told(topics, post, 4)
    assert await hand_count(database, post) == 4
    assert (await ada.listed(ada.id))["items"][0]["comment_count"] == 4


async def test_pages_while_comments_come_and_go(ada: Person, grace: Person, post: str) -> None:
    written = [(await comment(grace, post, f"no. {number}"))["id"] for number in range(7)]
    page = await ada.get(f"/v1/posts/{post}/comments?limit=3")
    assert [c["id"] for c in page["items"]] == written[:3:-1]
    await comment(ada, post, "One that is new")
    assert (await grace.ask("DELETE", f"/v1/comments/{written[4]}")).status_code == 204
    seen = []
    while page["next_cursor"]:
        page = await ada.get(f"/v1/posts/{post}/comments?limit=3&cursor={page['next_cursor']}")
        seen += [c["id"] for c in page["items"]]
    assert seen == written[3::-1]

    replies = [(await comment(grace, post, f"re {number}", written[0]))["id"] for number in range(3)]
    page = await ada.get(f"/v1/comments/{written[0]}/replies?limit=2")
    replies.append((await comment(ada, post, "And this", written[0]))["id"])
    rest = await ada.get(f"/v1/comments/{written[0]}/replies?limit=2&cursor={page['next_cursor']}")
    assert [c["id"] for c in page["items"] + rest["items"]] == replies
    assert rest["next_cursor"] is None


@pytest.mark.parametrize("who", ["author", "owner"])
async def test_a_comment_goes_with_its_replies(
    ada: Person, grace: Person, post: str, topics: Topics, database: CassandraSession, who: str
) -> None:
    stays, goes = await comment(grace, post, "I stay"), await comment(grace, post, "I go")
    replies = [await comment(person, post, "With it", goes["id"]) for person in (ada, grace, ada)]
    await comment(ada, post, "I stay as well", stays["id"])
    assert await comment_count(grace, post) == 6
    deleter = {"author": grace, "owner": ada}[who]
    for _ in range(2):
        assert (await deleter.ask("DELETE", f"/v1/comments/{goes['id']}")).status_code == 204
    assert await comment_count(grace, post) == 2
    assert [c["id"] for c in await every_comment(grace, post)] == [stays["id"]]
    for path in (f"/v1/comments/{goes['id']}/replies", f"/v1/comments/{replies[0]['id']}/replies"):
        expect_problem(await grace.ask("GET", path), 404, "comment-not-found")
    for path in (f"/v1/comments/{goes['id']}/like", f"/v1/comments/{replies[0]['id']}/like"):
        expect_problem(await ada.ask("PUT", path), 404, "comment-not-found")
    refused = await grace.ask("POST", f"/v1/posts/{post}/comments", {"text": "Late", "parent_id": goes["id"]})
    expect_problem(refused, 422, "unknown-comment", "/parent_id")

    [_, event] = await topics.events("engagement", goes["id"])
    assert isinstance(event.data, CommentDeleted)
    assert (event.data.account_id, event.data.deleted_by) == (grace.account_id, deleter.account_id)
    await is_told(topics, post, 2)

    async def words() -> list[str]:
        """What is left of the replies' words."""
        rows = await database.execute(
            "SELECT body FROM comments_by_thread WHERE thread_id = ? AND month = ? ALLOW FILTERING",
            ids.decode("c", goes["id"]),
            ids.timestamp_of(ids.decode("c", goes["id"])).year * 100
            + ids.timestamp_of(ids.decode("c", goes["id"])).month,
        )
        return [row["body"] for row in rows]

    await eventually(words, until=lambda left: left == ["", "", ""], within=30)


async def test_who_may_delete(ada: Person, grace: Person, post: str, new_person: NewPerson) -> None:
    linus = await new_person()
    mine = await comment(grace, post, "Mine")
    expect_problem(await linus.ask("DELETE", f"/v1/comments/{mine['id']}"), 403, "not-your-comment")
    absent = ids.encode("c", grace.platform.new_id())
    expect_problem(await linus.ask("DELETE", f"/v1/comments/{absent}"), 404, "comment-not-found")
    await grace.ask("DELETE", f"/v1/comments/{mine['id']}")
    expect_problem(await linus.ask("DELETE", f"/v1/comments/{mine['id']}"), 404, "comment-not-found")
    for person in (ada, grace):
        assert (await person.ask("DELETE", f"/v1/comments/{mine['id']}")).status_code == 204


async def test_likes_of_comments(ada: Person, grace: Person, post: str) -> None:
    written = await comment(grace, post, "Like me")
    path = f"/v1/comments/{written['id']}/like"
    assert (await ada.ask("PUT", path)).json() == {"liked": True, "like_count": 1}
    [shown] = await every_comment(ada, post)
    assert (shown["like_count"], shown["viewer"]) == (1, {"liked": True})

    async def counted() -> int:
        return int((await every_comment(grace, post))[0]["like_count"])

    await eventually(counted, until=lambda seen: seen == 1, within=30)
    assert (await ada.ask("DELETE", path)).json() == {"liked": False, "like_count": 0}


async def test_whoever_has_a_block_with_a_commenter_does_not_see_them(
    ada: Person, grace: Person, post: str, new_person: NewPerson, api: httpx.AsyncClient
) -> None:
    linus = await new_person()
    of_grace, of_linus = await comment(grace, post, "Grace"), await comment(linus, post, "Linus")
    await comment(linus, post, "Linus to Grace", of_grace["id"])
    await comment(ada, post, "Ada to Linus", of_linus["id"])
    await grace.platform.say(blocked(grace.account_id, linus.account_id))

    async def seen_by(person: Person) -> list[str]:
        texts = [c["text"] for c in await every_comment(person, post, limit=1)]
        return texts + [c["text"] for c in await every_reply(person, of_grace["id"])] if person is grace else texts

    await eventually(lambda: seen_by(grace), until=lambda seen: seen == ["Grace"], within=30)
    await eventually(lambda: seen_by(linus), until=lambda seen: seen == ["Linus"], within=30)
    assert await seen_by(ada) == ["Linus", "Grace"]
    strangers = await api.get(f"/v1/posts/{post}/comments")
    assert [(c["text"], c["viewer"]) for c in strangers.json()["items"]] == [("Linus", None), ("Grace", None)]
    for method, path in (("GET", "replies"), ("PUT", "like"), ("DELETE", "like")):
        answer = await linus.ask(method, f"/v1/comments/{of_grace['id']}/{path}")
        expect_problem(answer, 404, "comment-not-found")
    expect_problem(await linus.ask("DELETE", f"/v1/comments/{of_grace['id']}"), 404, "comment-not-found")
    refused = await linus.ask("POST", f"/v1/posts/{post}/comments", {"text": "Hey", "parent_id": of_grace["id"]})
    expect_problem(refused, 422, "unknown-comment", "/parent_id")
    await grace.platform.say(unblocked(grace.account_id, linus.account_id))
    await eventually(lambda: seen_by(linus), until=lambda seen: len(seen) == 2, within=30)


async def test_what_is_under_a_hidden_post_is_absent(grace: Person, new_person: NewPerson) -> None:
    ada = await new_person()
    post = await published(ada)
    written = (await comment(ada, post, "Soon hidden"))["id"]
    await ada.platform.say(account(ada.account_id, private=True, version=2))
    await grace.is_answered(f"/v1/posts/{post}", 404)
    absent_post, absent = (ids.encode(prefix, ada.platform.new_id()) for prefix in ("o", "c"))

    def told(answer: httpx.Response) -> dict[str, Any]:
        return {k: v for k, v in answer.json().items() if k not in ("request_id", "instance")}

    for method, path, body in (
        ("GET", "/v1/posts/{}/comments", None),
        ("POST", "/v1/posts/{}/comments", {"text": "Hello"}),
        ("POST", "/v1/posts/{}/comments", {"text": "Hello", "parent_id": written}),
        ("PUT", "/v1/posts/{}/save", None),
        ("DELETE", "/v1/posts/{}/save", None),
    ):
        answers = [await grace.ask(method, path.format(which), body) for which in (post, absent_post)]
        expect_problem(answers[0], 404, "post-not-found")
        assert told(answers[0]) == told(answers[1])
    for method, path in (("GET", "/replies"), ("DELETE", ""), ("PUT", "/like"), ("DELETE", "/like")):
        answers = [await grace.ask(method, f"/v1/comments/{which}{path}") for which in (written, absent)]
        expect_problem(answers[0], 404, "comment-not-found")
        assert told(answers[0]) == told(answers[1])
    assert [c["id"] for c in await every_comment(ada, post)] == [written]


async def test_bad_input(ada: Person, grace: Person, post: str) -> None:
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
        expect_problem(await grace.ask("POST", path, body), 422, code, pointer)
    elsewhere = await comment(grace, await published(ada), "Elsewhere")
    answer = await grace.ask("POST", path, {"text": "a", "parent_id": elsewhere["id"]})
    expect_problem(answer, 422, "unknown-comment", "/parent_id")
    expect_problem(await grace.ask("GET", f"{path}?cursor=abc"), 400, "invalid-cursor")
    expect_problem(await grace.ask("GET", f"{path}?limit=51"), 422, "invalid-request")
    for number in range(2):
        await comment(grace, post, str(number))
    cursor = (await grace.get(f"{path}?limit=1"))["next_cursor"]
    expect_problem(
        await grace.ask("GET", f"/v1/comments/{elsewhere['id']}/replies?cursor={cursor}"), 400, "invalid-cursor"
    )
    assert (await comment(grace, post, "a" * 2_200))["text"] == "a" * 2_200


async def test_a_request_that_is_repeated_comments_once(grace: Person, post: str) -> None:
    path, key = f"/v1/posts/{post}/comments", "the same"
    first = await grace.ask("POST", path, {"text": "Once"}, Idempotency_Key=key)
    second = await grace.ask("POST", path, {"text": "Once"}, Idempotency_Key=key)
    assert (first.status_code, second.json()) == (201, first.json())
    assert second.headers["idempotency-replayed"] == "true"
    expect_problem(await grace.ask("POST", path, {"text": "Other"}, Idempotency_Key=key), 422, "idempotency-key-reused")
    assert await comment_count(grace, post) == 1


async def test_many_at_once(ada: Person, grace: Person, post: str, database: CassandraSession, topics: Topics) -> None:
    root = await comment(ada, post, "Go")
    written = await asyncio.gather(
        *(comment(person, post, str(n), root["id"] if n % 2 else None) for n in range(12) for person in (ada, grace))
    )
    gone = [w["id"] for w in written if w["author"]["id"] == grace.id][::3]
    await asyncio.gather(*(grace.ask("DELETE", f"/v1/comments/{comment_id}") for comment_id in gone * 2))
    await is_told(topics, post, 25 - len(gone))
    assert await comment_count(ada, post) == await hand_count(database, post) == 25 - len(gone)

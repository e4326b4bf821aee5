"""Processes that are killed while they write or count comments and saves, and logs that are replayed: counts are those
of the rows.

No engagement consumer runs here except those that a test starts.
"""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from photomesh_post.reconcile import reconcile
from photomesh_post.settings import EngagementSettings
from photomesh_post.tables.rows import month_of
from photomesh_shared import ids
from photomesh_shared.clock import SystemClock
from photomesh_shared.events import Envelope, Event, Record
from photomesh_shared.stores.cassandra import CassandraSession
from tests.integration.post.api_user import ApiUser
from tests.integration.post.comment_rows import count_comment_rows
from tests.integration.post.conftest import Environment
from tests.support.groups import forget_members
from tests.support.kafka import Topics
from tests.support.post.sample_events import comment_created, comment_deleted
from tests.support.services import Process, process, settings_from
from tests.support.tokens import free_port
from tests.support.waiting import eventually

API, COUNTING = "photomesh_post", "photomesh_post.engagement"
COMMENT_STEPS = ("comment.after_produce", "comment.after_rows", "comment.after_tally")
SAVE_STEPS = ("save.after_produce", "save.after_rows", "save.after_tally")


@asynccontextmanager
async def _running(environment: Environment, module: str, failpoints: str = "") -> AsyncIterator[Process]:
    program = "post" if module == API else "post-engagement"
    async with process(module, environment(program), port=free_port(), failpoints=failpoints) as running:
        yield running


async def _kill_during(
    environment: Environment, failpoint: str, user: ApiUser, method: str, path: str, body: object
) -> None:
    """Runs an API process that is killed while it handles this request."""
    async with _running(environment, API, f"{failpoint}=kill") as victim, httpx.AsyncClient() as client:
        with pytest.raises(httpx.TransportError):
            await client.request(method, victim.url + path, json=body, headers=user.headers, timeout=30)
        assert await victim.ended() == -9


async def _records(topics: Topics, topic: str, key: str) -> list[Record]:
    return [r for r in await topics.records(topic) if r.partition_key == key.encode() and not r.is_tombstone]


@pytest.mark.parametrize("failpoint", COMMENT_STEPS)
async def test_the_api_is_killed_while_it_writes_and_deletes_comments(
    ada: ApiUser, grace: ApiUser, environment: Environment, database: CassandraSession, topics: Topics, failpoint: str
) -> None:
    post = await ada.publish_post()
    root = await ada.comment(post, "Root")
    await grace.comment(post, "Reply", root["id"])
    deleted = await ada.comment(post, "Deleted")
    await grace.comment(post, "Deleted as well", deleted["id"])
    path = f"/v1/posts/{post}/comments"
    await _kill_during(environment, failpoint, grace, "POST", path, {"text": "Cut off", "parent_id": root["id"]})
    await _kill_during(environment, failpoint, ada, "DELETE", f"/v1/comments/{deleted['id']}", None)
    async with _running(environment, COUNTING):
        await topics.caught_up("post-engagement")
    assert await ada.comment_count(post) == await count_comment_rows(database, post) == 3
    [shown] = await ada.comments(post)
    assert (shown["id"], shown["reply_count"]) == (root["id"], 2)
    assert [reply["text"] for reply in await ada.replies(root["id"])] == ["Reply", "Cut off"]


def _life(ada: ApiUser, grace: ApiUser, post: str) -> list[Envelope[Event]]:
    """All that may happen to a post's comments, as if the API had crashed after each event. Three comments remain: one
    with two replies."""
    new, post_id = ada.platform.new_id, ids.decode("o", post)
    kept, gone, replies = new(), new(), [new() for _ in range(5)]
    parents = (kept, kept, kept, gone, gone)
    written: list[Envelope[Event]] = [comment_created(post_id, root, ada.account_id) for root in (kept, gone)]
    for reply, parent in zip(replies, parents, strict=True):
        written.append(comment_created(post_id, reply, grace.account_id, parent_id=parent))
    return [
        *written,
        comment_deleted(post_id, gone, ada.account_id),
        comment_deleted(post_id, replies[0], grace.account_id, parent_id=kept),
        comment_deleted(post_id, replies[3], grace.account_id, parent_id=gone),
    ]


async def _assert_right(ada: ApiUser, post: str, database: CassandraSession) -> None:
    assert await ada.comment_count(post) == await count_comment_rows(database, post) == 3
    [root] = await ada.comments(post)
    assert root["reply_count"] == len(await ada.replies(root["id"])) == 2


@pytest.mark.parametrize(
    "failpoint", ["comment.after_rows", "comment.after_tally", "runner.after_handle", "runner.before_commit"]
)
async def test_the_consumer_is_killed_while_it_counts_comments(
    ada: ApiUser, grace: ApiUser, environment: Environment, database: CassandraSession, topics: Topics, failpoint: str
) -> None:
    post = await ada.publish_post()
    async with _running(environment, COUNTING, f"{failpoint}=kill") as victim:
        await ada.platform.publish(*_life(ada, grace, post))
        assert await victim.ended(60) == -9
    await forget_members(topics.kafka, "post-engagement")
    async with _running(environment, COUNTING):
        await topics.caught_up("post-engagement")
    await _assert_right(ada, post, database)


@pytest.mark.parametrize("seed", range(3))
async def test_events_of_comments_in_any_order_and_repeated(
    ada: ApiUser, grace: ApiUser, environment: Environment, database: CassandraSession, topics: Topics, seed: int
) -> None:
    post = await ada.publish_post()
    events = _life(ada, grace, post) * 2
    random.Random(seed).shuffle(events)
    async with _running(environment, COUNTING):
        await ada.platform.publish(*events)
        await topics.caught_up("post-engagement")
    await _assert_right(ada, post, database)


@pytest.mark.parametrize("failpoint", SAVE_STEPS)
async def test_the_api_is_killed_while_it_changes_collections(
    ada: ApiUser, grace: ApiUser, environment: Environment, topics: Topics, failpoint: str
) -> None:
    posts = [await ada.publish_post() for _ in range(3)]
    lakes = (await grace.request("POST", "/v1/me/collections", {"name": "Lakes"})).json()["id"]
    path = f"/v1/me/collections/{lakes}/posts"
    for post in posts[:2]:
        assert (await grace.request("PUT", f"{path}/{post}")).status_code == 204
    assert (await grace.request("PUT", f"/v1/posts/{posts[2]}/save")).status_code == 204
    await _kill_during(environment, failpoint, grace, "PUT", f"{path}/{posts[2]}", None)
    await _kill_during(environment, failpoint, grace, "DELETE", f"/v1/posts/{posts[0]}/save", None)
    # Nobody was told that it is unsaved, and only its collections may know: a client repeats.
    assert (await grace.request("DELETE", f"/v1/posts/{posts[0]}/save")).status_code == 204
    async with _running(environment, COUNTING):
        await topics.caught_up("post-engagement")
    assert [post["id"] for post in (await grace.get(path))["items"]] == [posts[2], posts[1]]
    [shown] = (await grace.get("/v1/me/collections"))["items"]
    assert shown["post_count"] == 2
    assert [post["id"] for post in (await grace.get("/v1/me/saves"))["items"]] == [posts[2], posts[1]]


async def test_events_of_saves_in_any_order_and_repeated(
    ada: ApiUser, grace: ApiUser, environment: Environment, topics: Topics
) -> None:
    posts = [await ada.publish_post() for _ in range(4)]
    lakes = (await grace.request("POST", "/v1/me/collections", {"name": "Lakes"})).json()["id"]
    path = f"/v1/me/collections/{lakes}/posts"
    for post in posts:
        assert (await grace.request("PUT", f"{path}/{post}")).status_code == 204
    for method, changed in (
        ("DELETE", f"{path}/{posts[0]}"),
        ("DELETE", f"/v1/posts/{posts[1]}/save"),
        ("DELETE", f"/v1/posts/{posts[2]}/save"),
        ("PUT", f"{path}/{posts[2]}"),
    ):
        assert (await grace.request(method, changed)).status_code == 204

    async def everything() -> list[object]:
        pages = [await grace.get(where) for where in ("/v1/me/saves", path, "/v1/me/collections")]
        return [page["items"] for page in pages]

    before = await everything()
    records = await _records(topics, "saves", grace.id)
    shuffled = records * 2
    random.Random(7).shuffle(shuffled)
    async with _running(environment, COUNTING):
        await topics.send(shuffled)
        await topics.caught_up("post-engagement")
    await eventually(everything, until=lambda seen: seen == before, within=30)


async def test_drift_of_comments_is_found_and_repaired(
    ada: ApiUser,
    grace: ApiUser,
    environment: Environment,
    database: CassandraSession,
    capsys: pytest.CaptureFixture[str],
) -> None:
    settings, clock = settings_from(EngagementSettings, environment("post-engagement")), SystemClock()
    post = await ada.publish_post()
    post_id = ids.decode("o", post)
    root = await ada.comment(post, "Root")
    replies = [await grace.comment(post, "Reply", root["id"]) for _ in range(30)]
    assert (await grace.request("DELETE", f"/v1/comments/{replies[0]['id']}")).status_code == 204
    assert await reconcile(settings, clock, post_id, repair=False) == []

    month = month_of(ids.decode("c", root["id"]))
    await database.execute("UPDATE counts SET comments[?] = 99 WHERE subject_id = ?", month, post_id)
    # Without its row, the comment would be counted a second time.
    await database.execute(
        "DELETE FROM comment_tallies WHERE post_id = ? AND month = ? AND comment_id = ? IF EXISTS",
        post_id,
        month,
        ids.decode("c", replies[1]["id"]),
    )
    [drift] = await reconcile(settings, clock, post_id, repair=False)
    assert (drift.audit, drift.balance.rows, drift.balance.copied, drift.repaired) == ("comments", 30, 99, False)
    [drift] = await reconcile(settings, clock, post_id, repair=True)
    assert drift.repaired
    assert "30 rows, counted as 30, shown as 99: repaired" in capsys.readouterr().out
    assert await reconcile(settings, clock, post_id, repair=False) == []
    assert await ada.comment_count(post) == await count_comment_rows(database, post) == 30
    await grace.comment(post, "One more", root["id"])
    assert (await grace.request("DELETE", f"/v1/comments/{replies[1]['id']}")).status_code == 204
    assert await ada.comment_count(post) == await count_comment_rows(database, post) == 30

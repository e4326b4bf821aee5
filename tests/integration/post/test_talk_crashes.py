"""Processes that are killed while they write or count comments and saves, and logs that are read again: what is shown
is what there is.

No consumer of engagement runs here but those that a test starts.
"""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from photomesh_post.posts.projection import month_of
from photomesh_post.reconcile import reconcile
from photomesh_post.settings import EngagementSettings
from photomesh_shared import ids
from photomesh_shared.cassandra import CassandraSession
from photomesh_shared.clock import SystemClock
from photomesh_shared.events import Envelope, Event, Record
from tests.integration.post.conftest import Environment
from tests.integration.post.person import Person
from tests.integration.post.talk import comment, comment_count, every_comment, every_reply, hand_count, published
from tests.support.groups import forget_members
from tests.support.kafka import Topics
from tests.support.services import Process, process, settings_from
from tests.support.tokens import free_port
from tests.support.waiting import eventually
from tests.unit.post.talk import commented, uncommented

API, COUNTING = "photomesh_post", "photomesh_post.engagement"
COMMENT_STEPS = ("comment.after_produce", "comment.after_rows", "comment.after_tally")
SAVE_STEPS = ("save.after_produce", "save.after_rows", "save.after_tally")


@asynccontextmanager
async def _running(environment: Environment, module: str, failpoints: str = "") -> AsyncIterator[Process]:
    program = "post" if module == API else "post-engagement"
    async with process(module, environment(program), port=free_port(), failpoints=failpoints) as running:
        yield running


async def _dies_of(environment: Environment, failpoint: str, who: Person, method: str, path: str, body: object) -> None:
    """An API process that is killed while it answers this."""
    async with _running(environment, API, f"{failpoint}=kill") as victim, httpx.AsyncClient() as client:
        with pytest.raises(httpx.TransportError):
            await client.request(method, victim.url + path, json=body, headers=who.headers, timeout=30)
        assert await victim.ended() == -9


async def _records(topics: Topics, topic: str, key: str) -> list[Record]:
    return [record for record in await topics.records(topic) if record.key == key.encode()]


@pytest.mark.parametrize("failpoint", COMMENT_STEPS)
async def test_the_api_is_killed_while_somebody_comments_and_deletes(
    ada: Person, grace: Person, environment: Environment, database: CassandraSession, topics: Topics, failpoint: str
) -> None:
    post = await published(ada)
    root = await comment(ada, post, "Root")
    await comment(grace, post, "Reply", root["id"])
    goes = await comment(ada, post, "I go")
    await comment(grace, post, "I go with it", goes["id"])
    where = f"/v1/posts/{post}/comments"
    await _dies_of(environment, failpoint, grace, "POST", where, {"text": "Cut off", "parent_id": root["id"]})
    await _dies_of(environment, failpoint, ada, "DELETE", f"/v1/comments/{goes['id']}", None)
    async with _running(environment, COUNTING):
        await topics.caught_up("post-engagement")
    assert await comment_count(ada, post) == await hand_count(database, post) == 3
    [shown] = await every_comment(ada, post)
    assert (shown["id"], shown["reply_count"]) == (root["id"], 2)
    assert [reply["text"] for reply in await every_reply(ada, root["id"])] == ["Reply", "Cut off"]


def _life(ada: Person, grace: Person, post: str) -> list[Envelope[Event]]:
    """All that may happen to a post's comments, as if the API had died after each event. Three comments stay: one with
    two replies."""
    new, post_id = ada.platform.new_id, ids.decode("o", post)
    kept, gone, replies = new(), new(), [new() for _ in range(5)]
    parents = (kept, kept, kept, gone, gone)
    written: list[Envelope[Event]] = [commented(post_id, one, ada.account_id) for one in (kept, gone)]
    for reply, parent in zip(replies, parents, strict=True):
        written.append(commented(post_id, reply, grace.account_id, parent_id=parent))
    return [
        *written,
        uncommented(post_id, gone, ada.account_id),
        uncommented(post_id, replies[0], grace.account_id, parent_id=kept),
        uncommented(post_id, replies[3], grace.account_id, parent_id=gone),
    ]


async def _assert_right(ada: Person, post: str, database: CassandraSession) -> None:
    assert await comment_count(ada, post) == await hand_count(database, post) == 3
    [root] = await every_comment(ada, post)
    assert root["reply_count"] == len(await every_reply(ada, root["id"])) == 2


@pytest.mark.parametrize(
    "failpoint", ["comment.after_rows", "comment.after_tally", "runner.after_handle", "runner.before_commit"]
)
async def test_the_consumer_is_killed_while_it_counts_comments(
    ada: Person, grace: Person, environment: Environment, database: CassandraSession, topics: Topics, failpoint: str
) -> None:
    post = await published(ada)
    async with _running(environment, COUNTING, f"{failpoint}=kill") as victim:
        await ada.platform.say(*_life(ada, grace, post))
        assert await victim.ended(60) == -9
    await forget_members(topics.bootstrap, "post-engagement")
    async with _running(environment, COUNTING):
        await topics.caught_up("post-engagement")
    await _assert_right(ada, post, database)


@pytest.mark.parametrize("seed", range(3))
async def test_the_log_of_comments_twice_and_in_any_order(
    ada: Person, grace: Person, environment: Environment, database: CassandraSession, topics: Topics, seed: int
) -> None:
    post = await published(ada)
    events = _life(ada, grace, post) * 2
    random.Random(seed).shuffle(events)
    async with _running(environment, COUNTING):
        await ada.platform.say(*events)
        await topics.caught_up("post-engagement")
    await _assert_right(ada, post, database)


@pytest.mark.parametrize("failpoint", SAVE_STEPS)
async def test_the_api_is_killed_while_somebody_sorts_what_they_save(
    ada: Person, grace: Person, environment: Environment, topics: Topics, failpoint: str
) -> None:
    posts = [await published(ada) for _ in range(3)]
    lakes = (await grace.ask("POST", "/v1/me/collections", {"name": "Lakes"})).json()["id"]
    path = f"/v1/me/collections/{lakes}/posts"
    for post in posts[:2]:
        assert (await grace.ask("PUT", f"{path}/{post}")).status_code == 204
    assert (await grace.ask("PUT", f"/v1/posts/{posts[2]}/save")).status_code == 204
    await _dies_of(environment, failpoint, grace, "PUT", f"{path}/{posts[2]}", None)
    await _dies_of(environment, failpoint, grace, "DELETE", f"/v1/posts/{posts[0]}/save", None)
    async with _running(environment, COUNTING):
        await topics.caught_up("post-engagement")
    assert [post["id"] for post in (await grace.get(path))["items"]] == [posts[2], posts[1]]
    [shown] = (await grace.get("/v1/me/collections"))["items"]
    assert shown["post_count"] == 2
    assert [post["id"] for post in (await grace.get("/v1/me/saves"))["items"]] == [posts[2], posts[1]]


async def test_the_log_of_saves_twice_and_in_any_order(
    ada: Person, grace: Person, environment: Environment, topics: Topics
) -> None:
    posts = [await published(ada) for _ in range(4)]
    lakes = (await grace.ask("POST", "/v1/me/collections", {"name": "Lakes"})).json()["id"]
    path = f"/v1/me/collections/{lakes}/posts"
    for post in posts:
        assert (await grace.ask("PUT", f"{path}/{post}")).status_code == 204
    for method, what in (
        ("DELETE", f"{path}/{posts[0]}"),
        ("DELETE", f"/v1/posts/{posts[1]}/save"),
        ("DELETE", f"/v1/posts/{posts[2]}/save"),
        ("PUT", f"{path}/{posts[2]}"),
    ):
        assert (await grace.ask(method, what)).status_code == 204

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
    ada: Person, grace: Person, environment: Environment, database: CassandraSession, capsys: pytest.CaptureFixture[str]
) -> None:
    settings, clock = settings_from(EngagementSettings, environment("post-engagement")), SystemClock()
    post = await published(ada)
    post_id = ids.decode("o", post)
    root = await comment(ada, post, "Root")
    replies = [await comment(grace, post, "Reply", root["id"]) for _ in range(30)]
    assert (await grace.ask("DELETE", f"/v1/comments/{replies[0]['id']}")).status_code == 204
    assert await reconcile(settings, clock, post_id, repair=False) == []

    month = month_of(ids.decode("c", root["id"]))
    await database.execute("UPDATE counts SET comments[?] = 99 WHERE subject_id = ?", month, post_id)
    # As if the comment had been forgotten: it would be counted a second time.
    await database.execute(
        "DELETE FROM comment_tallies WHERE post_id = ? AND month = ? AND comment_id = ? IF EXISTS",
        post_id,
        month,
        ids.decode("c", replies[1]["id"]),
    )
    [drift] = await reconcile(settings, clock, post_id, repair=False)
    assert (drift.ledger, drift.balance.held, drift.balance.shown, drift.repaired) == ("comments", 30, 99, False)
    [drift] = await reconcile(settings, clock, post_id, repair=True)
    assert drift.repaired
    assert "30 rows, counted as 30, shown as 99: repaired" in capsys.readouterr().out
    assert await reconcile(settings, clock, post_id, repair=False) == []
    assert await comment_count(ada, post) == await hand_count(database, post) == 30
    await comment(grace, post, "One more", root["id"])
    assert (await grace.ask("DELETE", f"/v1/comments/{replies[1]['id']}")).status_code == 204
    assert await comment_count(ada, post) == await hand_count(database, post) == 30

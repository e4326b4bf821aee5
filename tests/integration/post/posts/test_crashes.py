"""Processes that are killed at every step, and servers that fail: nothing is lost, nothing is duplicated.

No consumer runs here except those that a test starts.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from photomesh_shared import ids
from photomesh_shared.events import PostCreated, PostPublished
from photomesh_shared.stores.cassandra import CassandraSession
from tests.integration.post.api_user import ApiUser, Platform
from tests.integration.post.conftest import Environment
from tests.support.groups import forget_members
from tests.support.kafka import Topics
from tests.support.post.sample_events import account, ready, uploaded
from tests.support.problems import expect_problem
from tests.support.servers import Servers
from tests.support.services import Process, process
from tests.support.tokens import Issuer, free_port
from tests.support.waiting import eventually

API, CONSUMER = "photomesh_post", "photomesh_post.consumer"


@asynccontextmanager
async def _running(environment: Environment, module: str, failpoints: str = "") -> AsyncIterator[Process]:
    program = "post" if module == API else "post-consumer"
    async with process(module, environment(program), port=free_port(), failpoints=failpoints) as running:
        yield running


@pytest.fixture
def stranger(api: httpx.AsyncClient, platform: Platform, issuer: Issuer) -> ApiUser:
    """A user whose account is unknown to the service."""
    account_id = platform.new_id()
    return ApiUser(api, platform, account_id, issuer.headers(account_id))


async def _rows(database: CassandraSession, table: str, column: str, value: int) -> int:
    [row] = await database.execute(f"SELECT count(*) AS n FROM {table} WHERE {column} = ?", value)
    return int(row["n"])


async def _assert_right(ada: ApiUser, photos: list[str], post_id: str, topics: Topics, db: CassandraSession) -> None:
    """One row of everything, one post, published, and one event of each."""
    post = await ada.sees_post(post_id, "published")
    assert [photo["id"] for photo in post["photos"]] == photos
    assert [listed["id"] for listed in (await ada.list_posts(ada.id))["items"]] == [post_id]
    for photo_id in photos:
        assert await _rows(db, "photos", "photo_id", ids.decode("p", photo_id)) == 1
    assert await _rows(db, "posts", "post_id", ids.decode("o", post_id)) == 1
    events = await topics.events("posts", post_id)
    assert {event.id for event in events} == {f"{post_id}.created", f"{post_id}.published"}


@pytest.mark.parametrize(
    "failpoint",
    [
        "photo.consumer.after_write=kill@2",
        "post.after_produce=kill",
        "post.after_apply=kill",
        "runner.after_handle=kill@3",
        "runner.before_commit=kill",
    ],
)
async def test_the_consumer_is_killed_while_it_publishes_a_post(
    stranger: ApiUser, environment: Environment, topics: Topics, database: CassandraSession, failpoint: str
) -> None:
    ada = stranger
    async with _running(environment, CONSUMER):
        photos = [await ada.upload() for _ in range(2)]
        post = await ada.post(*photos)
    async with _running(environment, CONSUMER, failpoint) as victim:
        await ada.platform.publish(
            account(ada.account_id), *(ready(ids.decode("p", p), ada.account_id) for p in photos)
        )
        assert await victim.ended(60) == -9
    await forget_members(topics.kafka, "post")
    async with _running(environment, CONSUMER):
        await _assert_right(ada, photos, post["id"], topics, database)


@pytest.mark.parametrize("failpoint", ["post.after_produce=kill", "post.after_apply=kill"])
async def test_the_api_is_killed_while_it_creates_a_post(
    stranger: ApiUser, environment: Environment, topics: Topics, database: CassandraSession, failpoint: str
) -> None:
    ada = stranger
    async with _running(environment, CONSUMER):
        photo_id = await ada.photo()
        body = {"photo_ids": [photo_id], "caption": "Once"}
        async with _running(environment, API, failpoint) as victim, httpx.AsyncClient() as client:
            with pytest.raises(httpx.TransportError):
                await client.post(f"{victim.url}/v1/posts", json=body, headers=ada.headers, timeout=30)
            assert await victim.ended() == -9
        post = await ada.post(photo_id, caption="Once")
        await _assert_right(ada, [photo_id], post["id"], topics, database)


@pytest.mark.parametrize("failpoint", ["post.after_produce=kill", "post.after_apply=kill"])
async def test_the_api_is_killed_while_it_deletes_a_post(
    stranger: ApiUser, environment: Environment, failpoint: str
) -> None:
    ada = stranger
    async with _running(environment, CONSUMER):
        photo_id = await ada.photo()
        objects = await ada.platform.put_objects(ids.decode("p", photo_id))
        post = await ada.post(photo_id)
        async with _running(environment, API, failpoint) as victim, httpx.AsyncClient() as client:
            with pytest.raises(httpx.TransportError):
                await client.delete(f"{victim.url}/v1/posts/{post['id']}", headers=ada.headers, timeout=30)
        await ada.until_status(f"/v1/posts/{post['id']}", 404)
        await ada.platform.are_gone(objects)


@pytest.mark.parametrize("failpoint", ["post.consumer.after_write=kill", "post.delete.after_objects=kill"])
async def test_the_consumer_is_killed_while_it_erases_a_photo(
    stranger: ApiUser, environment: Environment, topics: Topics, failpoint: str
) -> None:
    ada = stranger
    async with _running(environment, CONSUMER):
        photo_id = await ada.photo()
        objects = await ada.platform.put_objects(ids.decode("p", photo_id))
        post = await ada.post(photo_id)
    async with _running(environment, CONSUMER, failpoint) as victim:
        await ada.delete(post["id"])
        assert await victim.ended(60) == -9
    await forget_members(topics.kafka, "post")
    await ada.platform.put_objects(ids.decode("p", photo_id))
    async with _running(environment, CONSUMER):
        await ada.platform.are_gone(objects)


async def test_cassandra_is_stopped_for_a_while(
    stranger: ApiUser, environment: Environment, topics: Topics, database: CassandraSession, servers: Servers
) -> None:
    ada = stranger
    async with _running(environment, CONSUMER) as consumer:
        photos = [await ada.upload() for _ in range(2)]
        post = await ada.post(*photos)
        waiting = ada.new_photo()
        await asyncio.to_thread(servers.stop, "cassandra")
        try:
            answer = await ada.api.get(f"/v1/posts/{post['id']}", headers=ada.headers)
            body = expect_problem(answer, 503, "database-unavailable")
            assert body["retryable"] is True
            assert answer.headers["retry-after"]
            answer = await ada.api.post("/v1/posts", json={"photo_ids": photos}, headers=ada.headers)
            expect_problem(answer, 503, "database-unavailable")
            await ada.platform.publish(*(ready(ids.decode("p", photo_id), ada.account_id) for photo_id in photos))
            await ada.platform.publish(uploaded(waiting, ada.account_id))
            async with httpx.AsyncClient() as client:
                assert (await client.get(f"{consumer.url}/readyz")).status_code == 503
                assert (await client.get(f"{consumer.url}/healthz")).status_code == 200
        finally:
            await asyncio.to_thread(servers.start, "cassandra")
        await ada.until_available(f"/v1/posts/{post['id']}")
        await _assert_right(ada, photos, post["id"], topics, database)
        await ada.sees(waiting, "processing")
    letters = [await topics.records(f"{topic}.post.dlt") for topic in ("photo_ready", "photos_uploaded", "posts")]
    assert all(record.key != ada.id.encode() for topic in letters for record in topic)


async def test_a_layer_of_the_cdn_that_is_stopped_keeps_nothing_else_waiting(
    stranger: ApiUser, environment: Environment, topics: Topics, servers: Servers
) -> None:
    ada = stranger
    async with _running(environment, CONSUMER) as consumer, httpx.AsyncClient() as client:
        first, second = await ada.photo(), await ada.photo()
        objects = [await ada.platform.put_objects(ids.decode("p", photo_id)) for photo_id in (first, second)]
        posts = [await ada.post(photo_id) for photo_id in (first, second)]

        async def oldest() -> float:
            lines = (await client.get(f"{consumer.url}/metrics")).text.splitlines()
            [line] = [one for one in lines if one.startswith('photomesh_oldest_pending_erasure_seconds{kind="caches"}')]
            return float(line.split()[-1])

        await asyncio.to_thread(servers.stop, "edge")
        try:
            for post, of_photo in zip(posts, objects, strict=True):
                await ada.delete(post["id"])
                await ada.platform.are_gone(of_photo)
            await eventually(oldest, until=lambda seconds: seconds > 0)
            await topics.caught_up("post")  # what is in the same partition goes on
            assert (await client.get(f"{consumer.url}/healthz")).status_code == 200
        finally:
            await asyncio.to_thread(servers.start, "edge")
        await eventually(oldest, until=lambda seconds: seconds == 0, within=60)
    letters = await topics.records("posts.post.dlt")
    assert all(record.key != ada.id.encode() for record in letters)


async def test_repeated_events_add_no_rows(
    stranger: ApiUser, environment: Environment, topics: Topics, database: CassandraSession
) -> None:
    ada = stranger
    async with _running(environment, CONSUMER):
        kept, gone = await ada.photo(), await ada.photo()
        post = await ada.post(kept, caption="Kept")
        await ada.edit(post["id"], caption="Kept #still")
        await ada.delete((await ada.post(gone, caption="Gone"))["id"])
        before = await _settled(ada, database)
        mine = [
            record
            for topic in ("accounts", "photos_uploaded", "photo_ready", "posts")
            for record in await topics.records(topic)
            if record.partition_key == ada.id.encode()
        ]
        await topics.send(mine)
        await topics.send(mine[::-1])
        await topics.caught_up("post")
        await eventually(lambda: _everything(ada, database), until=lambda now: now == before, within=30)
        events = await topics.events("posts", post["id"])
        assert len({event.id for event in events if isinstance(event.data, PostCreated | PostPublished)}) == 2


async def _settled(ada: ApiUser, database: CassandraSession) -> Mapping[str, Any]:
    """As `_everything`, once the photos of deleted posts are erased, which happens in the background."""

    def erased(found: Mapping[str, Any]) -> bool:
        return all(row["erased"] or not row["deleted"] for [[row], *_] in found["photos"])

    return await eventually(lambda: _everything(ada, database), until=erased, within=60, every=1)


async def _everything(ada: ApiUser, database: CassandraSession) -> Mapping[str, Any]:
    """All rows of the user, and what they see of them."""
    listed = await database.execute(
        "SELECT * FROM posts_by_author WHERE author_id = ? AND month IN ? ALLOW FILTERING",
        ada.account_id,
        [
            row["month"]
            for row in await database.execute("SELECT month FROM months_by_author WHERE author_id = ?", ada.account_id)
        ],
    )
    posts = [await database.execute("SELECT * FROM posts WHERE post_id = ?", row["post_id"]) for row in listed]
    photos = [
        [
            await database.execute(f"SELECT * FROM {table} WHERE photo_id = ?", photo)
            for table in ("photos", "photo_metadata", "photo_claims")
        ]
        for [post] in posts
        for photo in post["photo_ids"]
    ]
    return {"listed": listed, "posts": posts, "photos": photos, "seen": await ada.list_posts(ada.id)}

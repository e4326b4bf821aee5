"""An account is erased by both groups of post: tables, objects, topics, caches. Also if they die in the middle."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest

from photomesh_shared import ids
from photomesh_shared.events import AccountErasureRequested, Envelope, ErasureAcknowledged, decode
from photomesh_shared.events.versions import version_at
from photomesh_shared.stores.cassandra import CassandraSession
from tests.integration.post.api_user import ApiUser
from tests.integration.post.conftest import Environment, NewUser
from tests.support.groups import forget_members
from tests.support.kafka import Topics
from tests.support.post.sample_events import followed, ready, uploaded
from tests.support.services import Process, process
from tests.support.tokens import free_port
from tests.support.waiting import eventually

CONSUMER, ENGAGEMENT = "photomesh_post.consumer", "photomesh_post.engagement"
PROGRAMS = {CONSUMER: ("post-consumer", "post"), ENGAGEMENT: ("post-engagement", "post-engagement")}
CANARY = "canary5d1e"
IDS_ONLY = {
    "comments": "a deleted comment's row keeps the event that created it out",
    "comments_by_thread": "the same",
    "comment_tallies": "the same",
    "ended": "marks the account as gone",
    "likes": "",
}
"""Tables in which the account's id may still be, and nothing else."""


@asynccontextmanager
async def _running(environment: Environment, module: str, failpoints: str = "") -> AsyncIterator[Process]:
    program, _ = PROGRAMS[module]
    async with process(module, environment(program), port=free_port(), failpoints=failpoints) as running:
        yield running


async def live(ada: ApiUser, mallory: ApiUser) -> tuple[str, list[tuple[str, str]]]:
    """Everything that an account can do; returns the other's post, and the objects of its own photos."""
    other = await ada.publish_post()
    photos = [await mallory.photo() for _ in range(2)]
    objects = [one for photo in photos for one in await mallory.platform.put_objects(ids.decode("p", photo))]
    post = (await mallory.post(photos[0], caption=f"{CANARY} caption", alt_texts=[]))["id"]
    await ada.comment(post, "Under the post of an account that leaves")
    comment = await mallory.comment(other, f"{CANARY} comment")
    theirs = await ada.comment(other, "Stays")
    collection = (await mallory.request("POST", "/v1/me/collections", {"name": f"{CANARY} name"})).json()["id"]
    for user, path in (
        (ada, f"/v1/posts/{post}/like"),
        (ada, f"/v1/comments/{comment['id']}/like"),
        (mallory, f"/v1/posts/{other}/like"),
        (mallory, f"/v1/comments/{theirs['id']}/like"),
        (mallory, f"/v1/me/collections/{collection}/posts/{other}"),
    ):
        assert (await user.request("PUT", path)).status_code < 300
    await mallory.platform.publish(followed(mallory.account_id, ada.account_id))
    return other, objects


async def request(mallory: ApiUser) -> int:
    now = datetime.now(UTC)
    event = AccountErasureRequested(request_id=mallory.platform.new_id(), user_id=mallory.account_id, requested_at=now)
    await mallory.platform.publish(Envelope.of(event, entityversion=version_at(now), time=now))
    return event.request_id


async def answers(topics: Topics, request_id: int) -> dict[str, ErasureAcknowledged]:
    found = {}
    for record in await topics.records("erasure_acknowledgements"):
        event = decode(record).data
        if isinstance(event, ErasureAcknowledged) and event.request_id == request_id:
            found[event.group] = event
    return found


async def tables_with(database: CassandraSession, *words: str) -> dict[str, list[str]]:
    """The rows in which one of the words is, by table."""
    keyspace = database._session.keyspace
    tables = await database.execute("SELECT table_name FROM system_schema.tables WHERE keyspace_name = ?", keyspace)
    found: dict[str, list[str]] = {}
    for table in (row["table_name"] for row in tables):
        async for row in database.rows(f"SELECT * FROM {table}"):
            if any(word in repr(row) for word in words):
                found.setdefault(table, []).append(repr(row))
    return found


async def living_keys(topics: Topics, *words: str) -> list[str]:
    """Keys of records with one of the words that compaction keeps for ever."""
    last: dict[tuple[str, bytes], str | None] = {}
    for topic in ("posts", "engagement", "saves"):
        for record in await topics.records(topic):
            text = None if record.value is None else f"{record.key!r} {record.value!r}"
            last[topic, record.key or b""] = text
    return [text for text in last.values() if text and any(word in text for word in words)]


async def pending_accounts(database: CassandraSession) -> list[object]:
    cql = "SELECT id FROM pending_erasures WHERE kind IN ? AND shard IN ?"
    return list(await database.execute(cql, ["account-posts", "account-engagement"], list(range(16))))


async def assert_erased(
    ada: ApiUser,
    mallory: ApiUser,
    other: str,
    objects: list[tuple[str, str]],
    topics: Topics,
    database: CassandraSession,
) -> None:
    assert await tables_with(database, CANARY) == {}
    found = await tables_with(database, str(mallory.account_id))
    assert found.keys() <= IDS_ONLY.keys(), {name: rows for name, rows in found.items() if name not in IDS_ONLY}
    assert await mallory.platform.stored(objects) == []
    await eventually(lambda: living_keys(topics, CANARY, mallory.id), until=lambda keys: not keys, within=30)
    seen = await ada.get(f"/v1/posts/{other}")
    assert (seen["like_count"], seen["comment_count"]) == (0, 1)


async def test_nothing_of_an_account_is_left(
    consumer: None, counting: None, new_user: NewUser, topics: Topics, database: CassandraSession
) -> None:
    ada, mallory = await new_user(), await new_user()
    other, objects = await live(ada, mallory)
    await topics.caught_up("post")
    await topics.caught_up("post-engagement")
    request_id = await request(mallory)
    found = await eventually(lambda: answers(topics, request_id), until=lambda all_: len(all_) == 2, within=60)
    assert found["post-engagement"].counts == {"likes": 2, "comments": 1, "saves": 1, "collections": 1}
    assert found["post"].counts["photos"] == 2
    await topics.caught_up("post-engagement")
    await assert_erased(ada, mallory, other, objects, topics, database)

    late = mallory.new_photo()
    late_objects = await mallory.platform.put_objects(late)
    await mallory.platform.publish(uploaded(late, mallory.account_id), ready(late, mallory.account_id))
    await mallory.request("PUT", f"/v1/posts/{other}/like")
    await mallory.request("POST", f"/v1/posts/{other}/comments", {"text": f"{CANARY} late"})
    await mallory.request("POST", "/v1/me/collections", {"name": f"{CANARY} late"})
    await mallory.platform.are_gone(late_objects)
    for _ in range(2):  # what is late is undone by events, which are handled as well
        await topics.caught_up("post-engagement")
    await assert_erased(ada, mallory, other, [], topics, database)


@pytest.mark.parametrize(
    ("module", "failpoint"),
    [
        (CONSUMER, "account.erasure.after_mark=kill"),
        (CONSUMER, "account.erasure.after_stage=kill"),
        (ENGAGEMENT, "account.erasure.after_likes=kill"),
        (ENGAGEMENT, "account.erasure.after_stage=kill@2"),
    ],
)
async def test_a_group_that_dies_in_the_middle_goes_on(
    new_user: NewUser,
    environment: Environment,
    topics: Topics,
    database: CassandraSession,
    module: str,
    failpoint: str,
) -> None:
    (ada, mallory) = await _users(new_user, environment)
    async with _running(environment, CONSUMER), _running(environment, ENGAGEMENT):
        other, objects = await live(ada, mallory)
        await topics.caught_up("post")
        await topics.caught_up("post-engagement")
        # An earlier test's, answered and not yet removed, would kill the victim before it is ready.
        await eventually(lambda: pending_accounts(database), until=lambda rows: not rows, within=30)
    async with _running(environment, module, failpoint) as victim:
        request_id = await request(mallory)
        assert await victim.ended(60) == -9
    await forget_members(topics.kafka, PROGRAMS[module][1])
    async with _running(environment, CONSUMER), _running(environment, ENGAGEMENT):
        await eventually(lambda: answers(topics, request_id), until=lambda all_: len(all_) == 2, within=90)
        await topics.caught_up("post-engagement")
        await assert_erased(ada, mallory, other, objects, topics, database)


async def _users(new_user: NewUser, environment: Environment) -> tuple[ApiUser, ApiUser]:
    async with _running(environment, CONSUMER):
        return await new_user(), await new_user()

"""Accounts that did everything, their erasure, and what may be left of them."""

from __future__ import annotations

from datetime import UTC, datetime

from photomesh_shared import ids
from photomesh_shared.events import AccountErasureRequested, Envelope, ErasureAcknowledged, decode
from photomesh_shared.events.versions import version_at
from photomesh_shared.stores.cassandra import CassandraSession
from tests.integration.post.api_user import ApiUser
from tests.support.kafka import Topics
from tests.support.post.sample_events import followed
from tests.support.waiting import eventually

__all__ = ["CANARY", "answers", "assert_erased", "live", "pending_accounts", "request"]

CANARY = "canary5d1e"
IDS_ONLY = {
    "comments": "a deleted comment's row keeps the event that created it out",
    "comments_by_thread": "the same",
    "comment_tallies": "the same",
    "ended": "marks the account as gone",
    "likes": "",
}
"""Tables in which the account's id may still be, and nothing else."""


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

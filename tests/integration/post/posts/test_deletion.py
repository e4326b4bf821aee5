"""A deleted post leaves nothing behind: no visible row, no object, no copy in the CDN."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping

import httpx
import pytest

from photomesh_shared import ids
from photomesh_shared.events import PostDeleted
from photomesh_shared.stores.cassandra import CassandraSession
from tests.integration.post.api_user import RAW, ApiUser
from tests.support.kafka import Topics
from tests.support.post.sample_events import ready, rejected, uploaded
from tests.support.problems import expect_problem
from tests.support.waiting import eventually


class Cdn:
    """Both layers, as readers and the edge use them."""

    def __init__(self, client: httpx.AsyncClient, ports: Mapping[str, int]) -> None:
        self._client = client
        self._ports = {name: ports[name] for name in ("EDGE", "SHIELD")}

    async def get(self, key: str, layer: str = "EDGE") -> httpx.Response:
        return await self._client.get(f"http://127.0.0.1:{self._ports[layer]}/variants/{key}")

    async def warm(self, key: str) -> None:
        """Makes both layers cache a copy."""
        first, second = await self.get(key), await self.get(key)
        assert (first.status_code, second.content) == (200, key.encode())
        assert "hit" in second.headers["x-cache"]


@pytest.fixture
async def cdn(ports: Mapping[str, int]) -> AsyncIterator[Cdn]:
    async with httpx.AsyncClient() as client:
        yield Cdn(client, ports)


async def test_everything_of_a_deleted_post_is_removed(
    ada: ApiUser, grace: ApiUser, cdn: Cdn, topics: Topics, database: CassandraSession
) -> None:
    photo_id = await ada.photo()
    photo = ids.decode("p", photo_id)
    objects = await ada.platform.put_objects(photo)
    variants = [key for bucket, key in objects if bucket != RAW]
    made = await ada.post(photo_id, caption="Not for long #gone")
    await asyncio.gather(*(cdn.warm(key) for key in variants))

    await ada.delete(made["id"])

    for user in (ada, grace):
        expect_problem(await user.request("GET", f"/v1/posts/{made['id']}"), 404, "post-not-found")
        expect_problem(await user.request("GET", f"/v1/photos/{photo_id}"), 404, "photo-not-found")
        assert (await user.list_posts(ada.id))["items"] == []
    await ada.platform.are_gone(objects)

    async def statuses() -> set[int]:
        return {(await cdn.get(key, layer)).status_code for key in variants for layer in ("SHIELD", "EDGE")}

    await eventually(statuses, until=lambda seen: seen == {404})
    [event] = [e.data for e in await topics.events("posts", made["id"]) if isinstance(e.data, PostDeleted)]
    assert event.photo_ids == (photo,)
    [row] = await database.execute("SELECT * FROM posts WHERE post_id = ?", ids.decode("o", made["id"]))
    assert (row["deleted"], row["caption"], row["hashtags"], row["photos"]) == (True, "", [], "[]")
    [row] = await database.execute("SELECT * FROM photo_metadata WHERE photo_id = ?", photo)
    assert (row["camera"], row["sha256"]) == ("{}", "")


async def test_deleting_is_idempotent(ada: ApiUser, grace: ApiUser, topics: Topics) -> None:
    made = await ada.post(await ada.photo())
    answers = await asyncio.gather(*(ada.request("DELETE", f"/v1/posts/{made['id']}") for _ in range(4)))
    assert {answer.status_code for answer in answers} == {204}
    await ada.delete(made["id"])
    expect_problem(await grace.request("DELETE", f"/v1/posts/{made['id']}"), 404, "post-not-found")
    expect_problem(await ada.request("PATCH", f"/v1/posts/{made['id']}", {"caption": "x"}), 404, "post-not-found")
    events = await topics.events("posts", made["id"])
    assert {event.id for event in events if isinstance(event.data, PostDeleted)} == {f"{made['id']}.deleted"}


@pytest.mark.parametrize("outcome", [ready, rejected])
async def test_a_photo_that_is_processed_after_its_post_was_deleted(ada: ApiUser, outcome: object) -> None:
    photo = ada.new_photo()
    await ada.platform.publish(uploaded(photo, ada.account_id))
    photo_id = await ada.sees(photo, "processing")
    made = await ada.post(photo_id)
    await ada.delete(made["id"])
    objects = await ada.platform.put_objects(photo)  # as the worker does, which does not know of the deletion
    assert len(await ada.platform.stored(objects)) == len(objects)
    await ada.platform.publish((ready if outcome is ready else rejected)(photo, ada.account_id))
    await ada.platform.are_gone(objects)
    expect_problem(await ada.request("GET", f"/v1/photos/{photo_id}"), 404, "photo-not-found")


async def test_a_repeated_deletion_event_removes_what_was_written_since(ada: ApiUser, topics: Topics) -> None:
    photo_id = await ada.photo()
    objects = await ada.platform.put_objects(ids.decode("p", photo_id))
    made = await ada.post(photo_id)
    await ada.delete(made["id"])
    await ada.platform.are_gone(objects)
    await ada.platform.put_objects(ids.decode("p", photo_id))
    records = await topics.records("posts")
    await topics.send([record for record in records if record.header("ce_subject") == made["id"]])
    await ada.platform.are_gone(objects)
    expect_problem(await ada.request("GET", f"/v1/posts/{made['id']}"), 404, "post-not-found")


async def test_a_deleted_photo_cannot_be_posted_again(ada: ApiUser) -> None:
    photo_id = await ada.photo()
    await ada.delete((await ada.post(photo_id))["id"])
    refused = await ada.request("POST", "/v1/posts", {"photo_ids": [photo_id]})
    body = expect_problem(refused, 422, "unknown-photo", "/photo_ids/0")
    assert body["retryable"] is False


async def test_what_is_under_a_deleted_post_ends_in_the_topics(
    ada: ApiUser, grace: ApiUser, counting: None, topics: Topics, database: CassandraSession
) -> None:
    post = await ada.publish_post()
    comment = (await grace.comment(post, "Under it"))["id"]
    reply = (await ada.comment(post, "A reply", comment))["id"]
    collection = (await grace.request("POST", "/v1/me/collections", {"name": "Lakes"})).json()["id"]
    for user, path in (
        (grace, f"/v1/posts/{post}/like"),
        (ada, f"/v1/comments/{comment}/like"),
        (grace, f"/v1/me/collections/{collection}/posts/{post}"),
    ):
        assert (await user.request("PUT", path)).status_code < 300
    keys = {
        "engagement": {f"{post}:{grace.id}", comment, reply, f"{comment}:{ada.id}"},
        "saves": {f"{grace.id}:{post}", f"{collection}:{post}"},
        "engagement_counts": {post},
    }

    async def living() -> set[str]:
        """The keys whose latest record is no tombstone, which compaction would keep."""
        last = {}
        for topic, of_topic in keys.items():
            for record in await topics.records(topic):
                key = (record.key or b"").decode()
                if key in of_topic:
                    last[topic, key] = record.is_tombstone
        return {f"{topic} {key}" for (topic, key), ended in last.items() if not ended}

    await eventually(living, until=lambda found: len(found) == sum(map(len, keys.values())))
    await ada.delete(post)
    await eventually(living, until=lambda found: not found, within=60)

    async def stored() -> list[object]:
        post_id, comment_id = ids.decode("o", post), ids.decode("c", comment)
        reads = [
            ("SELECT * FROM likes WHERE subject_id IN ? AND bucket IN ?", ([post_id, comment_id], list(range(16)))),
            ("SELECT * FROM counts WHERE subject_id IN ?", ([post_id, comment_id],)),
            ("SELECT * FROM lists_by_post WHERE post_id = ? AND bucket IN ?", (post_id, list(range(16)))),
        ]
        return [row for cql, values in reads for row in await database.execute(cql, *values)]

    await eventually(stored, until=lambda rows: not rows)
    [listed] = (await grace.get("/v1/me/collections"))["items"]
    assert listed["post_count"] == 0

"""An account is erased by both groups of post: tables, objects, topics, caches."""

from __future__ import annotations

from photomesh_shared.stores.cassandra import CassandraSession
from tests.integration.post.account_erasures import CANARY, answers, assert_erased, live, request
from tests.integration.post.conftest import NewUser
from tests.support.kafka import Topics
from tests.support.post.sample_events import ready, uploaded
from tests.support.waiting import eventually


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

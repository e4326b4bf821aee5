"""Collector and writer as processes, on Kafka and Cassandra: from events to groups."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import datetime

import pytest

from photomesh_notification.groups.projection import MAX_MEMBERS
from photomesh_shared import ids
from photomesh_shared.events import (
    AccountErasureRequested,
    ErasureAcknowledged,
    Event,
    NotificationUpdated,
    PostDeleted,
    StoryDeleted,
    StoryReplyCreated,
    WebhookDeleted,
    WebhookStateChanged,
)
from tests.integration.notification.scene import COLLECTOR, WRITER, Environment, Scene, running
from tests.support.kafka import Topics
from tests.support.waiting import eventually


@pytest.fixture(scope="module")
async def programs(environment: Environment) -> AsyncIterator[None]:
    """Both, once they are ready."""
    async with AsyncExitStack() as stack:
        for module in (COLLECTOR, WRITER):
            one = await stack.enter_async_context(running(environment, module))
            await one.ready(60)
        yield


async def test_likes_comments_blocks_and_deletions_become_groups(programs: None, scene: Scene, topics: Topics) -> None:
    first, second, third, said = (scene.new_id() for _ in range(4))
    comments = f"comment.{ids.encode('c', said)}"
    await scene.publish(scene.like(first), scene.like(second), scene.comment(third, said))
    await scene.eventually({scene.likes: [second, first], comments: [third]})
    await scene.publish(scene.like(second, on=False), scene.block(scene.author, third))
    await scene.eventually({scene.likes: [first]})
    await scene.publish(scene.block(scene.author, third, on=False))
    await scene.eventually({scene.likes: [first], comments: [third]})
    await scene.publish(scene.comment(third, said, deleted=True))
    await scene.eventually({scene.likes: [first]})
    at = scene.at()
    await scene.publish((PostDeleted(post_id=scene.post, author_id=scene.author, photo_ids=(), deleted_at=at), at))
    await scene.eventually({})
    subject = f"{ids.encode('u', scene.author)}.{scene.likes}"
    published = await topics.events("notifications", subject)
    versions = [one.entityversion for one in published]
    assert versions == sorted(set(versions))
    assert isinstance(published[0].data, NotificationUpdated)
    assert published[-1].data.type_ == "photomesh.notification.removed.v1"


async def test_a_webhook_that_fails_is_heard_of_until_it_works_or_is_deleted(
    programs: None, scene: Scene, topics: Topics
) -> None:
    webhook_id = scene.new_id()
    group = f"webhook_failing.{ids.encode('wh', webhook_id)}"

    async def becomes(hours: int) -> None:
        at = scene.at()
        event = WebhookStateChanged(
            webhook_id=webhook_id, account_id=scene.author, state="enabled", failing_hours=hours, changed_at=at
        )
        await scene.publish((event, at))

    await becomes(0)
    await becomes(1)
    groups = await scene.eventually({group: []})
    assert (groups[group]["kind"], groups[group]["webhook_id"], groups[group]["count"]) == (
        "webhook_failing",
        webhook_id,
        1,
    )
    await becomes(0)
    await scene.eventually({})
    await becomes(24)
    await scene.eventually({group: []})
    at = scene.at()
    await scene.publish((WebhookDeleted(webhook_id=webhook_id, account_id=scene.author, deleted_at=at), at))
    await scene.eventually({})
    published = await topics.events("notifications", f"{ids.encode('u', scene.author)}.{group}")
    assert [type(one.data).__name__ for one in published] == ["NotificationUpdated", "NotificationRemoved"] * 2


async def test_replies_to_a_story_are_heard_of_until_it_is_deleted(programs: None, scene: Scene) -> None:
    story_id, fans = scene.new_id(), [scene.new_id(), scene.new_id()]
    group = f"story_reply.{ids.encode('st', story_id)}"

    def replied(fan: int) -> tuple[Event, datetime]:
        at = scene.at()
        reply = StoryReplyCreated(
            story_id=story_id, author_id=scene.author, account_id=fan, replied_at=at, text="What a light!"
        )
        return reply, at

    await scene.publish(replied(fans[0]))
    groups = await scene.eventually({group: [fans[0]]})
    assert (groups[group]["kind"], groups[group]["story_id"]) == ("story_reply", story_id)
    await scene.publish(replied(fans[1]))
    await scene.eventually({group: [fans[1], fans[0]]})
    at = scene.at()
    deleted = StoryDeleted(
        story_id=story_id, author_id=scene.author, audience="followers", expires_at=at, deleted_at=at
    )
    await scene.publish((deleted, at))
    await scene.eventually({})


async def test_likes_that_are_undone_leave_nothing_to_see(programs: None, scene: Scene) -> None:
    last, fans = scene.new_id(), [scene.new_id() + number for number in range(1_000)]
    await scene.publish(*(event for fan in fans for event in (scene.like(fan), scene.like(fan, on=False))))
    await scene.publish(scene.like(last))
    await scene.eventually({scene.likes: [last]})
    await scene.publish(scene.like(last, on=False))
    await scene.eventually({})


async def test_a_crowd_is_a_few_writes_and_remembered_up_to_a_limit(programs: None, scene: Scene) -> None:
    fans = [scene.new_id() + number for number in range(600)]
    await scene.publish(*(scene.like(fan) for fan in fans))
    last = scene.new_id()
    await scene.publish(scene.like(last))
    found = await eventually(
        scene.groups, until=lambda groups: scene.likes in groups and groups[scene.likes]["actors"][0] == last
    )
    assert found[scene.likes]["capped"]
    members = await scene.database.execute(
        "SELECT actor_id FROM notification_members WHERE account_id = ? AND group_id = ?", scene.author, scene.likes
    )
    assert len(members) == MAX_MEMBERS


async def test_an_erased_account_leaves_no_trace_in_the_groups_of_others(
    programs: None, scene: Scene, topics: Topics
) -> None:
    leaving, staying = scene.new_id(), scene.new_id()
    await scene.publish(scene.like(leaving), scene.like(staying))
    await scene.eventually({scene.likes: [staying, leaving]})
    request, at = scene.new_id(), scene.at()
    erasure = AccountErasureRequested(request_id=request, user_id=leaving, requested_at=at)
    await scene.publish((erasure, at))
    subject = f"{ids.encode('er', request)}.notification-writer"
    [acknowledged, *_] = await topics.wait_for("erasure_acknowledgements", subject, within=60)
    assert isinstance(acknowledged.data, ErasureAcknowledged)
    await scene.eventually({scene.likes: [staying]})
    await scene.publish(scene.like(leaving))
    await scene.publish(scene.like(scene.author), scene.like(last := scene.new_id()))
    await scene.eventually({scene.likes: [last, staying]})
    for table in ("notification_members", "notification_groups"):
        rows = await scene.database.execute(f"SELECT * FROM {table} WHERE account_id = ? ALLOW FILTERING", scene.author)
        assert str(leaving) not in str(rows)


async def test_a_replay_of_all_at_once_gives_equal_rows(programs: None, scene: Scene) -> None:
    first, second, third = (scene.new_id() for _ in range(3))
    said = scene.new_id()
    life = [
        [scene.like(first), scene.like(second)],
        [scene.comment(third, said), scene.like(second, on=False)],
        [scene.like(third), scene.like(second)],
        [scene.like(first, on=False)],
    ]
    expected = {scene.likes: [second, third], f"comment.{ids.encode('c', said)}": [third]}
    for step in life:
        await scene.publish(*step)
    live = await scene.eventually(expected)
    twin = scene.twin()
    await twin.publish(*(twin.repeated(event, comment_id=said + 1) for step in life for event in reversed(step)))
    replayed = await twin.eventually({twin.likes: [second, third], f"comment.{ids.encode('c', said + 1)}": [third]})
    ids_ = ("group_id", "post_id", "comment_id")
    assert sorted(str({k: v for k, v in row.items() if k not in ids_}) for row in replayed.values()) == sorted(
        str({k: v for k, v in row.items() if k not in ids_}) for row in live.values()
    )

"""Tasks become groups: a function of the latest states, in whatever order and however often they are handled."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from photomesh_notification.collecting.event_handlers import Collector
from photomesh_notification.groups.projection import MAX_MEMBERS, MAX_RECENT, Group
from photomesh_notification.writing.erasure import AccountEraser
from photomesh_notification.writing.event_handlers import MAX_GROUPS, Writer
from photomesh_shared import ids
from photomesh_shared.events import (
    AccountErasureRequested,
    BlockCreated,
    BlockDeleted,
    CommentCreated,
    CommentDeleted,
    Envelope,
    Event,
    FollowCreated,
    FollowDeleted,
    MuteCreated,
    NotificationActorEnded,
    NotificationCollected,
    NotificationRelationChanged,
    NotificationRemoved,
    NotificationSubjectEnded,
    NotificationUpdated,
    PostDeleted,
    PostLiked,
    PostUnliked,
    StoryDeleted,
    StoryReplyCreated,
    StoryReplyDeleted,
    WebhookDeleted,
    WebhookStateChanged,
)
from photomesh_shared.events.versions import version_at
from tests.support.clock import FakeClock
from tests.unit.notification.memory import MemoryGroups, Published

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
POST = ids.last_id_at(NOW - timedelta(hours=20))
AUTHOR = 1


class Clock(FakeClock):
    """Does not wait."""

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)


class World:
    """Collector and writer on one store; what the collector publishes, the writer handles at once."""

    def __init__(self) -> None:
        self.store, self.tasks, self.published = MemoryGroups(), Published(), Published()
        self.clock = Clock(NOW)
        self.collector = Collector(self.store, self.tasks, self.clock)
        self.writer = Writer(self.store, self.published, (), self.clock)
        self.eraser = AccountEraser(self.store, self.tasks, self.clock)

    async def happen(self, *envelopes: Envelope[Event]) -> None:
        await self.collector.collect(envelopes)
        await self.collector.flush()
        await self.handle(self.tasks.taken())

    async def handle(self, tasks: Iterable[Envelope[Any]]) -> None:
        for task in tasks:
            match task.data:
                case NotificationCollected():
                    await self.writer.collected(task)
                case NotificationRelationChanged():
                    await self.writer.relation_changed(task)
                case NotificationSubjectEnded():
                    await self.writer.subject_ended(task)
                case NotificationActorEnded():
                    await self.writer.actor_ended(task)

    def visible(self) -> dict[tuple[int, str], tuple[object, ...]]:
        """All groups that may be seen, without their versions."""
        return {
            key: (group.count, group.actors, group.first_at, group.changed_at, group.capped)
            for key, group in self.store.rows.items()
            if group.count
        }

    def groups_of(self, recipient_id: int) -> list[Group]:
        return [group for key, group in self.store.rows.items() if key[0] == recipient_id and group.count]


def at(minute: int) -> datetime:
    return NOW - timedelta(hours=10) + timedelta(minutes=minute)


def envelope(event: Event, minute: int) -> Envelope[Event]:
    return Envelope.of(event, entityversion=version_at(at(minute)), time=at(minute))


def like(actor: int, minute: int, *, on: bool = True) -> Envelope[Event]:
    of = {"post_id": POST, "post_author_id": AUTHOR, "account_id": actor}
    event = PostLiked(**of, liked_at=at(minute)) if on else PostUnliked(**of, unliked_at=at(minute))
    return envelope(event, minute)


def comment(actor: int, minute: int, comment_id: int = 50, *, parent: tuple[int, int] | None = None) -> Envelope[Event]:
    event = CommentCreated(
        post_id=POST,
        post_author_id=AUTHOR,
        account_id=actor,
        comment_id=comment_id,
        parent_id=parent[0] if parent else None,
        parent_author_id=parent[1] if parent else None,
        text="",
        mentions=(),
        created_at=at(minute),
    )
    return envelope(event, minute)


def comment_deleted(actor: int, minute: int, comment_id: int = 50) -> Envelope[Event]:
    event = CommentDeleted(
        post_id=POST,
        post_author_id=AUTHOR,
        account_id=actor,
        comment_id=comment_id,
        parent_id=None,
        deleted_by=actor,
        deleted_at=at(minute),
    )
    return envelope(event, minute)


def follow(actor: int, minute: int, *, on: bool = True) -> Envelope[Event]:
    of = {"follower_id": actor, "followee_id": AUTHOR, "followers": 1}
    event: Event = FollowCreated(**of, created_at=at(minute)) if on else FollowDeleted(**of, deleted_at=at(minute))
    return envelope(event, minute)


def block(blocker: int, blocked: int, minute: int, *, on: bool = True) -> Envelope[Event]:
    of = {"blocker_id": blocker, "blocked_id": blocked}
    return envelope(
        BlockCreated(**of, created_at=at(minute)) if on else BlockDeleted(**of, deleted_at=at(minute)), minute
    )


def post_deleted(minute: int) -> Envelope[Event]:
    return envelope(PostDeleted(post_id=POST, author_id=AUTHOR, photo_ids=(), deleted_at=at(minute)), minute)


def erasure(account_id: int, minute: int) -> Envelope[AccountErasureRequested]:
    event = AccountErasureRequested(request_id=5, user_id=account_id, requested_at=at(minute))
    return Envelope.of(event, entityversion=version_at(at(minute)))


def webhook(minute: int, *, hours: int = 0, state: str = "enabled", reason: str | None = None) -> Envelope[Event]:
    event = WebhookStateChanged(
        webhook_id=3, account_id=AUTHOR, state=state, disabled_reason=reason, failing_hours=hours, changed_at=at(minute)
    )
    return envelope(event, minute)


def story_reply(account_id: int, minute: int) -> Envelope[Event]:
    event = StoryReplyCreated(story_id=6, author_id=AUTHOR, account_id=account_id, replied_at=at(minute), text="hello")
    return envelope(event, minute)


def story_reply_deleted(account_id: int, replied: int, minute: int) -> Envelope[Event]:
    event = StoryReplyDeleted(
        story_id=6, author_id=AUTHOR, account_id=account_id, replied_at=at(replied), deleted_at=at(minute)
    )
    return envelope(event, minute)


def story_deleted(minute: int) -> Envelope[Event]:
    event = StoryDeleted(
        story_id=6, author_id=AUTHOR, audience="followers", expires_at=at(1_440), deleted_at=at(minute)
    )
    return envelope(event, minute)


async def test_likes_of_a_post_are_one_group_and_an_unlike_takes_itself_out() -> None:
    world = World()
    await world.happen(like(7, 0), like(8, 1), like(9, 2))
    await world.happen(like(8, 3, on=False))
    [group] = world.groups_of(AUTHOR)
    assert (group.count, group.actors, group.first_at, group.changed_at) == (2, (9, 7), at(0), at(2))
    first, second = world.published.envelopes
    assert isinstance(first.data, NotificationUpdated)
    assert (first.data.count, second.entityversion > first.entityversion) == (3, True)


async def test_a_group_at_zero_disappears_and_a_like_brings_it_back() -> None:
    world = World()
    await world.happen(like(7, 0))
    await world.happen(like(7, 1, on=False))
    assert world.visible() == {}
    assert isinstance(world.published.envelopes[-1].data, NotificationRemoved)
    await world.happen(like(7, 2))
    assert [group.actors for group in world.groups_of(AUTHOR)] == [(7,)]


async def test_an_actor_is_in_the_group_of_its_newest_like_only() -> None:
    world = World()
    await world.happen(like(7, 0), like(8, 0))
    await world.happen(like(7, 9 * 60))
    assert sorted((group.count, group.actors) for group in world.groups_of(AUTHOR)) == [(1, (7,)), (1, (8,))]
    await world.happen(like(7, 9 * 60 + 1, on=False))
    assert [group.actors for group in world.groups_of(AUTHOR)] == [(8,)]


async def test_who_is_blocked_or_muted_is_left_out_and_comes_back() -> None:
    world = World()
    await world.happen(like(7, 0), like(8, 1))
    await world.happen(block(8, AUTHOR, 2), envelope(MuteCreated(muter_id=AUTHOR, muted_id=7, created_at=at(2)), 2))
    assert world.visible() == {}
    await world.happen(block(8, AUTHOR, 3, on=False))
    assert [group.actors for group in world.groups_of(AUTHOR)] == [(8,)]
    await world.happen(like(7, 4))
    assert [group.actors for group in world.groups_of(AUTHOR)] == [(8,)]


async def test_what_is_deleted_ends_its_notifications_for_good() -> None:
    world = World()
    await world.happen(like(7, 0), comment(8, 1), comment(9, 2, 51, parent=(50, 8)))
    assert {key[0] for key in world.visible()} == {AUTHOR, 8}
    await world.happen(comment_deleted(8, 3))
    assert [group.subject.kind for group in world.groups_of(AUTHOR)] == ["like"]
    assert world.groups_of(8) == []  # the reply ended with what it replies to
    await world.happen(comment(9, 4, 52, parent=(50, 8)))
    assert world.groups_of(8) == []
    await world.happen(post_deleted(5))
    await world.happen(like(10, 6))
    assert world.visible() == {}


async def test_a_group_is_capped_and_counts_no_more_one_by_one() -> None:
    world = World()
    for start in range(0, 1_000, 100):
        await world.happen(*(like(100 + actor, actor // 10) for actor in range(start, start + 100)))
    [group] = world.groups_of(AUTHOR)
    assert (group.count, group.capped, len(group.actors)) == (MAX_MEMBERS + MAX_RECENT, True, 8)
    assert set(group.actors) <= set(range(100 + 990, 100 + 1_000))
    assert len(world.store.member_rows[AUTHOR, group.group_id]) == MAX_MEMBERS
    assert world.store.group_writes == 10
    newest = group.actors[0]
    await world.happen(like(newest, 120, on=False))
    [group] = world.groups_of(AUTHOR)
    assert newest not in group.actors


async def test_a_thousand_who_like_and_unlike_leave_nothing_to_see() -> None:
    world = World()
    for start in range(0, 1_000, 50):
        actors = range(100 + start, 150 + start)
        await world.happen(*(like(actor, start) for actor in actors))
        await world.happen(*(like(actor, start + 1, on=False) for actor in actors))
    assert world.visible() == {}
    assert isinstance(world.published.envelopes[-1].data, NotificationRemoved)


async def test_what_is_folded_before_it_is_published_is_never_heard_of() -> None:
    world = World()
    await world.happen(*(like(actor, minute, on=not minute) for actor in range(100, 1_100) for minute in (0, 1)))
    assert world.published.envelopes == []


async def test_a_task_that_is_handled_again_publishes_the_same_once_more_or_nothing() -> None:
    world = World()
    await world.collector.collect([like(7, 0), like(8, 1)])
    await world.collector.flush()
    tasks = world.tasks.taken()
    await world.handle(tasks)
    rows, writes = world.visible(), world.store.group_writes
    world.store.state_rows.clear()  # as after a crash before they were written
    await world.handle(tasks)
    await world.handle(tasks)
    first, again = world.published.envelopes
    assert (first.id, first.entityversion, first.data) == (again.id, again.entityversion, again.data)
    assert (world.visible(), world.store.group_writes) == (rows, writes)


async def test_an_erased_account_leaves_all_groups_and_nothing_late_brings_it_back() -> None:
    world = World()
    await world.happen(like(7, 0), like(8, 1), follow(7, 2), comment(7, 3))
    pending = world.eraser.erase(erasure(7, 4))
    await _erasing(world, pending)
    assert [group.actors for group in world.groups_of(AUTHOR)] == [(8,)]
    await world.happen(like(7, 5), follow(7, 5), comment(7, 5, 53))
    assert [group.actors for group in world.groups_of(AUTHOR)] == [(8,)]
    assert not any(7 in rows for rows in world.store.member_rows.values())
    assert not any(key[0] == 7 for key in world.store.state_rows)
    await _erasing(world, world.eraser.erase(erasure(AUTHOR, 6)))
    await world.happen(like(9, 7))
    assert world.store.rows == {}


async def _erasing(world: World, erasing: Any) -> None:
    """Erases, while the writer handles what it is told."""
    publish_many = world.tasks.publish_many

    async def handle_at_once(envelopes: Any) -> None:
        await world.handle(envelopes)

    world.tasks.publish_many = handle_at_once  # type: ignore[method-assign]
    try:
        await erasing
    finally:
        world.tasks.publish_many = publish_many  # type: ignore[method-assign]


async def test_of_one_post_so_many_comments_are_heard_of_one_by_one() -> None:
    world = World()
    await world.happen(*(comment(100 + number, 0, 1_000 + number) for number in range(MAX_GROUPS + 20)))
    assert len(world.groups_of(AUTHOR)) == MAX_GROUPS
    await world.happen(like(7, 1))
    assert len(world.groups_of(AUTHOR)) == MAX_GROUPS + 1


async def test_what_happened_before_ninety_days_is_not_heard_of() -> None:
    world = World()
    await world.clock.advance(91 * 86_400)
    await world.happen(like(7, 0))
    assert world.store.rows == {}


ACTORS = st.integers(min_value=7, max_value=9)
MINUTES = st.integers(min_value=0, max_value=9 * 60)
EVENTS = st.one_of(
    st.builds(lambda actor, minute, on: like(actor, minute, on=on), ACTORS, MINUTES, st.booleans()),
    st.builds(lambda actor, minute, on: follow(actor, minute, on=on), ACTORS, MINUTES, st.booleans()),
    st.builds(lambda actor, minute, on: block(AUTHOR, actor, minute, on=on), ACTORS, MINUTES, st.booleans()),
    st.builds(lambda actor, minute, on: block(actor, AUTHOR, minute, on=on), ACTORS, MINUTES, st.booleans()),
    st.builds(lambda actor: comment(actor, 5 + actor, 40 + actor), ACTORS),
    st.builds(lambda actor: comment_deleted(actor, 100, 40 + actor), ACTORS),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(EVENTS, max_size=14, unique_by=lambda one: (one.data.record_key(), one.entityversion)), st.data())
async def test_any_order_and_repetition_of_events_gives_the_same_groups(
    history: list[Envelope[Event]], data: st.DataObject
) -> None:
    in_order, shuffled = World(), World()
    for one in sorted(history, key=lambda one: one.entityversion):
        await in_order.happen(one)
    repeated = history + data.draw(st.lists(st.sampled_from(history), max_size=6) if history else st.just([]))
    order = data.draw(st.permutations(repeated))
    while order:
        size = data.draw(st.integers(min_value=1, max_value=len(order)))
        batch, order = order[:size], order[size:]
        await shuffled.happen(*batch)
    assert shuffled.visible() == in_order.visible()


async def test_a_webhook_that_fails_is_one_group_that_comes_up_again_with_each_warning() -> None:
    world = World()
    await world.happen(webhook(0))
    assert world.published.envelopes == [], "a webhook that was made is no news"
    for minute, event in enumerate(
        (webhook(1, hours=1), webhook(2, hours=24), webhook(3, hours=72, state="disabled", reason="failing")), start=1
    ):
        await world.happen(event)
        [group] = world.groups_of(AUTHOR)
        assert (group.group_id, group.subject.webhook_id) == ("webhook_failing.wh_3", 3)
        assert (group.count, group.actors, group.changed_at) == (1, (), at(minute))
    told = [one.data for one in world.published.envelopes]
    assert [(one.kind, one.webhook_id) for one in told if isinstance(one, NotificationUpdated)] == [
        ("webhook_failing", 3)
    ] * 3
    await world.happen(webhook(2, hours=24))
    assert len(world.published.envelopes) == 3, "older than what is known"


@pytest.mark.parametrize(
    "end",
    [
        webhook(5),
        webhook(5, state="disabled", reason="owner"),
        envelope(WebhookDeleted(webhook_id=3, account_id=AUTHOR, deleted_at=at(5)), 5),
    ],
)
async def test_it_is_taken_back_when_the_webhook_works_again_or_is_gone(end: Envelope[Event]) -> None:
    world = World()
    await world.happen(webhook(1, hours=1))
    await world.happen(end)
    assert world.visible() == {}
    assert isinstance(world.published.envelopes[-1].data, NotificationRemoved)
    await world.happen(webhook(1, hours=1))
    assert world.visible() == {}, "older than its end"


async def test_replies_to_a_story_are_one_group_and_a_deleted_one_takes_itself_out() -> None:
    world = World()
    await world.happen(story_reply(7, 0), story_reply(8, 1), story_reply(AUTHOR, 1))
    [group] = world.groups_of(AUTHOR)
    assert (group.group_id, group.subject.story_id, group.count, group.actors) == ("story_reply.st_6", 6, 2, (8, 7))
    await world.happen(story_reply_deleted(8, 1, 2))
    [group] = world.groups_of(AUTHOR)
    assert (group.count, group.actors) == (1, (7,))
    told = world.published.envelopes[-1].data
    assert isinstance(told, NotificationUpdated)
    assert (told.kind, told.story_id) == ("story_reply", 6)
    await world.happen(story_reply(8, 1))
    assert world.groups_of(AUTHOR) == [group], "older than what is known"


async def test_nothing_is_heard_of_a_story_that_was_deleted() -> None:
    world = World()
    await world.happen(story_reply(7, 0))
    await world.happen(story_deleted(1))
    assert world.visible() == {}
    assert isinstance(world.published.envelopes[-1].data, NotificationRemoved)
    await world.happen(story_reply(8, 0))
    assert world.visible() == {}, "what arrives late brings nothing back"

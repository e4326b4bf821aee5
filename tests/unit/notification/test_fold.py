"""Events are folded into tasks: the newest change of each actor, at most 200 of a task."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from photomesh_notification.collecting.domain import MAX_CHANGES, Fold
from photomesh_notification.collecting.projection import Heard, heard_of, related_by
from photomesh_notification.groups.domain import Kind
from photomesh_shared.events import (
    BlockCreated,
    BlockDeleted,
    CommentCreated,
    CommentLiked,
    Envelope,
    Event,
    FollowCreated,
    FollowDeleted,
    FollowRequested,
    MentionEntity,
    NotificationCollected,
    NotificationRelationChanged,
    PostEdited,
    PostLiked,
    PostPublished,
    PostUnliked,
    TextEntities,
    WebhookDeleted,
    WebhookStateChanged,
)

AT = datetime(2026, 11, 21, 10, 20, tzinfo=UTC)
AUTHOR, POST = 1, 382_764_298_916_429_824


def envelope(event: Event, version: int = 1) -> Envelope[Event]:
    return Envelope.of(event, entityversion=version)


def liked(actor: int, version: int, *, on: bool = True) -> Envelope[Event]:
    at = AT + timedelta(microseconds=version)
    ids = {"post_id": POST, "post_author_id": AUTHOR, "account_id": actor}
    return envelope(PostLiked(**ids, liked_at=at) if on else PostUnliked(**ids, unliked_at=at), version)


def comment(*, by: int, parent: int | None = None, mentions: tuple[int | None, ...] = ()) -> CommentCreated:
    return CommentCreated(
        post_id=POST,
        post_author_id=AUTHOR,
        account_id=by,
        comment_id=50,
        parent_id=None if parent is None else 40,
        parent_author_id=parent,
        text="",
        mentions=(),
        entities=TextEntities(
            mentions=tuple(MentionEntity(start=0, end=1, username="x", account_id=one) for one in mentions)
        ),
        created_at=AT,
    )


def kinds(event: Event) -> dict[int, Kind]:
    heard = list(heard_of(envelope(event)))
    assert len({(one.recipient_id, one.subject) for one in heard}) == len(heard)
    return {one.recipient_id: one.subject.kind for one in heard}


def folded(*envelopes: Envelope[Event]) -> list[NotificationCollected]:
    fold = Fold()
    for one in envelopes:
        for heard in heard_of(one):
            fold.hear(heard)
    return [task for task, _ in fold.tasks() if isinstance(task, NotificationCollected)]


def test_of_several_changes_of_one_actor_the_newest_is_told() -> None:
    [task] = folded(liked(7, 3), liked(7, 5, on=False), liked(7, 4), liked(8, 1))
    assert {(change.actor_id, change.version, change.on) for change in task.changes} == {(7, 5, False), (8, 1, True)}


def test_of_many_who_like_the_newest_are_told_and_of_those_who_do_not_any_more_all() -> None:
    many = [liked(actor, actor) for actor in range(100, 1_100)]
    undone = [liked(actor, actor, on=False) for actor in range(2_000, 2_300)]
    tasks = folded(*many, *undone)
    assert [task.truncated for task in tasks] == [True, False, False]
    told = [change for task in tasks for change in task.changes]
    assert {change.actor_id for change in told if change.on} == set(range(1_100 - MAX_CHANGES, 1_100))
    assert {change.actor_id for change in told if not change.on} == set(range(2_000, 2_300))
    assert all(len(task.changes) <= MAX_CHANGES for task in tasks)


def test_what_could_not_be_published_is_folded_with_what_came_meanwhile() -> None:
    fold, later = Fold(), Fold()
    for to, one in ((fold, liked(7, 3)), (fold, liked(8, 3)), (later, liked(7, 5, on=False))):
        for heard in heard_of(one):
            to.hear(heard)
    later.merge(fold)
    [(task, version)] = later.tasks()
    assert isinstance(task, NotificationCollected)
    assert {(change.actor_id, change.on) for change in task.changes} == {(7, False), (8, True)}
    assert version == 5


def test_nobody_hears_of_what_it_did_itself() -> None:
    assert folded(liked(AUTHOR, 1)) == []
    own = CommentLiked(
        post_id=POST, post_author_id=AUTHOR, account_id=2, comment_id=50, comment_author_id=2, liked_at=AT
    )
    assert kinds(own) == {}
    assert kinds(comment(by=AUTHOR, parent=AUTHOR, mentions=(AUTHOR,))) == {}


def test_a_comment_is_one_notification_to_each_reply_before_mention_before_comment() -> None:
    assert kinds(comment(by=9)) == {AUTHOR: Kind.COMMENT}
    assert kinds(comment(by=9, mentions=(AUTHOR, 3, None, 3))) == {AUTHOR: Kind.MENTION, 3: Kind.MENTION}
    assert kinds(comment(by=9, parent=3, mentions=(3,))) == {AUTHOR: Kind.COMMENT, 3: Kind.REPLY}
    assert kinds(comment(by=9, parent=AUTHOR, mentions=(AUTHOR,))) == {AUTHOR: Kind.REPLY}


def test_a_reply_belongs_to_the_thread_of_its_parent() -> None:
    [heard] = heard_of(envelope(comment(by=9, parent=AUTHOR)))
    assert (heard.subject.comment_id, heard.subject.thread_id) == (50, 40)


def follow_changes(event: Event) -> set[tuple[int, Kind, int, bool]]:
    return {
        (one.recipient_id, one.subject.kind, one.change.actor_id, one.change.on) for one in heard_of(envelope(event))
    }


def test_an_approved_request_is_heard_of_by_both() -> None:
    pair = {"follower_id": 2, "followee_id": 3}
    assert follow_changes(FollowRequested(**pair, requested_at=AT)) == {(3, Kind.FOLLOW_REQUEST, 2, True)}
    created = {"followers": 1, "created_at": AT}
    followed = {(3, Kind.FOLLOW, 2, True), (3, Kind.FOLLOW_REQUEST, 2, False)}
    assert follow_changes(FollowCreated(**pair, **created, approved=True)) == followed | {
        (2, Kind.FOLLOW_ACCEPTED, 3, True)
    }
    assert follow_changes(FollowCreated(**pair, **created, approved=False)) == followed
    assert follow_changes(FollowCreated(**pair, **created)) == followed
    assert follow_changes(FollowDeleted(**pair, followers=0, deleted_at=AT)) == {
        (3, Kind.FOLLOW, 2, False),
        (3, Kind.FOLLOW_REQUEST, 2, False),
        (2, Kind.FOLLOW_ACCEPTED, 3, False),
    }


def test_an_edit_moves_no_mention_to_the_top_again() -> None:
    published = PostPublished.example()
    edited = PostEdited.example().model_copy(update={"entities": published.entities})
    first, again = (
        {(one.recipient_id, one.subject): one.change for one in heard_of(envelope(event, version))}
        for version, event in enumerate((published, edited), start=1)
    )
    assert first.keys() == again.keys()
    assert {change.at for change in (*first.values(), *again.values())} == {published.published_at}


def test_a_block_hides_each_from_the_other() -> None:
    fold = Fold()
    block = BlockCreated(blocker_id=2, blocked_id=3, created_at=AT)
    for one in (envelope(BlockDeleted(blocker_id=2, blocked_id=3, deleted_at=AT), 7), envelope(block, 5)):
        for related in related_by(one):
            fold.relate(related)
    tasks = [task for task, _ in fold.tasks() if isinstance(task, NotificationRelationChanged)]
    assert {(task.recipient_id, task.relation, task.other_id, task.version, task.on) for task in tasks} == {
        (2, "block", 3, 7, False),
        (3, "blocked_by", 2, 7, False),
    }


def test_a_task_says_what_was_heard() -> None:
    [heard] = heard_of(liked(7, 3))
    assert isinstance(heard, Heard)
    [task] = folded(liked(7, 3))
    assert (task.recipient_id, task.kind, task.post_id, task.truncated) == (AUTHOR, "like", POST, False)
    assert task.subject() == "u_1.like"


def webhook(state: str, reason: str | None = None, *, hours: int = 0) -> WebhookStateChanged:
    return WebhookStateChanged(
        webhook_id=3, account_id=AUTHOR, state=state, disabled_reason=reason, failing_hours=hours, changed_at=AT
    )


@pytest.mark.parametrize(
    ("event", "on"),
    [
        (webhook("enabled"), False),
        (webhook("enabled", hours=1), True),
        (webhook("enabled", hours=48), True),
        (webhook("disabled", "failing", hours=72), True),
        (webhook("disabled", "gone"), True),
        (webhook("disabled", "owner"), False),
        (webhook("disabled", "account"), False),
        (webhook("disabled", "role"), False),
        (webhook("disabled", "of a later version"), False),
        (WebhookDeleted(webhook_id=3, account_id=AUTHOR, deleted_at=AT), False),
    ],
)
def test_the_owner_of_a_webhook_hears_that_it_fails_until_it_does_not(event: Event, on: bool) -> None:
    [task] = folded(envelope(event, 7))
    assert (task.recipient_id, task.kind, task.webhook_id) == (AUTHOR, "webhook_failing", 3)
    [change] = task.changes
    assert (change.actor_id, change.version, change.at, change.on) == (AUTHOR, 7, AT, on)

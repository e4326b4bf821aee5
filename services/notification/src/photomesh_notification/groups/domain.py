"""Kinds of notifications, and the group that a change belongs to. Pure.

A group is named by what it is about and when: the name follows from the change alone, so whoever replays the events
finds the same groups, without looking anything up.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from photomesh_shared import ids

__all__ = ["KEPT", "Kind", "Subject", "bucket_of", "day_of"]

KEPT = timedelta(days=90)
"""How long an account can read what it heard of."""

_DAY_ZERO = datetime(1970, 1, 1, tzinfo=UTC)


class Kind(StrEnum):
    """What an account may hear of."""

    LIKE = "like"
    COMMENT_LIKE = "comment_like"
    FOLLOW = "follow"
    COMMENT = "comment"
    REPLY = "reply"
    MENTION = "mention"
    FOLLOW_REQUEST = "follow_request"
    FOLLOW_ACCEPTED = "follow_accepted"
    PHOTO_REJECTED = "photo_rejected"
    PHOTO_FAILED = "photo_failed"
    POST_PUBLISHED = "post_published"
    POST_FAILED = "post_failed"
    WEBHOOK_FAILING = "webhook_failing"
    STORY_REPLY = "story_reply"


class Subject(NamedTuple):
    """What changes are about. `thread_id` is the comment that the comment replies to, or the comment itself."""

    kind: Kind
    post_id: int | None = None
    comment_id: int | None = None
    thread_id: int | None = None
    photo_id: int | None = None
    webhook_id: int | None = None
    story_id: int | None = None

    def object_id(self, actor_id: int) -> int:
        """What an actor can be on or off for: it is in one group of the object at a time."""
        match self.kind:
            case Kind.FOLLOW:
                return 0
            case Kind.FOLLOW_REQUEST | Kind.FOLLOW_ACCEPTED:
                return actor_id
            case _:
                found = (self.comment_id, self.post_id, self.photo_id, self.webhook_id, self.story_id)
                return next(id_ for id_ in found if id_ is not None)

    def object_ids(self, actor_ids: Iterable[int]) -> dict[int, int]:
        """Of each actor."""
        if self.kind in (Kind.FOLLOW_REQUEST, Kind.FOLLOW_ACCEPTED):
            return {actor_id: actor_id for actor_id in actor_ids}
        return dict.fromkeys(actor_ids, self.object_id(0))

    @property
    def subject_ids(self) -> tuple[int, ...]:
        """The post, comments or story with which it ends."""
        found = (self.post_id, self.comment_id, self.thread_id, self.story_id)
        return tuple(dict.fromkeys(id_ for id_ in found if id_ is not None))

    @property
    def stored(self) -> Subject:
        """Without what is only needed to find it."""
        return self._replace(thread_id=None)

    def group_id(self, actor_id: int, at: datetime) -> str:
        """The name of the group of somebody who did it then."""
        object_id = self.object_id(actor_id)
        match self.kind:
            case Kind.FOLLOW:
                return f"{self.kind}.{day_of(at)}"
            case Kind.FOLLOW_REQUEST | Kind.FOLLOW_ACCEPTED:
                return f"{self.kind}.{ids.encode('u', actor_id)}"
            case Kind.WEBHOOK_FAILING:
                return f"{self.kind}.{ids.encode('wh', object_id)}"
            case Kind.STORY_REPLY:
                return f"{self.kind}.{ids.encode('st', object_id)}"
        prefix = "c" if self.comment_id is not None else "o" if self.post_id is not None else "p"
        name = f"{self.kind}.{ids.encode(prefix, object_id)}"
        if self.kind in (Kind.LIKE, Kind.COMMENT_LIKE):
            return f"{name}.{bucket_of(object_id, at)}"
        return name


def bucket_of(object_id: int, at: datetime) -> int:
    """The whole part of log2(1 + hours) since a post or comment was made: each bucket is twice as long as the one
    before, so there are nine in the first two weeks."""
    hours = max(at - ids.timestamp_of(object_id), timedelta()) // timedelta(hours=1)
    return (1 + hours).bit_length() - 1


def day_of(at: datetime) -> int:
    """The day in UTC, counted from 1970."""
    return (at - _DAY_ZERO).days

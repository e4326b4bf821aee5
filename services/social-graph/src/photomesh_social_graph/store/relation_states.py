"""Relations as the topic `follows` has them: each exists or has ended."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, NamedTuple

from photomesh_shared.events import (
    BlockCreated,
    BlockDeleted,
    Event,
    FollowCreated,
    FollowDeleted,
    FollowRequestClosed,
    FollowRequested,
    MuteCreated,
    MuteDeleted,
)

__all__ = ["RelationKind", "RelationState", "end_of", "published_state"]

RelationKind = Literal["follow", "block", "mute"]
"""What may be between an account and another: each begins and ends on its own. A request becomes a follow."""


class RelationState(NamedTuple):
    """A relation that exists."""

    actor_id: int
    target_id: int
    kind: RelationKind


def published_state(event: Event) -> tuple[RelationState, bool]:
    """Returns the relation that an event of the topic `follows` is about, and whether it exists after the event."""
    match event:
        case FollowCreated() | FollowRequested() | FollowDeleted() | FollowRequestClosed():
            return RelationState(event.follower_id, event.followee_id, "follow"), not event.ends
        case BlockCreated() | BlockDeleted():
            return RelationState(event.blocker_id, event.blocked_id, "block"), not event.ends
        case MuteCreated() | MuteDeleted():
            return RelationState(event.muter_id, event.muted_id, "mute"), not event.ends
        case _:
            raise ValueError(f"{event.type_} is about no relation")


def end_of(relation: RelationState, followers: int, now: datetime) -> Event:
    """Returns the event that ends a relation. `followers`: those that the target has now."""
    actor, target, kind = relation
    if kind == "block":
        return BlockDeleted(blocker_id=actor, blocked_id=target, deleted_at=now)
    if kind == "mute":
        return MuteDeleted(muter_id=actor, muted_id=target, deleted_at=now)
    return FollowDeleted(follower_id=actor, followee_id=target, followers=followers, deleted_at=now)

"""Events between two accounts: an actor and a target. `entityversion` increases with every event of the ordered pair:
its follows, blocks and mutes share one sequence. Each of the three is a thing of its own, with its own key. Close
friends have a topic, and a sequence, of their own."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, ClassVar

from pydantic import Field

from photomesh_shared import ids
from photomesh_shared.events.envelope import Event, UtcTime
from photomesh_shared.ids import UserId
from photomesh_shared.personal import ACTIVITY, RELATION

__all__ = [
    "BlockCreated",
    "BlockDeleted",
    "CloseFriendAdded",
    "CloseFriendRemoved",
    "FollowCreated",
    "FollowDeleted",
    "FollowRequestClosed",
    "FollowRequested",
    "MuteCreated",
    "MuteDeleted",
]

_ADA, _GRACE = 382_764_105_932_316_672, 382_764_211_093_504_000
_AT = datetime(2026, 11, 21, 10, 20, tzinfo=UTC)
_LATER = datetime(2026, 11, 21, 10, 30, tzinfo=UTC)


class _Pair(Event):
    topic: ClassVar[str] = "follows"
    relation: ClassVar[str]
    """What is between the two: `follow` (or a request to), `block` or `mute`. Each begins and ends on its own."""

    def pair(self) -> tuple[int, int]:
        """Return actor and target."""
        raise NotImplementedError

    def record_key(self) -> str:
        actor, target = self.pair()
        return f"{ids.encode('u', actor)}:{ids.encode('u', target)}:{self.relation}"

    def partition_key(self) -> str:
        return ids.encode("u", self.pair()[0])

    def subject(self) -> str:
        actor, target = self.pair()
        return f"{ids.encode('u', actor)}.{ids.encode('u', target)}"


class _Follow(_Pair):
    relation: ClassVar[str] = "follow"

    follower_id: UserId
    followee_id: UserId

    def pair(self) -> tuple[int, int]:
        return self.follower_id, self.followee_id


class _Followed(_Follow):
    followers: Annotated[int, ACTIVITY] = Field(description="The followee's number of followers after this event.")


class FollowCreated(_Followed):
    """An account followed another: directly, or because its request was approved (which closes the request)."""

    type_: ClassVar[str] = "photomesh.follow.created.v1"

    created_at: Annotated[UtcTime, ACTIVITY]
    approved: Annotated[bool | None, RELATION] = Field(
        default=None,
        description="Whether the followee approved a request to follow; null if the event is from before that was "
        "kept, or states once more what is.",
    )

    @classmethod
    def example(cls) -> FollowCreated:
        return cls(follower_id=_ADA, followee_id=_GRACE, followers=1, created_at=_AT, approved=False)


class FollowDeleted(_Followed):
    """A follow ended: the follower unfollowed or was removed, or one of the two blocked the other."""

    type_: ClassVar[str] = "photomesh.follow.deleted.v1"
    ends: ClassVar[bool] = True

    deleted_at: Annotated[UtcTime, ACTIVITY]

    @classmethod
    def example(cls) -> FollowDeleted:
        return cls(follower_id=_ADA, followee_id=_GRACE, followers=0, deleted_at=_LATER)


class FollowRequested(_Follow):
    """An account requested to follow a private account."""

    type_: ClassVar[str] = "photomesh.follow.requested.v1"

    requested_at: Annotated[UtcTime, ACTIVITY]

    @classmethod
    def example(cls) -> FollowRequested:
        return cls(follower_id=_ADA, followee_id=_GRACE, requested_at=_AT)


class FollowRequestClosed(_Follow):
    """A follow request ended without a follow."""

    type_: ClassVar[str] = "photomesh.follow.request-closed.v1"
    ends: ClassVar[bool] = True

    outcome: Annotated[str, RELATION] = Field(
        description="`denied`, `withdrawn` or `blocked`. More may be added.", examples=["denied"]
    )
    closed_at: Annotated[UtcTime, ACTIVITY]

    @classmethod
    def example(cls) -> FollowRequestClosed:
        return cls(follower_id=_ADA, followee_id=_GRACE, outcome="denied", closed_at=_LATER)


class _Block(_Pair):
    relation: ClassVar[str] = "block"

    blocker_id: UserId
    blocked_id: UserId

    def pair(self) -> tuple[int, int]:
        return self.blocker_id, self.blocked_id


class BlockCreated(_Block):
    """An account blocked another: neither sees the other. Follows between the two end, each with its own event."""

    type_: ClassVar[str] = "photomesh.block.created.v1"

    created_at: Annotated[UtcTime, ACTIVITY]

    @classmethod
    def example(cls) -> BlockCreated:
        return cls(blocker_id=_ADA, blocked_id=_GRACE, created_at=_AT)


class BlockDeleted(_Block):
    """A block ended. Follows are not restored."""

    type_: ClassVar[str] = "photomesh.block.deleted.v1"
    ends: ClassVar[bool] = True

    deleted_at: Annotated[UtcTime, ACTIVITY]

    @classmethod
    def example(cls) -> BlockDeleted:
        return cls(blocker_id=_ADA, blocked_id=_GRACE, deleted_at=_LATER)


class _Mute(_Pair):
    relation: ClassVar[str] = "mute"

    muter_id: UserId
    muted_id: UserId

    def pair(self) -> tuple[int, int]:
        return self.muter_id, self.muted_id


class MuteCreated(_Mute):
    """An account muted another: its posts are hidden from the muter's feed. Must not be disclosed to the muted
    account."""

    type_: ClassVar[str] = "photomesh.mute.created.v1"

    created_at: Annotated[UtcTime, ACTIVITY]

    @classmethod
    def example(cls) -> MuteCreated:
        return cls(muter_id=_ADA, muted_id=_GRACE, created_at=_AT)


class MuteDeleted(_Mute):
    """A mute ended."""

    type_: ClassVar[str] = "photomesh.mute.deleted.v1"
    ends: ClassVar[bool] = True

    deleted_at: Annotated[UtcTime, ACTIVITY]

    @classmethod
    def example(cls) -> MuteDeleted:
        return cls(muter_id=_ADA, muted_id=_GRACE, deleted_at=_LATER)


class _CloseFriend(Event):
    topic: ClassVar[str] = "close_friends"

    owner_id: UserId
    friend_id: UserId

    def record_key(self) -> str:
        return f"{ids.encode('u', self.owner_id)}:{ids.encode('u', self.friend_id)}"

    def partition_key(self) -> str:
        return ids.encode("u", self.owner_id)

    def subject(self) -> str:
        """Not the pair's, as in `follows`: its versions must not tell that anything happened here."""
        return f"{ids.encode('u', self.owner_id)}.{ids.encode('u', self.friend_id)}.close"


class CloseFriendAdded(_CloseFriend):
    """An account put a follower of its own on its list of close friends. Must not be disclosed to anybody else."""

    type_: ClassVar[str] = "photomesh.close-friend.added.v1"

    added_at: Annotated[UtcTime, ACTIVITY]

    @classmethod
    def example(cls) -> CloseFriendAdded:
        return cls(owner_id=_ADA, friend_id=_GRACE, added_at=_AT)


class CloseFriendRemoved(_CloseFriend):
    """A close friend was taken off the list, or does not follow the account any more. Must not be disclosed to anybody
    else."""

    type_: ClassVar[str] = "photomesh.close-friend.removed.v1"
    ends: ClassVar[bool] = True

    removed_at: Annotated[UtcTime, ACTIVITY]

    @classmethod
    def example(cls) -> CloseFriendRemoved:
        return cls(owner_id=_ADA, friend_id=_GRACE, removed_at=_LATER)

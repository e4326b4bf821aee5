"""Events of lists of close friends: which followers an account chose, for what it shows to nobody else."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, ClassVar

from photomesh_shared import ids
from photomesh_shared.events.envelope import Event, UtcTime
from photomesh_shared.ids import UserId
from photomesh_shared.personal import ACTIVITY

__all__ = ["CloseFriendAdded", "CloseFriendRemoved"]

_ADA, _GRACE = 382_764_105_932_316_672, 382_764_211_093_504_000
_AT = datetime(2026, 11, 21, 10, 20, tzinfo=UTC)
_LATER = datetime(2026, 11, 21, 10, 30, tzinfo=UTC)


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

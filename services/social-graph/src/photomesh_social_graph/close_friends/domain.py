"""An entry of a list of close friends, and the rules for changing it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from photomesh_shared.events import CloseFriendAdded, CloseFriendRemoved, Envelope, Event
from photomesh_shared.events.versions import next_version
from photomesh_social_graph.errors import AccountNotFound, CloseFriendsLimitReached, NotAFollower

__all__ = ["MAX_CLOSE_FRIENDS", "Entry"]

MAX_CLOSE_FRIENDS = 1_000


@dataclass
class Entry:
    """What an account's list says of another account. Changes append the events to publish; each is idempotent."""

    owner_id: int
    friend_id: int
    version: int
    since: datetime | None
    """None if the other is no close friend."""
    events: list[Envelope[Event]] = field(default_factory=list)

    def add(self, now: datetime, *, absent: bool, follows: bool, size: int) -> None:
        """Puts the friend on the list. `absent`: whether it does not exist for the owner, or is blocked by it;
        `follows`: whether it follows the owner; `size`: how many are on the list. Raises AccountNotFound, NotAFollower,
        CloseFriendsLimitReached."""
        if absent:
            raise AccountNotFound
        if self.since is not None:
            return
        if not follows:
            raise NotAFollower
        if size >= MAX_CLOSE_FRIENDS:
            raise CloseFriendsLimitReached(limit=MAX_CLOSE_FRIENDS)
        self._record(CloseFriendAdded(owner_id=self.owner_id, friend_id=self.friend_id, added_at=now), now)
        self.since = now

    def end(self, now: datetime) -> None:
        """Takes the friend off the list: its owner wishes so, or it does not follow the owner any more."""
        if self.since is not None:
            self._record(CloseFriendRemoved(owner_id=self.owner_id, friend_id=self.friend_id, removed_at=now), now)
            self.since = None

    def restate(self, now: datetime, published: int = 0) -> None:
        """Publishes once more what is, above a version that was published."""
        self.version = max(self.version, published)
        if self.since is not None:
            self._record(CloseFriendAdded(owner_id=self.owner_id, friend_id=self.friend_id, added_at=self.since), now)
        else:
            self._record(CloseFriendRemoved(owner_id=self.owner_id, friend_id=self.friend_id, removed_at=now), now)

    def _record(self, event: CloseFriendAdded | CloseFriendRemoved, now: datetime) -> None:
        self.version = next_version(self.version, now)
        name = f"{event.subject()}.{self.version}"
        self.events.append(Envelope.of(event, entityversion=self.version, id=name, time=now))

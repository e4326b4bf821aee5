"""What there is between two accounts, and the rules of changing it.

A `Side` is what one account does to another: its own follow, request, block and mute, and the version that counts them.
Two sides make a `Tie`, in which every change happens, with the events that tell of it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from photomesh_shared.errors import AccountNotFound
from photomesh_shared.events import (
    BlockCreated,
    BlockDeleted,
    Envelope,
    Event,
    FollowCreated,
    FollowDeleted,
    FollowRequestClosed,
    FollowRequested,
    MuteCreated,
    MuteDeleted,
)
from photomesh_social_graph.errors import FollowingLimitReached, FollowRequestNotFound

__all__ = ["Account", "Counted", "Counts", "Place", "Relation", "Side", "Tie"]


@dataclass(frozen=True)
class Account:
    """What lists show of an account."""

    id: int
    username: str
    display_name: str
    avatar_url: str | None
    private: bool


@dataclass(frozen=True)
class Counts:
    followers: int = 0
    following: int = 0


@dataclass(frozen=True)
class Counted:
    """An account's counts as they are cached, and as the edges have them."""

    account_id: int
    cached: Counts
    actual: Counts


@dataclass(frozen=True)
class Place:
    """An entry of a list and where it is: known ones come first, then the newest."""

    at: datetime
    id: int
    known: bool = False


@dataclass(frozen=True)
class Relation:
    """How somebody stands to another account, in both directions. `blocked_by` is never told to them."""

    following: bool = False
    requested: bool = False
    followed_by: bool = False
    requested_by: bool = False
    blocking: bool = False
    muting: bool = False
    blocked_by: bool = False

    @property
    def blocked(self) -> bool:
        """Whether either has blocked the other."""
        return self.blocking or self.blocked_by

    @property
    def shown(self) -> Relation:
        """As they may know it: of somebody who blocks them no more than of an account that does not exist."""
        return Relation() if self.blocked_by else self


@dataclass(frozen=True)
class Side:
    """What `actor_id` does to `target_id`, and the counts that it is part of."""

    actor_id: int
    target_id: int
    target_private: bool
    following: int
    """How many the actor follows."""
    requesting: int
    """How many the actor asks to follow."""
    followers: int
    """How many follow the target."""
    version: int = 0
    followed_at: datetime | None = None
    requested_at: datetime | None = None
    blocked_at: datetime | None = None
    muted_at: datetime | None = None
    followed_from: datetime | None = None
    followed_until: datetime | None = None


class Tie:
    """Both sides, ours being that of the one who acts here. Changes what is there already changes nothing, and makes
    no event; each other change makes the side's next version and one event."""

    def __init__(self, ours: Side, theirs: Side) -> None:
        self.ours = ours
        self.theirs = theirs
        self.events: list[Envelope[Event]] = []

    @property
    def relation(self) -> Relation:
        return Relation(
            following=self.ours.followed_at is not None,
            requested=self.ours.requested_at is not None,
            followed_by=self.theirs.followed_at is not None,
            requested_by=self.theirs.requested_at is not None,
            blocking=self.ours.blocked_at is not None,
            muting=self.ours.muted_at is not None,
            blocked_by=self.theirs.blocked_at is not None,
        )

    def follow(self, now: datetime, *, limit: int) -> None:
        """Follows, or asks to if the other is private. Raises AccountNotFound, FollowingLimitReached."""
        self._require_no_block()
        side = self.ours
        if side.followed_at or (side.requested_at and side.target_private):
            return
        if not side.requested_at and side.following + side.requesting >= limit:
            raise FollowingLimitReached(limit=limit)
        self.ours = self._requested(side, now) if side.target_private else self._followed(side, now)

    def unfollow(self, now: datetime) -> None:
        """Stops following, or withdraws the request. Raises AccountNotFound."""
        self._require_no_block()
        self.ours = self._ended(self.ours, now, "withdrawn")

    def approve(self, now: datetime) -> None:
        """Lets the other follow. Raises AccountNotFound, FollowRequestNotFound."""
        self._require_no_block()
        self.admit(now)
        if not self.theirs.followed_at:
            raise FollowRequestNotFound

    def admit(self, now: datetime) -> None:
        """Lets the other follow if they still ask to."""
        if self.theirs.requested_at:
            self.theirs = self._followed(self.theirs, now)

    def deny(self, now: datetime) -> None:
        """Closes the other's request. Raises AccountNotFound."""
        self._require_no_block()
        self.theirs = self._closed(self.theirs, now, "denied")

    def remove_follower(self, now: datetime) -> None:
        """Ends the other's follow. Raises AccountNotFound."""
        self._require_no_block()
        self.theirs = self._unfollowed(self.theirs, now)

    def block(self, now: datetime) -> None:
        """Ends what is between the two, and hides each from the other. Raises AccountNotFound."""
        self._require_not_blocked_by_them()
        if self.ours.blocked_at:
            return
        self.ours = self._ended(self.ours, now, "blocked")
        self.theirs = self._ended(self.theirs, now, "blocked")
        self.ours = replace(self.ours, blocked_at=now)
        self.ours = self._told(
            self.ours,
            BlockCreated(blocker_id=self.ours.actor_id, blocked_id=self.ours.target_id, created_at=now),
            now,
        )

    def unblock(self, now: datetime) -> None:
        """Raises AccountNotFound."""
        self._require_not_blocked_by_them()
        if self.ours.blocked_at:
            event = BlockDeleted(blocker_id=self.ours.actor_id, blocked_id=self.ours.target_id, deleted_at=now)
            self.ours = self._told(replace(self.ours, blocked_at=None), event, now)

    def mute(self, now: datetime) -> None:
        """Raises AccountNotFound."""
        self._require_no_block()
        if not self.ours.muted_at:
            event = MuteCreated(muter_id=self.ours.actor_id, muted_id=self.ours.target_id, created_at=now)
            self.ours = self._told(replace(self.ours, muted_at=now), event, now)

    def unmute(self, now: datetime) -> None:
        """Raises AccountNotFound."""
        self._require_no_block()
        if self.ours.muted_at:
            event = MuteDeleted(muter_id=self.ours.actor_id, muted_id=self.ours.target_id, deleted_at=now)
            self.ours = self._told(replace(self.ours, muted_at=None), event, now)

    def _require_no_block(self) -> None:
        if self.relation.blocked:
            raise AccountNotFound

    def _require_not_blocked_by_them(self) -> None:
        """Who is blocked cannot block back: they would learn of the block by it."""
        if self.relation.blocked_by:
            raise AccountNotFound

    def _followed(self, side: Side, now: datetime) -> Side:
        side = replace(
            side,
            followed_at=now,
            requested_at=None,
            following=side.following + 1,
            requesting=side.requesting - bool(side.requested_at),
            followers=side.followers + 1,
        )
        return self._told(
            side,
            FollowCreated(
                follower_id=side.actor_id, followee_id=side.target_id, followers=side.followers, created_at=now
            ),
            now,
        )

    def _requested(self, side: Side, now: datetime) -> Side:
        event = FollowRequested(follower_id=side.actor_id, followee_id=side.target_id, requested_at=now)
        return self._told(replace(side, requested_at=now, requesting=side.requesting + 1), event, now)

    def _ended(self, side: Side, now: datetime, outcome: str) -> Side:
        return self._closed(self._unfollowed(side, now), now, outcome)

    def _unfollowed(self, side: Side, now: datetime) -> Side:
        if side.followed_at is None:
            return side
        side = replace(
            side,
            followed_at=None,
            followed_from=side.followed_at,
            followed_until=now,
            following=side.following - 1,
            followers=side.followers - 1,
        )
        return self._told(
            side,
            FollowDeleted(
                follower_id=side.actor_id, followee_id=side.target_id, followers=side.followers, deleted_at=now
            ),
            now,
        )

    def _closed(self, side: Side, now: datetime, outcome: str) -> Side:
        if side.requested_at is None:
            return side
        event = FollowRequestClosed(
            follower_id=side.actor_id, followee_id=side.target_id, outcome=outcome, closed_at=now
        )
        return self._told(replace(side, requested_at=None, requesting=side.requesting - 1), event, now)

    def _told(self, side: Side, event: Event, now: datetime) -> Side:
        """The side's next version, which the event tells of."""
        side = replace(side, version=side.version + 1)
        event_id = f"{event.subject()}.{side.version}"
        self.events.append(Envelope.of(event, entityversion=side.version, id=event_id, time=now))
        return side

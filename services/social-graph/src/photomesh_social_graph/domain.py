"""The relationship between two accounts, and the rules for changing it.

A `Side` is what one account does to another: its follow, request, block and mute, and the version that counts them.
Two sides make a `Tie`; every change is a method of the tie and yields the events to publish.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum, auto

from photomesh_shared.errors import AccountNotFound
from photomesh_shared.events import (
    ACTIVE,
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
from photomesh_shared.events.versions import next_version
from photomesh_social_graph.errors import FollowingLimitReached, FollowRequestNotFound

__all__ = [
    "ERASED",
    "Account",
    "AccountList",
    "CountAudit",
    "Counts",
    "ListPosition",
    "Relation",
    "Side",
    "Tie",
]


ERASED = "erased"


class AccountList(Enum):
    """The lists of accounts that an account has."""

    FOLLOWING = auto()
    FOLLOWERS = auto()
    REQUESTS = auto()
    BLOCKS = auto()
    MUTES = auto()
    CLOSE_FRIENDS = auto()


@dataclass(frozen=True)
class Account:
    """An account as lists show it: this service's copy of identity's data."""

    id: int
    username: str
    display_name: str
    avatar_url: str | None
    private: bool
    status: str = ACTIVE

    @property
    def hidden(self) -> bool:
        """Whether the account does not exist for anybody else: it is deactivated, leaves, or is erased."""
        return self.status != ACTIVE

    @classmethod
    def erased(cls, account_id: int) -> Account:
        """What is left of an erased account, so that nothing that arrives late brings it back."""
        return cls(account_id, "", "", None, private=True, status=ERASED)


@dataclass(frozen=True)
class Counts:
    followers: int = 0
    following: int = 0


@dataclass(frozen=True)
class CountAudit:
    """An account's cached counts beside the counts of its edges."""

    account_id: int
    cached: Counts
    actual: Counts


@dataclass(frozen=True)
class ListPosition:
    """The position of an entry in a list. Lists are sorted newest first; in a list of followers, those whom the viewer
    follows (`known`) precede the rest."""

    at: datetime
    id: int
    known: bool = False


@dataclass(frozen=True)
class Relation:
    """How a viewer relates to another account, in both directions. `blocked_by` and `hidden` are never shown to the
    viewer."""

    following: bool = False
    requested: bool = False
    followed_by: bool = False
    requested_by: bool = False
    blocking: bool = False
    muting: bool = False
    blocked_by: bool = False
    hidden: bool = False
    """The other account is deactivated, or leaves."""

    @property
    def absent(self) -> bool:
        """Whether the other account does not exist for the viewer."""
        return self.blocked_by or self.hidden

    @property
    def blocked(self) -> bool:
        """Whether either has blocked the other."""
        return self.blocking or self.blocked_by

    @property
    def visible(self) -> Relation:
        """What the viewer may see: an account that blocks them, or is hidden, looks like one that does not exist."""
        return Relation() if self.absent else self


@dataclass(frozen=True)
class Side:
    """What `actor_id` does to `target_id`, and the counts that this affects."""

    actor_id: int
    target_id: int
    target_private: bool
    following: int
    """Accounts that the actor follows."""
    requesting: int
    """Pending follow requests of the actor."""
    followers: int
    """Followers of the target."""
    version: int = 0
    followed_at: datetime | None = None
    requested_at: datetime | None = None
    blocked_at: datetime | None = None
    muted_at: datetime | None = None
    followed_from: datetime | None = None
    """Start of the last follow that has ended."""
    followed_until: datetime | None = None
    target_hidden: bool = False


class Tie:
    """Both sides of a pair; `ours` is the side of the account that acts.

    Every method is idempotent: without a change there is no event. Each change increments the version of its side and
    appends one event. What begins something needs that neither blocks the other, and that both are active; what ends
    something never fails.
    """

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
            hidden=self.ours.target_hidden,
        )

    def follow(self, now: datetime, *, limit: int) -> None:
        """Follows, or requests to if the target is private. Raises AccountNotFound, FollowingLimitReached."""
        self._require_no_block()
        side = self.ours
        if side.followed_at or (side.requested_at and side.target_private):
            return
        if not side.requested_at and side.following + side.requesting >= limit:
            raise FollowingLimitReached(limit=limit)
        self.ours = self._requested(side, now) if side.target_private else self._followed(side, now)

    def unfollow(self, now: datetime) -> None:
        """Unfollows, or withdraws the request."""
        self.ours = self._detached(self.ours, now, "withdrawn")

    def approve_request(self, now: datetime) -> None:
        """Turns the other's request into a follow. Raises AccountNotFound, FollowRequestNotFound."""
        self._require_no_block()
        self.admit(now)
        if not self.theirs.followed_at:
            raise FollowRequestNotFound

    def admit(self, now: datetime) -> None:
        """Turns the other's request into a follow, if there is one."""
        if self.theirs.requested_at:
            self.theirs = self._followed(self.theirs, now, approved=True)

    def deny_request(self, now: datetime) -> None:
        """Closes the other's request."""
        self.theirs = self._request_closed(self.theirs, now, "denied")

    def remove_follower(self, now: datetime) -> None:
        """Ends the other's follow."""
        self.theirs = self._unfollowed(self.theirs, now)

    def block(self, now: datetime) -> None:
        """Ends follows and requests in both directions, and hides each account from the other. An account that is
        blocked can block back, so that the other's unblocking does not expose it."""
        if self.ours.blocked_at:
            return
        self.ours = self._detached(self.ours, now, "blocked")
        self.theirs = self._detached(self.theirs, now, "blocked")
        event = BlockCreated(blocker_id=self.ours.actor_id, blocked_id=self.ours.target_id, created_at=now)
        self.ours = self._recorded(replace(self.ours, blocked_at=now), event, now)

    def unblock(self, now: datetime) -> None:
        self.ours = self._unblocked(self.ours, now)

    def mute(self, now: datetime) -> None:
        """Raises AccountNotFound."""
        self._require_no_block()
        if not self.ours.muted_at:
            event = MuteCreated(muter_id=self.ours.actor_id, muted_id=self.ours.target_id, created_at=now)
            self.ours = self._recorded(replace(self.ours, muted_at=now), event, now)

    def unmute(self, now: datetime) -> None:
        self.ours = self._unmuted(self.ours, now)

    def erase(self, now: datetime) -> None:
        """Ends everything between the two, in both directions: one of them is erased."""
        self.ours, self.theirs = (
            self._unmuted(self._unblocked(self._detached(side, now, "erased"), now), now)
            for side in (self.ours, self.theirs)
        )

    def restate(self, now: datetime) -> None:
        """Publishes once more what is between us and them on our side, as it is."""
        side = self.ours
        ids = {"follower_id": side.actor_id, "followee_id": side.target_id}
        events: list[Event] = []
        if side.followed_at:
            events.append(FollowCreated(**ids, followers=side.followers, created_at=side.followed_at))
        elif side.requested_at:
            events.append(FollowRequested(**ids, requested_at=side.requested_at))
        if side.blocked_at:
            events.append(BlockCreated(blocker_id=side.actor_id, blocked_id=side.target_id, created_at=side.blocked_at))
        if side.muted_at:
            events.append(MuteCreated(muter_id=side.actor_id, muted_id=side.target_id, created_at=side.muted_at))
        for event in events:
            self.ours = self._recorded(self.ours, event, now)

    def _require_no_block(self) -> None:
        if self.relation.blocked or self.relation.hidden or self.theirs.target_hidden:
            raise AccountNotFound

    def _unblocked(self, side: Side, now: datetime) -> Side:
        if side.blocked_at is None:
            return side
        event = BlockDeleted(blocker_id=side.actor_id, blocked_id=side.target_id, deleted_at=now)
        return self._recorded(replace(side, blocked_at=None), event, now)

    def _unmuted(self, side: Side, now: datetime) -> Side:
        if side.muted_at is None:
            return side
        event = MuteDeleted(muter_id=side.actor_id, muted_id=side.target_id, deleted_at=now)
        return self._recorded(replace(side, muted_at=None), event, now)

    def _followed(self, side: Side, now: datetime, *, approved: bool = False) -> Side:
        side = replace(
            side,
            followed_at=now,
            requested_at=None,
            following=side.following + 1,
            requesting=side.requesting - bool(side.requested_at),
            followers=side.followers + 1,
        )
        event = FollowCreated(
            follower_id=side.actor_id,
            followee_id=side.target_id,
            followers=side.followers,
            created_at=now,
            approved=approved,
        )
        return self._recorded(side, event, now)

    def _requested(self, side: Side, now: datetime) -> Side:
        event = FollowRequested(follower_id=side.actor_id, followee_id=side.target_id, requested_at=now)
        return self._recorded(replace(side, requested_at=now, requesting=side.requesting + 1), event, now)

    def _detached(self, side: Side, now: datetime, outcome: str) -> Side:
        return self._request_closed(self._unfollowed(side, now), now, outcome)

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
        event = FollowDeleted(
            follower_id=side.actor_id, followee_id=side.target_id, followers=side.followers, deleted_at=now
        )
        return self._recorded(side, event, now)

    def _request_closed(self, side: Side, now: datetime, outcome: str) -> Side:
        if side.requested_at is None:
            return side
        event = FollowRequestClosed(
            follower_id=side.actor_id, followee_id=side.target_id, outcome=outcome, closed_at=now
        )
        return self._recorded(replace(side, requested_at=None, requesting=side.requesting - 1), event, now)

    def _recorded(self, side: Side, event: Event, now: datetime) -> Side:
        """Appends the event; returns the side with its next version."""
        side = replace(side, version=next_version(side.version, now))
        event_id = f"{event.subject()}.{side.version}"
        self.events.append(Envelope.of(event, entityversion=side.version, id=event_id, time=now))
        return side

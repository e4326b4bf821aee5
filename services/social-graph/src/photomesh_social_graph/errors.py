"""Problems of the social graph, beyond those of `photomesh_shared.errors`.

NotFound 404       ── AccountNotFound (shared), FollowRequestNotFound
Unprocessable 422  ── OwnAccount, FollowingLimitReached, NotAFollower, CloseFriendsLimitReached
Unavailable 503    ── AccountNotReady, RestrictionPending
"""

from __future__ import annotations

from typing import Any

from photomesh_shared.errors import AccountNotFound, NotFound, Unavailable, Unprocessable

__all__ = [
    "AccountNotFound",
    "AccountNotReady",
    "CloseFriendsLimitReached",
    "FollowRequestNotFound",
    "FollowingLimitReached",
    "NotAFollower",
    "OwnAccount",
    "RestrictionPending",
]


class FollowRequestNotFound(NotFound):
    """There is no pending follow request from this account: it never sent one, withdrew it, or you denied it."""

    code, title = "follow-request-not-found", "There is no such follow request"


class OwnAccount(Unprocessable):
    """You cannot follow, block or mute yourself, nor be your own follower or close friend."""

    code, title = "own-account", "This is your own account"


class FollowingLimitReached(Unprocessable):
    """You follow as many accounts as is allowed (`limit`), pending requests included. Unfollow an account first."""

    code, title = "following-limit-reached", "You follow too many accounts"

    def __init__(self, detail: str | None = None, *, limit: int = 7_500, **rest: Any) -> None:
        super().__init__(detail, limit=limit, **rest)


class NotAFollower(Unprocessable):
    """Only people who follow you can be close friends of yours, and this account does not."""

    code, title = "not-a-follower", "The account does not follow you"


class CloseFriendsLimitReached(Unprocessable):
    """You have as many close friends as is allowed (`limit`). Take somebody off the list first."""

    code, title = "close-friends-limit-reached", "You have too many close friends"

    def __init__(self, detail: str | None = None, *, limit: int = 1_000, **rest: Any) -> None:
        super().__init__(detail, limit=limit, **rest)


class AccountNotReady(Unavailable):
    """Your account was registered a moment ago and has not been replicated to this service. Try again in a few
    seconds."""

    code, title = "account-not-ready", "Your account is not ready yet"


class RestrictionPending(Unavailable):
    """The change is stored, but not effective everywhere yet: for a moment, the account may still see your posts.
    Repeat the request until it succeeds."""

    code, title = "restriction-pending", "The change is not effective everywhere yet"

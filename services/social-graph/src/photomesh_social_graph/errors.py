"""What can go wrong here, beyond `photomesh_shared.errors`.

NotFound 404       ── AccountNotFound, which is shared, FollowRequestNotFound
Unprocessable 422  ── OwnAccount, FollowingLimitReached
Unavailable 503    ── AccountNotReady
"""

from __future__ import annotations

from typing import Any

from photomesh_shared.errors import AccountNotFound, NotFound, Unavailable, Unprocessable

__all__ = ["AccountNotFound", "AccountNotReady", "FollowRequestNotFound", "FollowingLimitReached", "OwnAccount"]


class FollowRequestNotFound(NotFound):
    """This account does not ask to follow you: it never did, or it changed its mind, or you have denied it."""

    code, title = "follow-request-not-found", "There is no such follow request"


class OwnAccount(Unprocessable):
    """You cannot follow, block or mute yourself, nor be your own follower."""

    code, title = "own-account", "That is your own account"


class FollowingLimitReached(Unprocessable):
    """You follow as many accounts as one may, counting those that you asked. Unfollow somebody first; `limit` says how
    many it are."""

    code, title = "following-limit-reached", "You follow too many accounts"

    def __init__(self, detail: str | None = None, *, limit: int = 7_500, **rest: Any) -> None:
        super().__init__(detail, limit=limit, **rest)


class AccountNotReady(Unavailable):
    """Your account was opened a moment ago, and this part of the platform does not know it yet. Try again in a few
    seconds."""

    code, title = "account-not-ready", "Your account is not ready yet"

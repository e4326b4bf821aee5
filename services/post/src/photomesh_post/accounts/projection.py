"""Accounts and relations: event → rows, row → domain. Pure.

Timestamps are versions of the account, or of the pair, which counts what the first account did to the second.
"""

from __future__ import annotations

from photomesh_post.accounts.domain import STRANGER, Author, Standing
from photomesh_post.tables.rows import Row, RowWrite
from photomesh_shared.events import (
    AccountRegistered,
    AccountUpdated,
    BlockCreated,
    BlockDeleted,
    Envelope,
    FollowCreated,
    FollowDeleted,
)

__all__ = ["AccountEvent", "author_of", "rows_of", "standing_of"]

AccountEvent = AccountRegistered | AccountUpdated | FollowCreated | FollowDeleted | BlockCreated | BlockDeleted


def rows_of(envelope: Envelope[AccountEvent]) -> list[RowWrite]:
    """The rows that an event writes."""
    version = envelope.entityversion
    match envelope.data:
        case AccountRegistered() | AccountUpdated() as event:
            cells = {name: getattr(event, name) for name in ("username", "display_name", "avatar_url", "private")}
            named = {"username": event.username, "user_id": event.user_id}
            return [
                RowWrite("accounts", {"user_id": event.user_id}, version, cells),
                RowWrite("accounts_by_username", named, version),
            ]
        case FollowCreated() | FollowDeleted() as event:
            pair = {"account_id": event.follower_id, "other_id": event.followee_id}
            return [RowWrite("relations", pair, version, {"follows": isinstance(event, FollowCreated)})]
        case BlockCreated() | BlockDeleted() as event:
            blocks = isinstance(event, BlockCreated)
            pair = {"account_id": event.blocker_id, "other_id": event.blocked_id}
            mirrored = {"account_id": event.blocked_id, "other_id": event.blocker_id}
            # Each of the two cells has one writer, so the version of this pair orders both.
            return [
                RowWrite("relations", pair, version, {"blocks": blocks}),
                RowWrite("relations", mirrored, version, {"blocked_by": blocks}),
            ]


def author_of(user_id: int, row: Row | None) -> Author:
    """An unknown account is private, to be on the safe side."""
    if row is None:
        return Author(user_id)
    return Author(user_id, row["username"], row["display_name"], row["avatar_url"], row["private"])


def standing_of(row: Row | None) -> Standing:
    """The standing of the row's account with the other one."""
    if row is None:
        return STRANGER
    return Standing(follows=bool(row.get("follows")), blocked=bool(row.get("blocks") or row.get("blocked_by")))

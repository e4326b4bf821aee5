"""Accounts and relations: event → rows, row → domain. Pure.

Timestamps are versions of the account, or of the pair, which counts what the first account did to the second.
"""

from __future__ import annotations

from typing import Any

from photomesh_post.accounts.domain import STRANGER, Author, Relation, Standing
from photomesh_post.tables.rows import Row, RowWrite
from photomesh_shared.events import (
    ACTIVE,
    EVERYBODY,
    AccountRegistered,
    AccountUpdated,
    BlockCreated,
    BlockDeleted,
    Envelope,
    FollowCreated,
    FollowDeleted,
)

__all__ = ["AccountEvent", "account_rows", "author_of", "author_of_event", "relation_rows", "rows_of", "standing_of"]

_CELLS = ("username", "display_name", "avatar_url", "private", "status", "mentionable_by")

AccountEvent = AccountRegistered | AccountUpdated | FollowCreated | FollowDeleted | BlockCreated | BlockDeleted


def rows_of(envelope: Envelope[AccountEvent]) -> list[RowWrite]:
    """The rows that an event writes."""
    version = envelope.entityversion
    match envelope.data:
        case AccountRegistered() | AccountUpdated() as event:
            return account_rows(author_of_event(event), version)
        case FollowCreated() | FollowDeleted() as event:
            follows = isinstance(event, FollowCreated)
            return [_follow_row(event.follower_id, event.followee_id, version, follows=follows)]
        case BlockCreated() | BlockDeleted() as event:
            return _block_rows(event.blocker_id, event.blocked_id, version, blocks=isinstance(event, BlockCreated))


def author_of_event(event: AccountRegistered | AccountUpdated) -> Author:
    return Author(
        event.user_id,
        event.username,
        event.display_name,
        event.avatar_url,
        event.private,
        event.status,
        event.mentionable_by,
    )


def account_rows(author: Author, version: int) -> list[RowWrite]:
    """The rows of an account at a version."""
    cells = {name: getattr(author, name) for name in _CELLS}
    named: dict[str, Any] = {"username": author.username, "user_id": author.id}
    return [
        RowWrite("accounts", {"user_id": author.id}, version, cells),
        RowWrite("accounts_by_username", named, version),
        RowWrite("usernames_by_account", named, version),
    ]


def relation_rows(relation: Relation) -> list[RowWrite]:
    """The rows of a relation at a version."""
    pair, version = (relation.account_id, relation.other_id), relation.version
    return [_follow_row(*pair, version, follows=relation.follows), *_block_rows(*pair, version, blocks=relation.blocks)]


def _follow_row(account_id: int, other_id: int, version: int, *, follows: bool) -> RowWrite:
    return RowWrite("relations", {"account_id": account_id, "other_id": other_id}, version, {"follows": follows})


def _block_rows(account_id: int, other_id: int, version: int, *, blocks: bool) -> list[RowWrite]:
    """Each of the two cells has one writer, so the version of this pair orders both."""
    pair, mirrored = {"account_id": account_id, "other_id": other_id}, {"account_id": other_id, "other_id": account_id}
    return [
        RowWrite("relations", pair, version, {"blocks": blocks}),
        RowWrite("relations", mirrored, version, {"blocked_by": blocks}),
    ]


def author_of(user_id: int, row: Row | None) -> Author:
    """An unknown account is private, to be on the safe side."""
    if row is None:
        return Author(user_id)
    names = row["username"], row["display_name"], row["avatar_url"]
    return Author(user_id, *names, row["private"], row.get("status") or ACTIVE, row.get("mentionable_by") or EVERYBODY)


def standing_of(row: Row | None) -> Standing:
    """The standing of the row's account with the other one."""
    if row is None:
        return STRANGER
    blocked_by = bool(row.get("blocked_by"))
    return Standing(
        follows=bool(row.get("follows")), blocked=blocked_by or bool(row.get("blocks")), blocked_by=blocked_by
    )

"""What must still be erased. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

__all__ = ["SHARDS", "Kind", "Pending", "shard_of"]

SHARDS = 16


class Kind(StrEnum):
    """Kinds of erasures. Each has workers of its own, so none waits for what another needs."""

    OBJECTS = "objects"
    """The objects of a deleted photo; then come its caches."""
    CACHES = "caches"
    """The CDN's copies of a photo whose objects are removed."""
    AVATAR = "avatar"
    """An avatar that was replaced or removed: its objects and the CDN's copies."""
    POST = "post"
    """Likes, comments and saves of a deleted post."""
    COMMENT = "comment"
    """Replies to a deleted comment, and likes of it and of them."""
    ACCOUNT_POSTS = "account-posts"
    """Posts and photos of an account, and what is stored of the account itself."""
    ACCOUNT_ENGAGEMENT = "account-engagement"
    """Likes, comments and saves of an account."""


@dataclass(frozen=True)
class Pending:
    """One erasure. `id` is that of the photo, post, comment or account, or a hash; `since` is when it ended, which a
    replay repeats: so it is pending once. `details` are the kind's own."""

    kind: Kind
    id: int
    since: datetime
    details: str = ""


def shard_of(id_: int) -> int:
    """The shard of an erasure: by the time of the id, as its low bits are mostly zero."""
    return (id_ >> 22) % SHARDS

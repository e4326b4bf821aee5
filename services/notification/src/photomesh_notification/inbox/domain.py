"""What an account is shown of its notifications. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from photomesh_notification.preferences.domain import Audience, Preferences
from photomesh_shared.internal_api.post import SeenAccount, SeenComment, SeenPhoto, SeenPost

__all__ = [
    "ABOUT_ONESELF",
    "FACES",
    "MAX_UNREAD",
    "Filter",
    "Group",
    "Hydrated",
    "Notification",
    "Reader",
    "Unread",
    "is_wanted",
    "view_of",
]

FACES = 4
"""Accounts that are shown of a group."""
MAX_UNREAD = 99
ABOUT_ONESELF = frozenset({"photo_rejected", "photo_failed", "post_published", "post_failed", "webhook_failing"})
"""Kinds in which nobody else has part."""
_MENTIONS = frozenset({"mention", "reply"})


class Filter(StrEnum):
    ALL = "all"
    FOLLOWING = "following"
    MENTIONS = "mentions"


@dataclass(frozen=True)
class Unread:
    """`more`: whether there are more than `count` says."""

    count: int
    more: bool


@dataclass(frozen=True)
class Reader:
    """What an account wants to hear of, and how far it has seen its notifications, in milliseconds; 0: nothing."""

    preferences: Preferences = field(default_factory=Preferences)
    muted_post_ids: frozenset[int] = frozenset()
    seen_ms: int = 0


@dataclass(frozen=True)
class Group:
    """What an account hears of, as its row has it. `count` 0: there is nothing to show. `actors` are the newest, newest
    first, without those who are hidden or muted."""

    id: str
    kind: str
    count: int
    capped: bool
    actors: tuple[int, ...]
    first_at: datetime
    changed_at: datetime
    post_id: int | None = None
    comment_id: int | None = None
    photo_id: int | None = None
    webhook_id: int | None = None
    story_id: int | None = None


@dataclass(frozen=True)
class Hydrated:
    """What the account may see now, by id."""

    accounts: Mapping[int, SeenAccount] = field(default_factory=dict)
    posts: Mapping[int, SeenPost] = field(default_factory=dict)
    comments: Mapping[int, SeenComment] = field(default_factory=dict)
    photos: Mapping[int, SeenPhoto] = field(default_factory=dict)


@dataclass(frozen=True)
class Notification:
    """A group as its account sees it. `accounts`: whom the account follows first, then the newest."""

    group: Group
    count: int
    capped: bool
    accounts: tuple[SeenAccount, ...]
    post: SeenPost | None
    comment: SeenComment | None
    photo: SeenPhoto | None
    new: bool = False


def is_wanted(group: Group, wanted: Filter, reader: Reader) -> bool:
    """Whether a group belongs into the list, as far as can be said without knowing who and what is in it."""
    if not group.count or not reader.preferences.of(group.kind).listed:
        return False
    if group.kind == "like" and group.post_id in reader.muted_post_ids:
        return False
    if wanted is Filter.FOLLOWING:
        return group.kind not in ABOUT_ONESELF
    return wanted is Filter.ALL or group.kind in _MENTIONS


def view_of(
    group: Group, actor_ids: Sequence[int], hydrated: Hydrated, wanted: Filter, preferences: Preferences
) -> Notification | None:
    """What the account sees of a group; None if nothing is left of it.

    `actor_ids`: the newest of its actors, as many as are known here. Of further ones nothing is known, so they count as
    the group says, except where only those that the account follows are wanted.
    """
    post = hydrated.posts.get(group.post_id) if group.post_id is not None else None
    comment = hydrated.comments.get(group.comment_id) if group.comment_id is not None else None
    photo = hydrated.photos.get(group.photo_id) if group.photo_id is not None else None
    for wanted_id, found in ((group.post_id, post), (group.comment_id, comment), (group.photo_id, photo)):
        if wanted_id is not None and found is None:
            return None
    if group.kind in ABOUT_ONESELF:
        return Notification(group, group.count, group.capped, (), post, comment, photo)
    hidden = set(comment.hidden_ids) if comment else set[int]()
    known = [hydrated.accounts[key] for key in actor_ids if key in hydrated.accounts and key not in hidden]
    unknown = max(group.count - len(actor_ids), 0)
    capped = group.capped
    if wanted is Filter.FOLLOWING or preferences.of(group.kind).audience is Audience.FOLLOWING:
        known = [one for one in known if one.followed]
        unknown, capped = 0, bool(unknown) or capped
    if not known:
        return None
    count = len(known) + unknown
    if unknown and (total := _total(group, post, comment)) >= count:
        count, capped = total, False
    faces = sorted(known, key=lambda one: not one.followed)[:FACES]
    return Notification(group, count, capped, tuple(faces), post, comment, photo)


def _total(group: Group, post: SeenPost | None, comment: SeenComment | None) -> int:
    """The own number of likes of a post or comment, for a group that does not count them one by one any more. 0 for any
    other."""
    liked = {"like": post, "comment_like": comment}.get(group.kind)
    return (liked.like_count or 0) if liked and group.capped else 0

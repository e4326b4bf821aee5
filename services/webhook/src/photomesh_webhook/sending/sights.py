"""What an account may see now of what others did: asked just before it is sent. Pure.

What ends something is sent without asking (an unlike, a deleted comment, a follow that ended): it has no content, and
a receiver that keeps a copy must hear that it is over.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from photomesh_shared.events import (
    CommentCreated,
    CommentLiked,
    Event,
    FollowCreated,
    FollowRequested,
    NotificationUpdated,
    PostLiked,
    event_types,
)

__all__ = ["Sight", "Sights", "sight_of"]


@dataclass(frozen=True)
class Sight:
    """What must be visible for an event to be sent. `likers`: by comment, whose likes of it."""

    accounts: frozenset[int] = frozenset()
    posts: frozenset[int] = frozenset()
    comments: frozenset[int] = frozenset()
    likers: Mapping[int, int] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.accounts or self.posts or self.comments)


@dataclass(frozen=True)
class Sights:
    """What a viewer sees. `hidden_likers`: pairs of comment and account."""

    accounts: Collection[int] = frozenset()
    posts: Collection[int] = frozenset()
    comments: Collection[int] = frozenset()
    hidden_likers: Collection[tuple[int, int]] = frozenset()

    def show(self, sight: Sight) -> bool:
        return (
            sight.accounts <= set(self.accounts)
            and sight.posts <= set(self.posts)
            and sight.comments <= set(self.comments)
            and not any(pair in self.hidden_likers for pair in sight.likers.items())
        )


def sight_of(viewer_id: int, type_: str, value: bytes) -> Sight:
    """What a row's event shows of others. Empty if there is nothing to ask: what the viewer did itself, and its own
    photos and posts."""
    kind = event_types().get(type_)
    if kind is None or kind not in _SHOWS:
        return Sight()
    sight = _sight(kind.model_validate_json(value, extra="ignore"))
    accounts = sight.accounts - {viewer_id}
    return Sight(accounts, sight.posts, sight.comments, sight.likers) if accounts else Sight()


_SHOWS = (PostLiked, CommentCreated, CommentLiked, FollowCreated, FollowRequested, NotificationUpdated)


def _sight(event: Event) -> Sight:
    match event:
        case PostLiked():
            return Sight(frozenset({event.account_id}))
        case CommentCreated():
            return Sight(frozenset({event.account_id}), comments=frozenset({event.comment_id}))
        case CommentLiked():
            likers = {event.comment_id: event.account_id}
            return Sight(frozenset({event.account_id}), comments=frozenset({event.comment_id}), likers=likers)
        case FollowCreated() | FollowRequested():
            return Sight(frozenset({event.follower_id}))
        case NotificationUpdated():
            posts = frozenset({event.post_id} if event.post_id is not None else ())
            comments = frozenset({event.comment_id} if event.comment_id is not None else ())
            return Sight(frozenset(event.actors), posts, comments)
    raise TypeError(type(event))

"""Problems of notifications, below the errors in `photomesh_shared.errors`.

Problem
├── NotFound 404      ── NoPostOfYours
├── Unprocessable 422 ── TooManyMutedPosts
└── Unavailable 503   ── NotificationsUnavailable, SightingsUnavailable
"""

from __future__ import annotations

from photomesh_shared.errors import NotFound, Unavailable, Unprocessable

__all__ = ["NoPostOfYours", "NotificationsUnavailable", "SightingsUnavailable", "TooManyMutedPosts"]


class NotificationsUnavailable(Unavailable):
    """The store of notifications does not respond. Try again in a few seconds."""

    code, title = "notifications-unavailable", "Notifications are not available"


class NoPostOfYours(NotFound):
    """You have no post with this id. Only the likes of your own posts can be muted."""

    code, title = "no-post-of-yours", "You have no such post"


class SightingsUnavailable(Unavailable):
    """What you may see of your notifications is asked for each time, and the service that knows does not respond. Try
    again after `Retry-After` seconds."""

    code, title = "sightings-unavailable", "Notifications cannot be checked at the moment"


class TooManyMutedPosts(Unprocessable):
    """You can mute the likes of 200 posts. Hear of one of them again first."""

    code, title = "too-many-muted-posts", "You have muted too many posts"

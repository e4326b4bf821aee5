"""Problems of notifications, below the errors in `photomesh_shared.errors`.

Problem
├── Unauthorized 401    ── InvalidStreamTicket
├── NotFound 404        ── NoPostOfYours
├── Unprocessable 422   ── PushEndpointRefused, PushKeysRefused, TooManyMutedPosts
├── TooManyRequests 429 ── TooManyStreams
└── Unavailable 503     ── NotificationsUnavailable, SightingsUnavailable, StreamsFull
"""

from __future__ import annotations

from typing import Any

from photomesh_shared.errors import NotFound, TooManyRequests, Unauthorized, Unavailable, Unprocessable

__all__ = [
    "InvalidStreamTicket",
    "NoPostOfYours",
    "NotificationsUnavailable",
    "PushEndpointRefused",
    "PushKeysRefused",
    "SightingsUnavailable",
    "StreamsFull",
    "TooManyMutedPosts",
    "TooManyStreams",
]


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


class TooManyStreams(TooManyRequests):
    """Your account has as many streams open as it may. Close one, or share one between windows; a stream whose device
    has vanished ends after a minute."""

    code, title = "too-many-streams", "Too many streams are open"

    def __init__(self, detail: str | None = None, **rest: Any) -> None:
        super().__init__(detail, **rest)
        self.headers.setdefault("Retry-After", "30")


class StreamsFull(Unavailable):
    """There is no place for another stream at the moment. Try again after `Retry-After` seconds."""

    code, title = "streams-full", "No place for another stream"


class InvalidStreamTicket(Unauthorized):
    """The ticket is unknown, was used, or has expired: it is good for one stream within 30 seconds. Get another."""

    code, title = "invalid-stream-ticket", "The ticket is not valid"


class PushEndpointRefused(Unprocessable):
    """The endpoint is not one that may be called: an https URL on port 443 or 8443, without a user name. Send what the
    browser's `PushSubscription` says, unchanged."""

    code, title = "push-endpoint-refused", "The endpoint cannot be called"


class PushKeysRefused(Unprocessable):
    """`p256dh` must be an uncompressed public key on P-256 and `auth` 16 bytes, both in base64url. Send what the
    browser's `PushSubscription` says, unchanged."""

    code, title = "push-keys-refused", "The keys of the device are not valid"

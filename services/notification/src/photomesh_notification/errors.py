"""Problems of notifications, below the errors in `photomesh_shared.errors`.

Problem
└── Unavailable 503 ── NotificationsUnavailable
"""

from __future__ import annotations

from photomesh_shared.errors import Unavailable

__all__ = ["NotificationsUnavailable"]


class NotificationsUnavailable(Unavailable):
    """The store of notifications does not respond. Try again in a few seconds."""

    code, title = "notifications-unavailable", "Notifications are not available"

"""Problems of searches, below the errors in `photomesh_shared.errors`.

Problem
└── Unavailable 503 ── SearchUnavailable
"""

from __future__ import annotations

from photomesh_shared.errors import Unavailable

__all__ = ["SearchUnavailable"]


class SearchUnavailable(Unavailable):
    """The index, or what says which of its hits you may see, does not respond. Try again in a few seconds. Meanwhile an
    exact username is still found, here and by `GET /v1/users/by-username/{username}`."""

    code, title = "search-unavailable", "Search is not available at the moment"

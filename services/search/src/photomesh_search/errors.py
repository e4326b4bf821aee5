"""Problems of searches, below the errors in `photomesh_shared.errors`.

Problem
└── Unavailable 503 ── SearchUnavailable
"""

from __future__ import annotations

from photomesh_shared.errors import Unavailable

__all__ = ["SearchUnavailable"]


class SearchUnavailable(Unavailable):
    """The index, or what says which of its hits you may see, does not respond. Try again in a few seconds. Meanwhile
    `GET /v1/users/by-username/{username}` finds an account whose username you know."""

    code, title = "search-unavailable", "Search is not available at the moment"

"""Problems of feeds, below the errors in `photomesh_shared.errors`.

Problem
├── Gone 410        ── RankingExpired
└── Unavailable 503 ── FeedsUnavailable, SourceUnavailable, FeedsBusy
"""

from __future__ import annotations

from typing import Any

from photomesh_shared.errors import Gone, Unavailable

__all__ = ["FeedsBusy", "FeedsUnavailable", "RankingExpired", "SourceUnavailable"]


class RankingExpired(Gone):
    """A ranked feed is ordered once, and the order is kept for ten minutes, so that its pages neither repeat nor skip.
    This order has expired: omit the cursor to start with a new one."""

    code, title = "ranking-expired", "The order of the ranked feed has expired"


class FeedsUnavailable(Unavailable):
    """The store of feeds does not respond. Try again in a few seconds."""

    code, title = "feeds-unavailable", "Feeds are not available"


class SourceUnavailable(Unavailable):
    """Your feed has to be built from posts and follows, and the service that stores them does not respond. Try again
    after `Retry-After` seconds."""

    code, title = "feed-source-unavailable", "The feed cannot be built at the moment"


class FeedsBusy(Unavailable):
    """Too many feeds are being built at the moment. Try again after `Retry-After` seconds."""

    code, title = "feeds-busy", "Too many feeds are being built"

    def __init__(self, detail: str | None = None, **rest: Any) -> None:
        super().__init__(detail, **rest)
        self.headers["Retry-After"] = "1"

"""Problems of feeds, below the errors in `photomesh_shared.errors`.

Problem
├── Gone 410        ── RankingExpired
└── Unavailable 503 ── SourceUnavailable, FeedsBusy   (and `store.connection.FeedsUnavailable`)
"""

from __future__ import annotations

from typing import Any

from photomesh_shared.errors import Gone, Unavailable

__all__ = ["FeedsBusy", "RankingExpired", "SourceUnavailable"]


class RankingExpired(Gone):
    """A ranked feed is put in order once and kept for ten minutes after, so that its pages neither repeat nor skip.
    This one is no longer kept: leave the cursor out to begin again with a new one."""

    code, title = "ranking-expired", "The ranked feed has to be begun again"


class SourceUnavailable(Unavailable):
    """Your feed has to be read from where posts and follows are kept for good, and one of the two does not answer at
    the moment. Try again after `Retry-After` seconds."""

    code, title = "feed-source-unavailable", "The feed cannot be put together at the moment"


class FeedsBusy(Unavailable):
    """Too many feeds are being put together at the moment. Try again after `Retry-After` seconds."""

    code, title = "feeds-busy", "Too many feeds are being put together"

    def __init__(self, detail: str | None = None, **rest: Any) -> None:
        super().__init__(detail, **rest)
        self.headers["Retry-After"] = "1"

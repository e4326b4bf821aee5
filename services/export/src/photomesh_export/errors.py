"""Problems of exports, beyond those of `photomesh_shared.errors`.

NotFound 404         ── ExportNotFound
TooManyRequests 429  ── ExportTooSoon
Unavailable 503      ── SourceUnavailable
"""

from __future__ import annotations

from photomesh_shared.errors import NotFound, TooManyRequests, Unavailable

__all__ = ["ExportNotFound", "ExportTooSoon", "LeaseLost", "SourceUnavailable"]


class ExportNotFound(NotFound):
    """You have not exported your data in the last month. `POST /v1/me/export` begins an export."""

    code, title = "export-not-found", "There is no export"


class ExportTooSoon(TooManyRequests):
    """You exported your data less than a day ago, or began too many exports within a day. The finished one can be
    downloaded (`GET /v1/me/export`); the next one may begin after `Retry-After` seconds."""

    code, title = "export-too-soon", "It is too soon for another export"


class SourceUnavailable(Unavailable):
    """A service that has data of the account does not answer. The export continues later."""

    code, title = "source-unavailable", "A service does not answer"


class LeaseLost(Exception):
    """Another worker runs the export, or it was cancelled: this one must stop."""

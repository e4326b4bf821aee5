"""Problems of the gateway's own.

BadRequest 400    ── HeaderNotText
RequestTimeout 408
UpstreamFailed 502
Unavailable 503   ── Overloaded, UpstreamUnavailable
UpstreamTimeout 504
TooManyRequests 429 ── BudgetExhausted
"""

from __future__ import annotations

from typing import Any

from photomesh_shared.errors import BadRequest, Problem, TooManyRequests, Unavailable

__all__ = [
    "BudgetExhausted",
    "HeaderNotText",
    "Overloaded",
    "RequestTimeout",
    "UpstreamFailed",
    "UpstreamTimeout",
    "UpstreamUnavailable",
]


class BudgetExhausted(TooManyRequests):
    """Your account or your address has made as many requests of this kind as it may in a day: `quota` names the kind,
    `counted_by` says which, `limit` is its budget of a day. It refills evenly: after `Retry-After` seconds there is
    room for one request, after `full_in` seconds for `limit`. `GET /v1/limits` lists all budgets."""

    code, title = "budget-exhausted", "The budget of the day is exhausted"


class HeaderNotText(BadRequest):
    """A header of the request is not UTF-8 text. Encode non-ASCII characters as the header's definition says."""

    code, title = "header-not-text", "A header is not text"


class RequestTimeout(Problem):
    """The request's body did not arrive in time. Send it again, all at once."""

    status, code, title, retryable = 408, "request-timeout", "The request took too long to arrive", True


class UpstreamFailed(Problem):
    """The service behind the gateway closed the connection before it responded. The request may or may not have been
    carried out: repeat it with the same `Idempotency-Key`, or check before you repeat it."""

    status, code, title, retryable = (
        502,
        "upstream-failed",
        "The service broke the connection",
        True,
    )


class Overloaded(Unavailable):
    """More requests are in flight than the platform can serve well, so this one was refused before anything was done.
    Wait `Retry-After` seconds, and longer after each further refusal."""

    code, title = "overloaded", "Too busy at the moment"

    def __init__(self, detail: str | None = None, **rest: Any) -> None:
        super().__init__(detail, **rest)
        self.headers["Retry-After"] = "1"


class UpstreamUnavailable(Unavailable):
    """The service behind the gateway cannot be reached; nothing was done. Try again after `Retry-After` seconds."""

    code, title = "upstream-unavailable", "The service cannot be reached"


class UpstreamTimeout(Problem):
    """The service behind the gateway did not respond in time. The request may or may not have been carried out: after
    `Retry-After` seconds, repeat it with the same `Idempotency-Key`, or check before you repeat it."""

    status, code, title, retryable = 504, "upstream-timeout", "The service did not respond in time", True

    def __init__(self, detail: str | None = None, **rest: Any) -> None:
        super().__init__(detail, **rest)
        self.headers.setdefault("Retry-After", "2")

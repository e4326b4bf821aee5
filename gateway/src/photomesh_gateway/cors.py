"""Cross-origin calls from browsers (the Fetch standard's CORS protocol).

Tokens travel in a header that a page sets itself, never in cookies, so credentials are not allowed and any origin may
call by default.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

__all__ = ["Cors"]

_METHODS = b"GET, HEAD, POST, PUT, PATCH, DELETE"
_REQUEST_HEADERS = (
    b"Accept, Authorization, Content-Type, Erasure-Token, Idempotency-Key, If-Match, If-None-Match, "
    b"Last-Event-ID, Request-Id, Traceparent, Tracestate"
)
_EXPOSED = (
    b"Allow, ETag, Feed-Request-Id, Idempotency-Replayed, Link, Location, RateLimit, RateLimit-Policy, Request-Id, "
    b"Retry-After, WWW-Authenticate"
)
_PREFLIGHT_SECONDS = b"7200"  # no browser caches it longer

Headers = list[tuple[bytes, bytes]]


class Cors:
    def __init__(self, origins: Iterable[str]) -> None:
        self._origins = {origin.encode() for origin in origins}
        self._any = b"*" in self._origins

    def headers(self, origin: bytes | None) -> Headers:
        """The headers to add to any response."""
        vary = [] if self._any else [(b"vary", b"origin")]
        if origin is None or not (self._any or origin in self._origins):
            return vary
        return [
            (b"access-control-allow-origin", b"*" if self._any else origin),
            (b"access-control-expose-headers", _EXPOSED),
            *vary,
        ]

    def preflight(self, method: str, fields: Mapping[bytes, bytes]) -> Headers | None:
        """The headers to add to a preflight's response; None if the request is not a preflight."""
        if method != "OPTIONS" or b"access-control-request-method" not in fields or b"origin" not in fields:
            return None
        return [
            (b"access-control-allow-methods", _METHODS),
            (b"access-control-allow-headers", _REQUEST_HEADERS),
            (b"access-control-max-age", _PREFLIGHT_SECONDS),
        ]

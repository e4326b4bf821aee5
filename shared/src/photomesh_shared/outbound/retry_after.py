"""How long an answer asks us to wait. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

__all__ = ["retry_after"]


def retry_after(header: str | None, now: datetime, *, longest: timedelta) -> timedelta | None:
    """Read the header `Retry-After` (RFC 9110: seconds, or a date), up to `longest`; None without a valid one."""
    if header is None:
        return None
    text = header.strip()
    if text.isascii() and text.isdecimal():
        return min(timedelta(seconds=int(text[:6])), longest)
    try:
        at = datetime.strptime(text, "%a, %d %b %Y %H:%M:%S GMT").replace(tzinfo=UTC)
    except ValueError:
        return None
    return min(max(at - now, timedelta()), longest)

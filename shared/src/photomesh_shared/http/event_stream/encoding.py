"""The encoding of Server-Sent Events."""

from __future__ import annotations

__all__ = ["COMMENT", "encode_event"]

COMMENT = b":\n\n"
"""A heartbeat: clients ignore it, and proxies see that the stream lives."""


def encode_event(event: str, data: str, *, event_id: str | None = None, retry: int | None = None) -> bytes:
    """Encode one event. `retry` is in milliseconds: how long a client waits before it connects again."""
    lines = [f"event: {event}"]
    if event_id is not None:
        lines.append(f"id: {event_id}")
    if retry is not None:
        lines.append(f"retry: {retry}")
    lines += [f"data: {line}" for line in data.splitlines() or [""]]
    return "\n".join([*lines, "", ""]).encode()

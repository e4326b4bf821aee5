"""The encoding of Server-Sent Events."""

from __future__ import annotations

import re

__all__ = ["COMMENT", "encode_event"]

COMMENT = b":\n\n"
"""A heartbeat: clients ignore it, and proxies see that the stream lives."""

_LINE_END = re.compile(r"\r\n|\n|\r")
"""What ends a line in the protocol. `str.splitlines` knows more, such as U+2028, which may stand in a JSON string."""


def encode_event(event: str, data: str, *, event_id: str | None = None, retry: int | None = None) -> bytes:
    """Encode one event. `retry` is in milliseconds: how long a client waits before it connects again."""
    if retry is None and event_id is not None and "\n" not in data and "\r" not in data:
        return f"event: {event}\nid: {event_id}\ndata: {data}\n\n".encode()
    lines = [f"event: {event}"]
    if event_id is not None:
        lines.append(f"id: {event_id}")
    if retry is not None:
        lines.append(f"retry: {retry}")
    lines += [f"data: {line}" for line in _LINE_END.split(data)]
    return "\n".join([*lines, "", ""]).encode()

"""The access log: one JSON line for each request, in the shape of all our log lines.

The logging module and its JSON formatter take 60 µs a line, a third of what a whole request costs here. This takes 3:
it knows its fields, and it writes the lines of a tenth of a second at once.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import time
from typing import TextIO

from photomesh_gateway.exchange import Exchange

__all__ = ["AccessLog"]

_FLUSH_SECONDS = 0.1
_encode = json.JSONEncoder().encode


class AccessLog:
    """Silent where the logger `photomesh.access` is."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout
        self._enabled = logging.getLogger("photomesh.access").isEnabledFor(logging.INFO)
        self._lines: list[str] = []
        self._second, self._time = 0, ""

    def write(self, exchange: Exchange, template: str, seconds: float) -> None:
        if not self._enabled:
            return
        if not self._lines:
            asyncio.get_running_loop().call_later(_FLUSH_SECONDS, self.flush)
        if (now := int(time.time())) != self._second:
            self._second, self._time = now, time.strftime("%Y-%m-%dT%H:%M:%S%z", time.localtime(now))
        line = {
            "time": self._time,
            "level": "INFO",
            "logger": "photomesh.access",
            "message": f"{exchange.method} {exchange.scope['path']} {exchange.status}",
            "service": "gateway",
            "request_id": exchange.request_id,
            "trace_id": exchange.trace_id,
            "route": template,
            "status": exchange.status,
            "ms": round(seconds * 1000, 1),
            "upstream_ms": exchange.upstream_seconds and round(exchange.upstream_seconds * 1000, 1),
            "account_id": exchange.account_id,
            "client": exchange.client,
        }
        self._lines.append(_encode(line) + "\n")

    def flush(self) -> None:
        """Writes what has gathered; called by itself, and once at the end."""
        lines, self._lines = self._lines, []
        self._stream.write("".join(lines))
        self._stream.flush()

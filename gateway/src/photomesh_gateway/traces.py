"""The gateway's part in a trace: W3C `traceparent`, continued or started.

The gateway records a span if spans are recorded at all. If not, it forwards the caller's `traceparent` or generates
one, so that the log lines of all services still join.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass

from opentelemetry import trace
from opentelemetry.context import attach
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import NonRecordingSpan, Span, SpanContext, SpanKind, TraceFlags

from photomesh_shared.observability.tracing import failed, tracer

__all__ = ["Trace", "Traces"]

# Version 00, and later ones as far as they look the same (W3C Trace Context, 3.2.4).
_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-((?!0{32})[0-9a-f]{32})-((?!0{16})[0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?")


@dataclass(frozen=True, slots=True)
class Trace:
    """The trace that a request belongs to; `headers` propagate it to a service."""

    trace_id: str
    headers: dict[str, str]
    span: Span | None = None
    name: str = ""

    def end(self, status: int, request_id: str) -> None:
        if self.span is not None:
            if status >= 500:
                failed(self.name, attributes={"http.response.status_code": status, "request.id": request_id})
            self.span.set_attributes({"http.response.status_code": status, "request.id": request_id})
            self.span.end()


class Traces:
    """Starts the traces of requests. Whether spans are recorded in this process is known from the start."""

    def __init__(self) -> None:
        self._recording = isinstance(trace.get_tracer_provider(), TracerProvider)

    def begin(self, name: str, fields: Mapping[bytes, bytes]) -> Trace:
        """Continues the trace that the request's headers name, or starts one. A recorded span becomes current."""
        given = fields.get(b"traceparent", b"").decode("latin-1")
        match = _TRACEPARENT.fullmatch(given) if given else None
        state = {"tracestate": fields[b"tracestate"].decode("latin-1")} if match and b"tracestate" in fields else {}
        if self._recording:
            return _record(name, match, state)
        if match:
            return Trace(match[1], {"traceparent": given, **state})
        trace_id = f"{_random(128):032x}"
        return Trace(trace_id, {"traceparent": f"00-{trace_id}-{_random(64):016x}-01"})


def _record(name: str, match: re.Match[str] | None, state: dict[str, str]) -> Trace:
    parent = None
    if match:
        remote = SpanContext(int(match[1], 16), int(match[2], 16), True, TraceFlags(int(match[3], 16)))
        parent = trace.set_span_in_context(NonRecordingSpan(remote))
    span = tracer.start_span(name, parent, kind=SpanKind.SERVER)
    attach(trace.set_span_in_context(span))  # the task ends with the request, so nothing need detach it
    own = span.get_span_context()
    trace_id = f"{own.trace_id:032x}"
    return Trace(
        trace_id,
        {"traceparent": f"00-{trace_id}-{own.span_id:016x}-{own.trace_flags & 1:02x}", **state},
        span,
        name,
    )


def _random(bits: int) -> int:
    return random.getrandbits(bits) or 1

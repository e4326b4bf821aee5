"""The gateway's part in a trace: W3C `traceparent`, continued or begun.

Where spans are recorded the gateway adds one. Where they are not, that would cost fifty microseconds for nothing: it
passes the caller's `traceparent` on, or makes one up, so that the log lines of all services still join.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping

from opentelemetry import trace
from opentelemetry.context import attach
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import NonRecordingSpan, Span, SpanContext, SpanKind, TraceFlags

from photomesh_shared.observability.tracing import tracer

__all__ = ["begin"]

# Version 00, and later ones as far as they look the same (W3C Trace Context, 3.2.4).
_TRACEPARENT = re.compile(rb"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?")


def begin(name: str, fields: Mapping[bytes, bytes]) -> tuple[Span, dict[str, str]]:
    """The request's span, made the current one in its task, and the headers that tell a service about it."""
    match = _TRACEPARENT.fullmatch(fields.get(b"traceparent", b""))
    if match:
        parent = SpanContext(int(match[1], 16), int(match[2], 16), True, TraceFlags(int(match[3], 16)))
    else:
        parent = SpanContext(_random(128), _random(64), False, TraceFlags(TraceFlags.SAMPLED))
    if isinstance(trace.get_tracer_provider(), TracerProvider):
        context = trace.set_span_in_context(NonRecordingSpan(parent)) if match else None
        span = tracer.start_span(name, context, kind=SpanKind.SERVER)
    else:
        span = NonRecordingSpan(parent)
    attach(trace.set_span_in_context(span))
    own = span.get_span_context()
    headers = {"traceparent": f"00-{own.trace_id:032x}-{own.span_id:016x}-{own.trace_flags & 1:02x}"}
    if match and (state := fields.get(b"tracestate")):
        headers["tracestate"] = state.decode("latin-1")
    return span, headers


def _random(bits: int) -> int:
    return random.getrandbits(bits) or 1

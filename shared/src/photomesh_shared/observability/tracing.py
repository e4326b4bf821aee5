"""OpenTelemetry traces, propagated through HTTP and Kafka by W3C `traceparent`.

Spans go to an OTLP collector when ``OTEL_EXPORTER_OTLP_ENDPOINT`` is set, and to a file of JSON lines when
``PHOTOMESH_TRACE_FILE`` is (the local stack does that; `make trace` draws them). With neither, no spans are recorded,
but trace ids are still propagated.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import Link, SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.types import AttributeValue

from photomesh_shared.settings import ServiceSettings

__all__ = ["configure", "extract", "flush", "inject", "span", "tracer"]

_propagator = TraceContextTextMapPropagator()
tracer = trace.get_tracer("photomesh")


class FileSpanExporter(SpanExporter):
    """Appends each span as one JSON line; a write of one line is atomic enough for several processes."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("a", buffering=1)

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self._file.write("".join(json.dumps(self._record(span)) + "\n" for span in spans))
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        self._file.close()

    @staticmethod
    def _record(span: ReadableSpan) -> dict[str, object]:
        context = span.get_span_context()
        assert context is not None
        return {
            "trace_id": f"{context.trace_id:032x}",
            "span_id": f"{context.span_id:016x}",
            "parent_id": f"{span.parent.span_id:016x}" if span.parent else None,
            "links": [f"{link.context.trace_id:032x}" for link in span.links],
            "service": span.resource.attributes.get("service.name"),
            "name": span.name,
            "start_ns": span.start_time,
            "end_ns": span.end_time,
            "status": span.status.status_code.name,
            "attributes": dict(span.attributes or {}),
        }


def configure(service: str, settings: ServiceSettings) -> None:
    exporters: list[SpanExporter] = []
    if settings.trace_file:
        exporters.append(FileSpanExporter(Path(settings.trace_file)))
    if os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"):
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        exporters.append(OTLPSpanExporter())
    if exporters:
        provider = TracerProvider(
            resource=Resource.create({"service.name": service, "deployment.environment.name": settings.env})
        )
        for exporter in exporters:
            provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=1000))
        trace.set_tracer_provider(provider)


def flush() -> None:
    """Export ended spans; for process exit, because a signal may skip exit handlers."""
    provider = trace.get_tracer_provider()
    if isinstance(provider, TracerProvider):
        provider.force_flush(timeout_millis=2000)


def inject(headers: MutableMapping[str, str]) -> None:
    """Add the `traceparent` of the current span, if any."""
    _propagator.inject(headers)


@contextmanager
def extract(
    headers: Mapping[str, str],
    name: str,
    *,
    kind: SpanKind = SpanKind.SERVER,
    attributes: Mapping[str, AttributeValue] | None = None,
) -> Iterator[trace.Span]:
    """Open a span that continues the trace in `headers`.

    A consumer's span is a child, and not only a link as the messaging conventions prefer, so that one trace shows a
    photo from the HTTP call to the four sizes. The link is set as well.
    """
    parent = _propagator.extract(headers)
    remote = trace.get_current_span(parent).get_span_context()
    links = [Link(remote)] if kind is SpanKind.CONSUMER and remote.is_valid else None
    with tracer.start_as_current_span(name, parent, kind=kind, attributes=dict(attributes or {}), links=links) as span:
        yield span


@contextmanager
def span(name: str, **attributes: AttributeValue) -> Iterator[trace.Span]:
    """Open a child span of the current one."""
    with tracer.start_as_current_span(name, attributes=attributes) as current:
        yield current

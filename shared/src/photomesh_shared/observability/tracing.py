"""OpenTelemetry traces, propagated through HTTP and Kafka by W3C `traceparent`.

Spans go to an OTLP collector when ``OTEL_EXPORTER_OTLP_ENDPOINT`` is set, and to a file of JSON lines when
``PHOTOMESH_TRACE_FILE`` is (the local stack does that; `make trace` draws them). With neither, no spans are recorded,
but trace ids are still propagated.

Of traces that begin here a share is recorded (``PHOTOMESH_TRACE_SHARE``), those that begin elsewhere as their
`traceparent` says; what fails is recorded always, by a span of its own.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from opentelemetry import context as contexts
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import Decision, ParentBased, Sampler, SamplingResult, TraceIdRatioBased
from opentelemetry.trace import Link, SpanKind, Status, StatusCode, TraceState
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.types import Attributes, AttributeValue

from photomesh_shared.settings import ServiceSettings

__all__ = ["configure", "extract", "failed", "flush", "inject", "sampled", "span", "tracer"]

_FAILED = "photomesh.failed"

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


class FailuresAlways(Sampler):
    """Records spans that are made because something failed, and of the others what another sampler does."""

    def __init__(self, others: Sampler) -> None:
        self._others = others

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        if attributes and attributes.get(_FAILED):
            return SamplingResult(Decision.RECORD_AND_SAMPLE, attributes, trace_state)
        return self._others.should_sample(parent_context, trace_id, name, kind, attributes, links, trace_state)

    def get_description(self) -> str:
        return f"FailuresAlways({self._others.get_description()})"


def configure(service: str, settings: ServiceSettings) -> None:
    exporters: list[SpanExporter] = []
    if settings.trace_file:
        exporters.append(FileSpanExporter(Path(settings.trace_file)))
    if os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"):
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        exporters.append(OTLPSpanExporter())
    if exporters:
        provider = TracerProvider(
            sampler=FailuresAlways(ParentBased(TraceIdRatioBased(settings.trace_share))),
            resource=Resource.create({"service.name": service, "deployment.environment.name": settings.env}),
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
    parent = _propagator.extract(headers) if "traceparent" in headers else Context()
    remote = trace.get_current_span(parent).get_span_context()
    links = [Link(remote)] if kind is SpanKind.CONSUMER and remote.is_valid else None
    current = tracer.start_span(name, parent, kind=kind, attributes=attributes, links=links)
    token = contexts.attach(trace.set_span_in_context(current))
    try:
        yield current
    except Exception as error:
        failed(name, error)
        raise
    finally:
        contexts.detach(token)
        current.end()


def sampled() -> bool:
    """Whether the current trace is recorded here."""
    return trace.get_current_span().is_recording()


def failed(
    name: str, error: BaseException | None = None, attributes: Mapping[str, AttributeValue] | None = None
) -> None:
    """Mark the current span as failed; if its trace is not recorded, record a span for the failure alone."""
    current = trace.get_current_span()
    if current.is_recording():
        if error is not None:
            current.record_exception(error)
        current.set_status(Status(StatusCode.ERROR))
        return
    own = tracer.start_span(name, attributes={_FAILED: True, **(attributes or {})})
    if error is not None:
        own.record_exception(error)
    own.set_status(Status(StatusCode.ERROR))
    own.end()


@contextmanager
def span(name: str, **attributes: AttributeValue) -> Iterator[trace.Span]:
    """Open a child span of the current one."""
    with tracer.start_as_current_span(name, attributes=attributes) as current:
        yield current

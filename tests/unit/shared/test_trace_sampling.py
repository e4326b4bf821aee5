"""Which spans are recorded: a share of the traces, and whatever failed."""

from __future__ import annotations

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import SpanKind, StatusCode

from photomesh_shared.observability import tracing
from photomesh_shared.observability.tracing import FailuresAlways

TRACE = "0af7651916cd43dd8448eb211c80319c"
SAMPLED, UNSAMPLED = ({"traceparent": f"00-{TRACE}-b7ad6b7169203331-{flag}"} for flag in ("01", "00"))


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    """What is recorded where no trace that begins here is sampled."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider(sampler=FailuresAlways(ParentBased(TraceIdRatioBased(0.0))))
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(tracing, "tracer", provider.get_tracer("test"))
    return exporter


def test_what_the_caller_samples_is_recorded(spans: InMemorySpanExporter) -> None:
    with tracing.extract(SAMPLED, "GET", kind=SpanKind.SERVER):
        assert tracing.sampled()
    [span] = spans.get_finished_spans()
    assert span.status.status_code is StatusCode.UNSET


@pytest.mark.parametrize("headers", [{}, UNSAMPLED], ids=["none", "unsampled"])
def test_other_traces_are_carried_on_and_not_recorded(spans: InMemorySpanExporter, headers: dict[str, str]) -> None:
    carried: dict[str, str] = {}
    with tracing.extract(headers, "GET", kind=SpanKind.CONSUMER):
        tracing.inject(carried)
        assert not tracing.sampled()
    assert not int(carried["traceparent"][-2:], 16) & 1
    assert not spans.get_finished_spans()


def test_a_failure_is_recorded_in_the_trace_that_is_not(spans: InMemorySpanExporter) -> None:
    with pytest.raises(ValueError, match="wrong"), tracing.extract(UNSAMPLED, "handle", kind=SpanKind.CONSUMER):
        raise ValueError("wrong")
    [span] = spans.get_finished_spans()
    assert (span.name, span.status.status_code) == ("handle", StatusCode.ERROR)
    assert span.context is not None
    assert f"{span.context.trace_id:032x}" == TRACE
    assert [event.name for event in span.events] == ["exception"]


def test_a_failure_without_an_exception_is_recorded_with_its_attributes(spans: InMemorySpanExporter) -> None:
    tracing.failed("GET /v1/feed", attributes={"http.response.status_code": 503})
    [span] = spans.get_finished_spans()
    assert span.attributes is not None
    assert span.attributes["http.response.status_code"] == 503


def test_a_recorded_span_that_fails_has_no_second_one(spans: InMemorySpanExporter) -> None:
    with pytest.raises(ValueError, match="wrong"), tracing.extract(SAMPLED, "handle", kind=SpanKind.CONSUMER):
        raise ValueError("wrong")
    [span] = spans.get_finished_spans()
    assert span.status.status_code is StatusCode.ERROR

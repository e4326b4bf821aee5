"""Traces: continued or begun."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from photomesh_gateway.traces import Traces

begin = Traces().begin
GIVEN = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def test_a_trace_that_is_given_goes_on() -> None:
    trace = begin("GET /", {b"traceparent": GIVEN, b"tracestate": b"vendor=1"})
    assert trace.trace_id == "0af7651916cd43dd8448eb211c80319c"
    assert trace.headers == {"traceparent": GIVEN.decode(), "tracestate": "vendor=1"}


def test_a_later_version_is_read_as_far_as_it_is_known() -> None:
    trace = begin("GET /", {b"traceparent": GIVEN.replace(b"00-", b"cc-", 1) + b"-what-the-future-brings"})
    assert trace.trace_id == "0af7651916cd43dd8448eb211c80319c"


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"nonsense",
        GIVEN.upper(),
        GIVEN.replace(b"00-", b"ff-", 1),
        b"00-" + b"0" * 32 + b"-b7ad6b7169203331-01",
        b"00-0af7651916cd43dd8448eb211c80319c-" + b"0" * 16 + b"-01",
        GIVEN[:-1],
        b" " + GIVEN,
    ],
)
def test_what_is_none_begins_another_and_its_state_ends(header: bytes) -> None:
    trace = begin("GET /", {b"traceparent": header, b"tracestate": b"vendor=1"})
    assert trace.trace_id != "0af7651916cd43dd8448eb211c80319c"
    assert trace.headers.keys() == {"traceparent"}
    assert re.fullmatch(rf"00-{trace.trace_id}-[0-9a-f]{{16}}-01", trace.headers["traceparent"])


def test_no_two_requests_share_a_trace() -> None:
    assert len({begin("GET /", {}).trace_id for _ in range(1000)}) == 1000


@given(st.binary(max_size=80))
def test_no_header_breaks_it(header: bytes) -> None:
    assert re.fullmatch("[0-9a-f]{32}", begin("GET /", {b"traceparent": header}).trace_id)

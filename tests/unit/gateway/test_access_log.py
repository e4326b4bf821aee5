"""The access log's lines are those that the logging module would write."""

from __future__ import annotations

import io
import json
import logging
from typing import Any

import pytest

from photomesh_gateway.access_log import AccessLog
from photomesh_gateway.proxy.exchange import Exchange


async def nobody(*_: Any) -> Any:
    raise AssertionError("not called")


def exchange(path: str) -> Exchange:
    done = Exchange({"type": "http", "method": "GET", "path": path, "headers": []}, nobody, nobody)
    done.request_id, done.trace_id, done.client = "req_1", "0af7651916cd43dd8448eb211c80319c", "192.0.2.1"
    done.status = 200
    return done


async def test_a_line(caplog: pytest.LogCaptureFixture) -> None:
    out = io.StringIO()
    with caplog.at_level(logging.INFO):
        log = AccessLog(out)
    done = exchange('/v1/photos/"quoted"\n\u00e9')
    log.write(done, "/v1/photos/{photo_id}", 0.01234)
    done.account_id, done.upstream_seconds = 2**62, 0.0102
    log.write(done, "/v1/photos/{photo_id}", 0.01234)
    assert out.getvalue() == ""  # many lines leave as one
    log.flush()
    first, second = (json.loads(line) for line in out.getvalue().splitlines())
    assert first.pop("time")
    assert first == {
        "level": "INFO",
        "logger": "photomesh.access",
        "message": 'GET /v1/photos/"quoted"\n\u00e9 200',
        "service": "gateway",
        "request_id": "req_1",
        "trace_id": "0af7651916cd43dd8448eb211c80319c",
        "route": "/v1/photos/{photo_id}",
        "status": 200,
        "ms": 12.3,
        "upstream_ms": None,
        "account_id": None,
        "client": "192.0.2.1",
    }
    assert (second["account_id"], second["upstream_ms"]) == (2**62, 10.2)


async def test_it_is_silent_where_the_logger_is(caplog: pytest.LogCaptureFixture) -> None:
    out = io.StringIO()
    with caplog.at_level(logging.WARNING):
        log = AccessLog(out)
    log.write(exchange("/"), "/", 0.1)
    log.flush()
    assert out.getvalue() == ""

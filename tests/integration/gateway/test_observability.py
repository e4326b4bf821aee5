"""What a gateway that runs by itself leaves behind: spans and log lines."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import httpx

from tests.integration.gateway.conftest import Environment
from tests.integration.gateway.stand_in import Service
from tests.support.services import process
from tests.support.tokens import free_port

TRACE, CALLER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


async def test_spans_and_log_lines_of_one_request_join(
    service_environment: Environment, service: Service, tmp_path: Path
) -> None:
    spans = tmp_path / "spans.jsonl"
    environment = {
        **service_environment("gateway"),
        "PHOTOMESH_POST_URL": service.url,
        "PHOTOMESH_TRACE_FILE": str(spans),
        "PHOTOMESH_TRACE_SHARE": "1",
        "PHOTOMESH_LOG_LEVEL": "info",
    }
    async with process("photomesh_gateway", environment, port=free_port()) as running:
        async with httpx.AsyncClient(base_url=running.url) as client:
            headers = {"traceparent": f"00-{TRACE}-{CALLER}-01", "Request-Id": "my-request-42"}
            assert (await client.get("/v1/photos/p_1?secret=1", headers=headers)).status_code == 200
            assert (await client.get("/v1/photos/p_2")).status_code == 200
        running.kill(signal.SIGTERM)
        await running.ended()
        output = running.output
    first, second = [json.loads(line) for line in spans.read_text().splitlines()]
    assert (first["trace_id"], first["parent_id"]) == (TRACE, CALLER)
    assert first["name"] == "GET /v1/photos/{photo_id}"
    assert first["attributes"] == {"http.response.status_code": 200, "request.id": "my-request-42"}
    assert second["parent_id"] is None
    for span, seen in zip((first, second), service.seen, strict=True):
        assert seen.header("traceparent") == f"00-{span['trace_id']}-{span['span_id']}-01"
    lines = [json.loads(line) for line in output.splitlines() if '"photomesh.access"' in line]
    (line,) = [line for line in lines if line["request_id"] == "my-request-42"]
    assert (line["trace_id"], line["route"], line["status"]) == (TRACE, "/v1/photos/{photo_id}", 200)
    assert line["client"] == "127.0.0.1"
    assert line["upstream_ms"] <= line["ms"]
    assert "secret" not in output

"""The API, fuzzed from its own OpenAPI document: whatever comes in, the answer is documented and never a 500."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance

from tests.support.declared import undeclared_headers

OPENAPI = Path(__file__).parents[2] / "gateway/src/photomesh_gateway/openapi.json"
CHECKS = [not_a_server_error, content_type_conformance, response_schema_conformance]

# A stream that begins does not end.
schema = schemathesis.openapi.from_path(OPENAPI).exclude(path="/v1/notifications/stream")


@pytest.fixture(scope="session")
def token(gateway_url: str) -> str:
    name = f"fuzz_{secrets.token_hex(6)}"
    account = {"username": name, "email": f"{name}@example.com", "password": "a password for the fuzzer"}
    answer = httpx.post(f"{gateway_url}/v1/accounts", json=account, timeout=30)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["access_token"])


@schema.parametrize()
@settings(max_examples=30, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_no_input_breaks_it(case: schemathesis.Case[Any], gateway_url: str, token: str) -> None:
    response = case.call(base_url=gateway_url, headers={"Authorization": f"Bearer {token}"}, timeout=30)
    case.validate_response(response, checks=CHECKS)
    assert not undeclared_headers(case.method, case.path, response.status_code, response.headers)
    if response.status_code >= 400:
        assert response.headers["content-type"][0].startswith("application/problem+json")

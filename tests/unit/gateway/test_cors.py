"""Calls from pages in browsers."""

from __future__ import annotations

import pytest

from photomesh_gateway.cors import Cors

PREFLIGHT = {b"origin": b"https://app.example", b"access-control-request-method": b"POST"}


def test_any_origin_by_default_and_never_credentials() -> None:
    headers = dict(Cors(["*"]).headers(b"https://app.example"))
    assert headers[b"access-control-allow-origin"] == b"*"
    assert b"access-control-allow-credentials" not in headers
    exposed = headers[b"access-control-expose-headers"].decode().split(", ")
    assert {"Request-Id", "RateLimit", "ETag", "Link", "Location", "Retry-After", "Idempotency-Replayed"} <= {*exposed}


def test_nothing_is_said_to_what_is_no_browser() -> None:
    assert Cors(["*"]).headers(None) == []


def test_listed_origins_only() -> None:
    cors = Cors(["https://app.example", "https://other.example"])
    assert dict(cors.headers(b"https://app.example"))[b"access-control-allow-origin"] == b"https://app.example"
    assert cors.headers(b"https://evil.example") == [(b"vary", b"origin")]
    assert cors.headers(None) == [(b"vary", b"origin")]  # a cache must not give this answer to a page


def test_a_preflight() -> None:
    headers = dict(Cors(["*"]).preflight("OPTIONS", PREFLIGHT) or [])
    assert b"PATCH" in headers[b"access-control-allow-methods"]
    assert b"Authorization" in headers[b"access-control-allow-headers"]
    assert b"Idempotency-Key" in headers[b"access-control-allow-headers"]


@pytest.mark.parametrize(
    ("method", "fields"),
    [
        ("GET", PREFLIGHT),
        ("OPTIONS", {b"origin": b"https://app.example"}),
        ("OPTIONS", {b"access-control-request-method": b"POST"}),
    ],
)
def test_what_is_no_preflight(method: str, fields: dict[bytes, bytes]) -> None:
    assert Cors(["*"]).preflight(method, fields) is None

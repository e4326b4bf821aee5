"""Reading problem documents in tests."""

from __future__ import annotations

from typing import Any

import httpx

__all__ = ["expect_problem"]


def expect_problem(answer: httpx.Response, status: int, code: str, *pointers: str) -> dict[str, Any]:
    """The problem, after making sure that it is this one, complete, and about these fields."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert body["code"] == code, body
    assert body["status"] == status
    assert body["type"].endswith(f"/problems/{code}")
    assert body["title"]
    assert body["request_id"] == answer.headers["request-id"]
    if pointers:
        assert {error["pointer"] for error in body["errors"]} == set(pointers), body
    return body

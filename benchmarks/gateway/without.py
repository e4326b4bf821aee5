"""A gateway without one of its parts, to see by the difference what that part costs.

``python -m benchmarks.gateway.without limits`` and so on; see `PARTS`.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import Any

from photomesh_gateway import __main__ as gateway
from photomesh_gateway import app
from photomesh_gateway.app import Gateway
from photomesh_gateway.ratelimit.limiter import RateLimiter
from photomesh_shared.auth import Principal

__all__ = ["PARTS"]

PARTS = {
    "limits": "rate limits, with their call to Redis",
    "token": "the token, verified before",
    "records": "metrics, and the access log",
}


async def _no_limits(*_: Any) -> list[tuple[bytes, bytes]]:
    return []


async def _anybody(*_: Any) -> Principal:
    return Principal(account_id=1, session_id=1, token_id="any", expires_at=datetime.max.replace(tzinfo=UTC))


def _nothing(*_: Any) -> None:
    """Stands in for what is left out."""


def main() -> None:
    match sys.argv[1]:
        case "limits":
            setattr(RateLimiter, "check", _no_limits)  # noqa: B010 — what a type checker would rightly refuse
        case "token":
            setattr(app, "principal_from_header", _anybody)  # noqa: B010
        case "records":
            setattr(Gateway, "_record", _nothing)  # noqa: B010
    gateway.main()


if __name__ == "__main__":
    main()

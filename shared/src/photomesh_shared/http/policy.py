"""What a public route declares about its callers. The gateway enforces it from the services' OpenAPI documents."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

__all__ = ["MAX_BODY", "POLICY", "Auth", "RateClass", "RoutePolicy"]

POLICY = "x-photomesh-policy"
"""The OpenAPI extension that holds an operation's policy."""

MAX_BODY = 16 * 1024
"""Bytes of a request body, unless the route declares otherwise."""


class Auth(StrEnum):
    """Whether a route takes an access token."""

    REQUIRED = "required"
    OPTIONAL = "optional"  # a token changes the answer; a bad one is refused all the same
    NONE = "none"  # the Authorization header is not read


class RateClass(StrEnum):
    """Classes of routes: each has a rate limit and a time-out of its own (`GET /v1/limits`)."""

    READ = "read"
    WRITE = "write"
    UPLOAD = "upload"
    AUTH = "auth"  # takes credentials: a strict limit by address, because the caller is not known yet


@dataclass(frozen=True)
class RoutePolicy:
    """`max_body` is in bytes. A POST that is `idempotent` takes an `Idempotency-Key`."""

    auth: Auth
    rate: RateClass
    idempotent: bool = False
    max_body: int = MAX_BODY

    def extension(self) -> dict[str, Any]:
        """The policy as a member of its OpenAPI operation."""
        return {POLICY: asdict(self)}

    @classmethod
    def of(cls, operation: dict[str, Any]) -> RoutePolicy:
        """The policy of an OpenAPI operation. Raises KeyError if it declares none."""
        declared = operation[POLICY]
        return cls(**declared | {"auth": Auth(declared["auth"]), "rate": RateClass(declared["rate"])})

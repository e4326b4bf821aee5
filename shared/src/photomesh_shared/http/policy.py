"""Policies of public routes. The gateway reads them from the services' OpenAPI documents and enforces them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from photomesh_shared.tokens.roles import Role
from photomesh_shared.tokens.scopes import Scope

__all__ = ["MAX_BODY", "POLICY", "Auth", "Budget", "RateClass", "RoutePolicy"]

POLICY = "x-photomesh-policy"
"""The OpenAPI extension that holds an operation's policy."""

MAX_BODY = 16 * 1024
"""Bytes of a request body, unless the route declares otherwise."""


class Auth(StrEnum):
    """Whether a route takes an access token."""

    REQUIRED = "required"
    OPTIONAL = "optional"  # a token changes the response; an invalid one is refused
    STAFF = "staff"  # a token of a session, of an account with the route's role
    NONE = "none"  # the Authorization header is not read


class RateClass(StrEnum):
    """Classes of routes, each with its own rate limit and time-out (`GET /v1/limits`)."""

    READ = "read"
    WRITE = "write"
    UPLOAD = "upload"
    AUTH = "auth"  # takes credentials: a strict limit per address, because the caller is not authenticated yet
    SEARCH = "search"  # a read that costs several calls, and comes with every letter that somebody types
    REFRESH = "refresh"  # takes a refresh token: per address too, but that of a carrier has thousands of sessions
    STREAM = (
        "stream"  # answers for as long as the client listens: only silence ends it, and it takes no request's place
    )


class Budget(StrEnum):
    """Kinds of requests whose effect is kept. An account, and an address, may make so many in a day."""

    REGISTRATIONS = "registrations"
    LOGINS = "logins"
    UPLOADS = "uploads"
    RECORDS = "records"  # posts, comments, collections, and changes of them
    TOGGLES = "toggles"  # likes, saves, follows, blocks, mutes; their opposites follow from them, and are free
    IMPRESSIONS = "impressions"
    EXPORTS = "exports"
    WEBHOOKS = "webhooks"  # new ones, changes, tests, replays


@dataclass(frozen=True)
class RoutePolicy:
    """`max_body` is in bytes. A POST that is `idempotent` takes an `Idempotency-Key`."""

    auth: Auth
    rate: RateClass
    idempotent: bool = False
    max_body: int = MAX_BODY
    budget: Budget | None = None
    scope: Scope | None = None
    """What a personal access token needs; None: it needs a session, or no token."""
    role: Role | None = None
    """What staff needs; only with `Auth.STAFF`."""

    def extension(self) -> dict[str, Any]:
        """Return the policy as an extension of its OpenAPI operation."""
        return {POLICY: asdict(self)}

    @classmethod
    def of(cls, operation: dict[str, Any]) -> RoutePolicy:
        """Return the policy of an OpenAPI operation. Raises KeyError if it declares none."""
        declared = operation[POLICY]
        kinds = {
            "auth": Auth(declared["auth"]),
            "rate": RateClass(declared["rate"]),
            "budget": Budget(declared["budget"]) if declared.get("budget") else None,
            "scope": Scope(declared["scope"]) if declared.get("scope") else None,
            "role": Role(declared["role"]) if declared.get("role") else None,
        }
        return cls(**declared | kinds)

"""The internal API of identity."""

from __future__ import annotations

from pydantic import Field

from photomesh_shared.ids import SessionId, UserId
from photomesh_shared.internal_api.operation import InternalModel, Operation
from photomesh_shared.internal_api.states import AccountPage, AccountPageQuery

__all__ = [
    "EXCHANGE_TOKEN",
    "LIST_ACCOUNTS",
    "LIST_OPEN_SESSIONS",
    "ExchangedToken",
    "OpenSessions",
    "SessionsQuery",
    "TokenExchange",
]


class TokenExchange(InternalModel):
    token: str = Field(max_length=100, description="A personal access token.")


class ExchangedToken(InternalModel):
    access_token: str | None = Field(description="Null if the token is unknown, has expired, or was revoked.")
    expires_in: int = Field(description="Seconds.")


EXCHANGE_TOKEN = Operation(
    "POST", "/internal/tokens/exchange", ExchangedToken, body=TokenExchange, callers=frozenset({"gateway"})
)
"""A short-lived access token with the scopes of a personal access token."""

LIST_ACCOUNTS = Operation(
    "GET",
    "/internal/accounts",
    AccountPage,
    query=AccountPageQuery,
    callers=frozenset({"post-consumer", "social-graph-consumer", "feed-consumer"}),
)
"""All accounts, page by page, for services that compare their copies with them."""


class SessionsQuery(InternalModel):
    account_id: UserId
    session_ids: list[SessionId] = Field(max_length=100)


class OpenSessions(InternalModel):
    session_ids: list[SessionId]


LIST_OPEN_SESSIONS = Operation(
    "POST", "/internal/sessions/open", OpenSessions, body=SessionsQuery, callers=frozenset({"notification-push"})
)
"""Those of an account's sessions that have not ended: by a log-out, a revocation, or in time."""

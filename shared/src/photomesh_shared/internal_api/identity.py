"""The internal API of identity."""

from __future__ import annotations

from pydantic import Field

from photomesh_shared.internal_api.operation import InternalModel, Operation
from photomesh_shared.internal_api.states import AccountPage, AccountPageQuery

__all__ = ["EXCHANGE_TOKEN", "LIST_ACCOUNTS", "ExchangedToken", "TokenExchange"]


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

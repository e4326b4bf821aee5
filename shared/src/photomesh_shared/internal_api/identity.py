"""The internal API of identity."""

from __future__ import annotations

from pydantic import Field

from photomesh_shared.internal_api.operation import InternalModel, Operation

__all__ = ["EXCHANGE_TOKEN", "ExchangedToken", "TokenExchange"]


class TokenExchange(InternalModel):
    token: str = Field(max_length=100, description="A personal access token.")


class ExchangedToken(InternalModel):
    access_token: str | None = Field(description="Null if the token is unknown, has expired, or was revoked.")
    expires_in: int = Field(description="Seconds.")


EXCHANGE_TOKEN = Operation(
    "POST", "/internal/tokens/exchange", ExchangedToken, body=TokenExchange, callers=frozenset({"gateway"})
)
"""A short-lived access token with the scopes of a personal access token."""

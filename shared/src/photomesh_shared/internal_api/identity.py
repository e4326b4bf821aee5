"""The internal API of identity."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from photomesh_shared.ids import SessionId, UserId, WebhookId
from photomesh_shared.internal_api.operation import InternalModel, Operation
from photomesh_shared.internal_api.states import AccountPage, AccountPageQuery

__all__ = [
    "EXCHANGE_TOKEN",
    "FIND_BY_NAME",
    "LIST_ACCOUNTS",
    "LIST_OPEN_SESSIONS",
    "LIST_STAFF_ROLES",
    "RECORD_WEBHOOK_ACTION",
    "ActionRecorded",
    "ExchangedToken",
    "NameQuery",
    "NamedAccount",
    "NamedAccounts",
    "OpenSessions",
    "SessionsQuery",
    "StaffRoles",
    "StaffRolesQuery",
    "TokenExchange",
    "WebhookAction",
]


class TokenExchange(InternalModel):
    token: str = Field(max_length=100, description="A personal access token.")


class ExchangedToken(InternalModel):
    access_token: str | None = Field(description="Null if the token is unknown, has expired, or was revoked.")
    expires_in: int = Field(description="Seconds.")


class NameQuery(InternalModel):
    username: str = Field(max_length=100)


class NamedAccount(InternalModel):
    """An account that is there for others."""

    id: UserId
    username: str
    display_name: str
    avatar_url: str | None


class NamedAccounts(InternalModel):
    """One account, or none: of this name, not deactivated, and searchable."""

    accounts: list[NamedAccount]


FIND_BY_NAME = Operation(
    "POST", "/internal/accounts/by-name", NamedAccounts, body=NameQuery, callers=frozenset({"search"})
)
"""The account of exactly this name, while there is no index or it is blocked by who searches."""

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


class StaffRolesQuery(InternalModel):
    account_id: UserId


class StaffRoles(InternalModel):
    roles: list[str] = Field(description="Those that count now: of an account with a second factor or a passkey.")


LIST_STAFF_ROLES = Operation(
    "POST", "/internal/staff/roles", StaffRoles, body=StaffRolesQuery, callers=frozenset({"webhook-sender"})
)
"""The roles of staff that an account has now, for what goes on without a token."""


class WebhookAction(InternalModel):
    staff_id: UserId
    action: Literal["webhook_created", "webhook_changed"]
    webhook_id: WebhookId


class ActionRecorded(InternalModel):
    allowed: bool = Field(description="False if the account is no administrator any more; then nothing is recorded.")


RECORD_WEBHOOK_ACTION = Operation(
    "POST", "/internal/staff/webhook-actions", ActionRecorded, body=WebhookAction, callers=frozenset({"webhook"})
)
"""An entry of the audit log: an administrator makes or changes a webhook of everybody's events. Before it happens."""

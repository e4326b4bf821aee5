"""Request and response models of personal access tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, Field

from photomesh_identity.http.credential_schemas import CredentialName, PasswordConfirmation
from photomesh_identity.personal_tokens.domain import MAX_DAYS, PersonalToken
from photomesh_shared.events import UtcTime
from photomesh_shared.http.schemas import examples
from photomesh_shared.ids import TokenId
from photomesh_shared.tokens.scopes import Scope

__all__ = ["PersonalTokenCreate", "PersonalTokenView", "PersonalTokens", "TokenCreated"]

_TOKEN: dict[str, Any] = {
    "id": "tk_8aB3x9Q2",
    "name": "Backup",
    "scopes": ["photos:read", "posts:read"],
    "created_at": "2026-11-21T10:00:00Z",
    "expires_at": "2027-02-19T10:00:00Z",
    "used_at": None,
}


class PersonalTokenCreate(PasswordConfirmation):
    """A new token, and the proof that the owner asks for it."""

    model_config = examples(
        {
            "name": "Backup",
            "scopes": ["posts:read", "photos:read"],
            "expires_in_days": 90,
            "password": "correct horse battery",
        }
    )

    name: CredentialName
    scopes: list[Scope] = Field(min_length=1, max_length=len(Scope))
    expires_in_days: int = Field(90, ge=1, le=MAX_DAYS)


class PersonalTokenView(BaseModel):
    """A token, as its owner sees it later."""

    model_config = examples(_TOKEN)

    id: TokenId
    name: str
    scopes: list[str]
    created_at: UtcTime
    expires_at: UtcTime
    used_at: UtcTime | None = Field(description="The hour in which it was last used.")

    @classmethod
    def of(cls, token: PersonalToken) -> PersonalTokenView:
        return cls(**_members(token))


class TokenCreated(PersonalTokenView):
    """A new token."""

    model_config = examples({**_TOKEN, "token": "pt_0x8mC2b1…"})

    token: str = Field(description="Keep it: it is not shown again.")

    @classmethod
    def of_token(cls, token: PersonalToken, text: str) -> TokenCreated:
        return cls(**_members(token), token=text)


class PersonalTokens(BaseModel):
    """All tokens of an account."""

    model_config = examples({"items": [_TOKEN]})

    items: list[PersonalTokenView]

    @classmethod
    def of(cls, tokens: Sequence[PersonalToken]) -> PersonalTokens:
        return cls(items=[PersonalTokenView.of(token) for token in tokens])


def _members(token: PersonalToken) -> dict[str, Any]:
    return {
        "id": token.id,
        "name": token.name,
        "scopes": sorted(token.scopes),
        "created_at": token.created_at,
        "expires_at": token.expires_at,
        "used_at": token.used_at,
    }

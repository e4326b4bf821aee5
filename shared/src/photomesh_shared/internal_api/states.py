"""States that services write through to one another ahead of their events, so that a restrictive change takes effect
before it is acknowledged. Each has the version of the event, so the later event changes nothing."""

from __future__ import annotations

from pydantic import Field

from photomesh_shared.events.accounts import ACTIVE, EVERYBODY
from photomesh_shared.ids import MAX_ID, UserId
from photomesh_shared.internal_api.operation import InternalModel

__all__ = ["AccountState", "RelationState", "RelationStates", "StoredAccount", "StoredRelations"]


class AccountState(InternalModel):
    """An account at a version, as its event has it."""

    version: int = Field(ge=1, le=MAX_ID)
    username: str = Field(max_length=100)
    display_name: str = Field(max_length=200)
    avatar_url: str | None = Field(max_length=2_000)
    private: bool
    status: str = Field(ACTIVE, max_length=30)
    mentionable_by: str = Field(EVERYBODY, max_length=30)


class StoredAccount(InternalModel):
    version: int = Field(description="The version that is stored now: at least the given one.")


class RelationState(InternalModel):
    """What an account does to another one, at a version of the pair."""

    account_id: UserId
    other_id: UserId
    version: int = Field(ge=1, le=MAX_ID)
    follows: bool
    blocks: bool


class RelationStates(InternalModel):
    relations: list[RelationState] = Field(max_length=2)


class StoredRelations(InternalModel):
    stored: int = Field(description="How many relations are stored now, at the given versions or later ones.")

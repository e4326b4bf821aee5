"""States that services write through to one another ahead of their events, so that a restrictive change takes effect
before it is acknowledged. Each has the version of the event, so the later event changes nothing."""

from __future__ import annotations

from typing import NamedTuple

from pydantic import Field

from photomesh_shared.events.accounts import ACTIVE, EVERYBODY
from photomesh_shared.ids import MAX_ID, UserId
from photomesh_shared.internal_api.operation import InternalModel

__all__ = [
    "MAX_STATES",
    "AccountPage",
    "AccountPageQuery",
    "AccountState",
    "OwnedAccount",
    "OwnedPair",
    "PairPage",
    "PairPageQuery",
    "RelationState",
    "RelationStates",
    "StoredAccount",
    "StoredRelations",
]

MAX_STATES = 1_000
"""Maximum number of states per page, in which an owner gives all that it has to services with copies."""


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


class AccountPageQuery(InternalModel):
    after: int = Field(0, ge=0, le=MAX_ID, description="Only ids above this one.")
    limit: int = Field(500, ge=1, le=MAX_STATES)


class OwnedAccount(NamedTuple):
    """An account as its owner has it: what `AccountState` says, with the id."""

    account_id: int
    version: int
    username: str
    display_name: str
    avatar_url: str | None
    private: bool
    status: str
    mentionable_by: str


class AccountPage(InternalModel):
    """The next accounts by id. Fewer than the limit: there are no more."""

    accounts: list[OwnedAccount]
    total: int = Field(description="How many accounts there are, roughly.")


class PairPageQuery(InternalModel):
    after_account: int = Field(0, ge=0, le=MAX_ID, description="Only pairs after this account and ...")
    after_other: int = Field(0, ge=0, le=MAX_ID, description="... this other one.")
    limit: int = Field(500, ge=1, le=MAX_STATES)


class OwnedPair(NamedTuple):
    """What an account does to another one, as its owner has it. All False: what was between them has ended."""

    account_id: int
    other_id: int
    version: int
    follows: bool
    blocks: bool
    mutes: bool


class PairPage(InternalModel):
    """The next pairs by both ids. Fewer than the limit: there are no more."""

    pairs: list[OwnedPair]
    total: int = Field(description="How many pairs there are, roughly.")

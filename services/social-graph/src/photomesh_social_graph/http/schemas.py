"""Request and response models."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from photomesh_shared.http.schemas import Url, examples
from photomesh_shared.ids import UserId
from photomesh_social_graph import domain

__all__ = ["ListedAccount", "Relationship", "Relationships"]


_RELATIONSHIP: dict[str, Any] = {
    "user_id": "u_8aB3x9Q2",
    "following": True,
    "requested": False,
    "followed_by": False,
    "requested_by": False,
    "blocking": False,
    "muting": False,
}


class Relationship(BaseModel):
    """Your relationship to an account."""

    model_config = examples(_RELATIONSHIP)

    user_id: UserId
    following: bool = Field(description="You follow it.")
    requested: bool = Field(description="Your follow request is pending.")
    followed_by: bool = Field(description="It follows you.")
    requested_by: bool = Field(description="Its follow request is pending.")
    blocking: bool = Field(description="You block it.")
    muting: bool = Field(description="You mute it.")

    @classmethod
    def of(cls, user_id: int, relation: domain.Relation) -> Relationship:
        return cls(
            user_id=user_id,
            following=relation.following,
            requested=relation.requested,
            followed_by=relation.followed_by,
            requested_by=relation.requested_by,
            blocking=relation.blocking,
            muting=relation.muting,
        )


class Relationships(BaseModel):
    """One item per account, in the order of the query."""

    model_config = examples({"items": [_RELATIONSHIP]})

    items: list[Relationship]


class ListedAccount(BaseModel):
    """An account in a list."""

    model_config = examples(
        {
            "id": "u_8aB3x9Q2",
            "username": "ada",
            "display_name": "Ada Lovelace",
            "avatar_url": "http://127.0.0.1:18080/variants/avatars/u_8aB3x9Q2/kQ3v/150.jpg",
            "private": False,
        }
    )

    id: UserId
    username: str
    display_name: str
    avatar_url: Url | None = Field(description="150 pixels.")
    private: bool

    @classmethod
    def of(cls, account: domain.Account) -> ListedAccount:
        return cls(
            id=account.id,
            username=account.username,
            display_name=account.display_name,
            avatar_url=account.avatar_url,
            private=account.private,
        )

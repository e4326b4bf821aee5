"""Responses about likes."""

from __future__ import annotations

from pydantic import BaseModel, Field

from photomesh_post.counts.domain import Reactions
from photomesh_shared.http.schemas import examples

__all__ = ["LikeState"]


class LikeState(BaseModel):
    """Whether you like it, and how many people do."""

    model_config = examples({"liked": True, "like_count": 16})

    liked: bool
    like_count: int = Field(description="Includes this change at once.")

    @classmethod
    def of(cls, reactions: Reactions) -> LikeState:
        return cls(liked=bool(reactions.liked), like_count=reactions.likes)

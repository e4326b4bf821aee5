"""Responses about likes."""

from __future__ import annotations

from pydantic import BaseModel, Field

from photomesh_post.counts.domain import Reactions
from photomesh_post.http.schemas.common import example

__all__ = ["LikeOut"]


class LikeOut(BaseModel):
    """Whether you like it, and how many people do."""

    model_config = example({"liked": True, "like_count": 16})

    liked: bool
    like_count: int = Field(description="Includes this change at once.")

    @classmethod
    def of(cls, reactions: Reactions) -> LikeOut:
        return cls(liked=bool(reactions.liked), like_count=reactions.likes)

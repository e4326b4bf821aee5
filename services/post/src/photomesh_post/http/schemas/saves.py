"""Requests and responses about collections."""

from __future__ import annotations

from pydantic import BaseModel, Field

from photomesh_post.http.schemas.posts import PostPhoto
from photomesh_post.saves.domain import MAX_NAME, CollectionView
from photomesh_shared.events import UtcTime
from photomesh_shared.http.schemas import RequestBody, examples
from photomesh_shared.ids import CollectionId, timestamp_of

__all__ = ["Collection", "CollectionName"]


class CollectionName(RequestBody):
    """The name of a collection."""

    model_config = examples({"name": "Lakes"})

    name: str = Field(
        description="White space around it is removed. Two collections may have the same name.",
        json_schema_extra={"minLength": 1, "maxLength": MAX_NAME},
    )


class Collection(BaseModel):
    """A collection of saved posts. Only its owner sees it."""

    model_config = examples(
        {"id": "k_SH40PZqk9s", "name": "Lakes", "post_count": 0, "cover": None, "created_at": "2026-11-21T10:25:00Z"}
    )

    id: CollectionId
    name: str
    post_count: int = Field(description="Includes posts that are hidden from you or deleted by now.")
    cover: PostPhoto | None = Field(description="The first photo of the post that was added last.")
    created_at: UtcTime

    @classmethod
    def of(cls, view: CollectionView, cdn_url: str) -> Collection:
        return cls(
            id=view.collection.id,
            name=view.collection.name,
            post_count=view.collection.posts,
            cover=PostPhoto.of(view.cover, cdn_url) if view.cover else None,
            created_at=timestamp_of(view.collection.id),
        )

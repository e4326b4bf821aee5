"""Responses about photos."""

from __future__ import annotations

from pydantic import BaseModel, Field

from photomesh_post.http.schemas.common import CAPTION, READY_PHOTO, Reason, variant_urls
from photomesh_post.photos.domain import PhotoStatus, PhotoView
from photomesh_shared import events
from photomesh_shared.events import CameraTime, UtcTime
from photomesh_shared.http.schemas import Url, examples
from photomesh_shared.ids import PhotoId, PostId, UserId

__all__ = ["Photo"]


class PhotoMetadata(BaseModel):
    """The camera's metadata. Locations are never shown."""

    camera_make: str | None
    camera_model: str | None
    lens: str | None
    taken_at: CameraTime | None
    focal_length_mm: float | None
    aperture: float | None = Field(description="The f-number.")
    exposure: str | None = Field(description="In seconds, such as 1/250.")
    iso: int | None


class Photo(BaseModel):
    """A photo. Sizes, dimensions and metadata are null until it is ready."""

    model_config = examples(
        {
            "id": "p_8aB3x9Q2",
            "owner_id": "u_7fK2m1Zt",
            "post_id": "o_9xQ4w2Lr",
            "caption": CAPTION,
            "status": "ready",
            "reason": None,
            "purpose": "post",
            **READY_PHOTO,
            "metadata": events.PhotoReady.example().metadata.model_dump(mode="json"),
            "created_at": "2026-11-21T10:10:00Z",
        }
    )

    id: PhotoId
    owner_id: UserId
    post_id: PostId | None = Field(description="The post that it is in.")
    caption: str | None = Field(description="That post's.")
    status: str = Field(description="`processing`, then `ready`, `rejected` or `failed`. More may be added.")
    reason: Reason | None = Field(description="Why it was rejected or failed.")
    purpose: str = Field(description="`post`, or `story`: no post can have it. More may be added.")
    width: int | None = Field(description="Of the original, upright.")
    height: int | None
    placeholder: str | None = Field(description="A ThumbHash in base64, to show while a size is loading.")
    variants: dict[str, Url] | None = Field(
        description="URLs by size: the longer side has at most that many pixels. Cacheable for ever. Null for photos "
        "for stories, which are private."
    )
    alt_text: str | None
    metadata: PhotoMetadata | None
    created_at: UtcTime

    @classmethod
    def of(cls, view: PhotoView, cdn_url: str) -> Photo:
        photo, post = view.photo, view.post
        ready = photo.status is PhotoStatus.READY
        return cls(
            id=photo.id,
            owner_id=photo.owner_id,
            post_id=post.id if post else None,
            caption=post.caption if post else None,
            status=photo.status,
            reason=Reason.of(photo.reason) if photo.status.is_unusable else None,
            purpose=photo.purpose,
            width=photo.width if ready else None,
            height=photo.height if ready else None,
            placeholder=photo.placeholder if ready else None,
            variants=variant_urls(photo.variants, cdn_url) if ready and photo.is_for_posts else None,
            alt_text=post.alt_text if post else None,
            metadata=PhotoMetadata(**view.metadata.model_dump()) if view.metadata and ready else None,
            created_at=photo.created_at,
        )

"""Photos, and who may see one. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from photomesh_shared.events import FOR_POSTS, PhotoMetadata, Reason, Variant

__all__ = ["Photo", "PhotoPost", "PhotoStatus", "PhotoView", "may_see"]


class PhotoStatus(StrEnum):
    PROCESSING = "processing"
    READY = "ready"
    REJECTED = "rejected"
    FAILED = "failed"

    @property
    def is_final(self) -> bool:
        return self is not PhotoStatus.PROCESSING

    @property
    def is_unusable(self) -> bool:
        return self in (PhotoStatus.REJECTED, PhotoStatus.FAILED)


@dataclass(frozen=True)
class Photo:
    """A photo as far as its events have arrived. They come in any order, so all but the owner may be missing for a
    moment."""

    id: int
    owner_id: int
    status: PhotoStatus
    created_at: datetime
    deleted: bool = False
    reason: Reason | None = None
    width: int | None = None
    height: int | None = None
    placeholder: str | None = None
    variants: tuple[Variant, ...] = ()
    raw_bucket: str | None = None
    raw_key: str | None = None
    erased: bool = False
    """Whether its objects are gone, and no cache has them."""
    purpose: str = FOR_POSTS

    @property
    def is_for_posts(self) -> bool:
        """Whether a post may have it. If not, another service decides what becomes of it, and its sizes are private."""
        return self.purpose == FOR_POSTS


@dataclass(frozen=True)
class PhotoPost:
    """What a photo's own page shows of the post that the photo belongs to."""

    id: int
    caption: str
    alt_text: str | None
    published: bool


@dataclass(frozen=True)
class PhotoView:
    """A photo as a viewer sees it. `post` is None as long as the photo belongs to none, or to one that failed."""

    photo: Photo
    metadata: PhotoMetadata | None
    post: PhotoPost | None


def may_see(viewer_id: int | None, photo: Photo, post: PhotoPost | None, *, sees_owner: bool) -> bool:
    """Owners see their photos in every state, others those that are ready and in a published post.

    `sees_owner`: whether the viewer sees what the owner publishes.
    """
    if photo.deleted:
        return False
    if photo.owner_id == viewer_id:
        return True
    return sees_owner and photo.status is PhotoStatus.READY and post is not None and post.published

"""Posts and their rules. Pure: no clock, no I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from photomesh_post.accounts.domain import Author, Standing
from photomesh_post.counts.domain import NO_REACTIONS, Reactions
from photomesh_post.photos.domain import Photo, PhotoStatus
from photomesh_post.texts.domain import hashtags_of, usernames_of
from photomesh_shared.events import Place, PostPhoto, Reason, TextEntities, Variant

__all__ = [
    "Claim",
    "Failure",
    "Post",
    "PostPhotoView",
    "PostRef",
    "PostStatus",
    "PostView",
    "VisiblePost",
    "may_see",
    "next_version",
    "outcome",
    "photo_views",
]


class PostStatus(StrEnum):
    PROCESSING = "processing"
    PUBLISHED = "published"
    FAILED = "failed"


@dataclass(frozen=True)
class Claim:
    """A photo belongs to a post. `fingerprint` is the draft's, so that a repeated request finds its own post."""

    post_id: int
    fingerprint: str


@dataclass(frozen=True)
class Post:
    """`version` is that of the latest event. `photos` are those that were published; empty before. `entities` are those
    of the caption, with hashtags and mentions repeated in lists of their own."""

    id: int
    author_id: int
    version: int
    status: PostStatus
    photo_ids: tuple[int, ...]
    caption: str
    hashtags: tuple[str, ...]
    mentions: tuple[str, ...]
    place: Place | None
    alt_texts: Mapping[int, str]
    created_at: datetime
    edited_at: datetime | None = None
    published_at: datetime | None = None
    reason: Reason | None = None
    photos: tuple[PostPhoto, ...] = ()
    entities: TextEntities = field(default_factory=TextEntities)
    deleted: bool = False

    def captioned(self, caption: str, entities: TextEntities) -> Post:
        """The post with this caption."""
        hashtags, mentions = hashtags_of(entities), usernames_of(entities)
        return replace(self, caption=caption, entities=entities, hashtags=hashtags, mentions=mentions)

    @property
    def is_live(self) -> bool:
        """Whether it keeps its photos from being in another post."""
        return not self.deleted and self.status is not PostStatus.FAILED

    @property
    def is_published(self) -> bool:
        return not self.deleted and self.status is PostStatus.PUBLISHED


@dataclass(frozen=True)
class PostRef:
    """A post in its author's list."""

    id: int
    status: PostStatus


class VisiblePost(NamedTuple):
    """A post that the viewer may see, and its author."""

    post: Post
    author: Author


@dataclass(frozen=True)
class PostPhotoView:
    """A photo as its post shows it."""

    id: int
    status: PhotoStatus
    alt_text: str | None
    reason: Reason | None = None
    width: int | None = None
    height: int | None = None
    placeholder: str | None = None
    variants: tuple[Variant, ...] = ()


@dataclass(frozen=True)
class PostView:
    """A post as a viewer sees it."""

    post: Post
    author: Author
    photos: tuple[PostPhotoView, ...]
    reactions: Reactions = NO_REACTIONS


@dataclass(frozen=True)
class Failure:
    """Why a post cannot be published."""

    photo_id: int
    reason: Reason


_TAKEN = Reason(
    code="photo-in-use",
    message="A photo of this post went into another post.",
    fix="Look at your other posts, or upload the photo again.",
    retryable=False,
)
_GONE = Reason(
    code="photo-deleted",
    message="A photo of this post was deleted.",
    fix="Upload the photo again.",
    retryable=False,
)


def outcome(
    post: Post, photos: Sequence[Photo | None], claims: Sequence[Claim]
) -> tuple[PostPhoto, ...] | Failure | None:
    """Decides a processing post: its photos as they are published, a failure, or None as long as photos are
    processing. `photos` and `claims` are in the post's order."""
    ready = []
    for photo_id, photo, claim in zip(post.photo_ids, photos, claims, strict=True):
        if claim.post_id != post.id:
            return Failure(photo_id, _TAKEN)
        if photo is None:
            continue
        if photo.deleted:
            return Failure(photo_id, _GONE)
        if photo.status.is_unusable:
            assert photo.reason is not None
            return Failure(photo_id, photo.reason)
        if photo.status is PhotoStatus.READY:
            assert photo.width is not None
            assert photo.height is not None
            assert photo.placeholder is not None
            ready.append(
                PostPhoto(
                    photo_id=photo_id,
                    width=photo.width,
                    height=photo.height,
                    placeholder=photo.placeholder,
                    variants=photo.variants,
                    alt_text=post.alt_texts.get(photo_id),
                )
            )
    return tuple(ready) if len(ready) == len(post.photo_ids) else None


def may_see(post: Post | None, author: Author, standing: Standing) -> bool:
    """Authors see their posts in every state, others those that are published by an author whom they may see."""
    if post is None or post.deleted or not standing.sees(author):
        return False
    return standing.own or post.is_published


def next_version(post: Post, now_us: int) -> int:
    """The version of a post's next event: the time in microseconds, and above the last whatever the clocks say."""
    return max(now_us, post.version + 1)


def photo_views(post: Post, photos: Mapping[int, Photo]) -> tuple[PostPhotoView, ...]:
    """The photos of a post in its order. `photos` are needed by id unless the post is published: a published post
    keeps its photos as they were then."""
    if post.status is PostStatus.PUBLISHED:
        return tuple(
            PostPhotoView(
                id=photo.photo_id,
                status=PhotoStatus.READY,
                alt_text=post.alt_texts.get(photo.photo_id),
                width=photo.width,
                height=photo.height,
                placeholder=photo.placeholder,
                variants=photo.variants,
            )
            for photo in post.photos
        )
    return tuple(_photo_view(key, photos.get(key), post.alt_texts.get(key)) for key in post.photo_ids)


def _photo_view(photo_id: int, photo: Photo | None, alt_text: str | None) -> PostPhotoView:
    if photo is None or photo.status is not PhotoStatus.READY or photo.deleted:
        status = photo.status if photo else PhotoStatus.PROCESSING
        return PostPhotoView(photo_id, status, alt_text, photo.reason if photo else None)
    return PostPhotoView(
        photo_id, photo.status, alt_text, None, photo.width, photo.height, photo.placeholder, photo.variants
    )

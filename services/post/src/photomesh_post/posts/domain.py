"""Photos, posts, and their rules. Pure: no clock, no I/O."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from photomesh_post.errors import TooManyPhotos
from photomesh_post.posts.captions import Caption
from photomesh_shared.errors import FieldError, InvalidRequest
from photomesh_shared.events import PhotoMetadata, Place, PostPhoto, Reason, Variant
from photomesh_shared.ids import encode

__all__ = [
    "MAX_PHOTOS",
    "OWN",
    "STRANGER",
    "Author",
    "Changes",
    "Claim",
    "Draft",
    "Failure",
    "Listed",
    "Month",
    "MonthCount",
    "Photo",
    "PhotoStatus",
    "PhotoView",
    "Post",
    "PostRef",
    "PostStatus",
    "PostView",
    "Reactions",
    "ShownPhoto",
    "Standing",
    "may_see",
    "next_version",
    "outcome",
]

MAX_PHOTOS = 10


class PhotoStatus(StrEnum):
    PROCESSING = "processing"
    READY = "ready"
    REJECTED = "rejected"
    FAILED = "failed"

    @property
    def is_final(self) -> bool:
        return self is not PhotoStatus.PROCESSING


class PostStatus(StrEnum):
    PROCESSING = "processing"
    PUBLISHED = "published"
    FAILED = "failed"


@dataclass(frozen=True)
class Photo:
    """What is known of a photo. Events come in any order, so everything but the owner may be missing for a moment."""

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


@dataclass(frozen=True)
class Author:
    """Of an account, what its posts show. `private` also as long as nothing is known of the account."""

    id: int
    username: str | None = None
    display_name: str | None = None
    avatar_url: str | None = None
    private: bool = True


@dataclass(frozen=True)
class Standing:
    """How a viewer stands to an account. `blocked`: one of the two has blocked the other, no matter who."""

    own: bool = False
    follows: bool = False
    blocked: bool = False

    def sees(self, author: Author) -> bool:
        """The rule of who sees what an account shows."""
        return self.own or (not self.blocked and (self.follows or not author.private))


OWN, STRANGER = Standing(own=True), Standing()


@dataclass(frozen=True)
class Claim:
    """That a photo belongs to a post. `fingerprint` is of the draft, so that a repeated request finds its own post."""

    post_id: int
    fingerprint: str


@dataclass(frozen=True)
class Post:
    """`version` is that of its latest event. `photos` is what was published; empty before."""

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
    deleted: bool = False

    @property
    def is_live(self) -> bool:
        """Whether it keeps its photos from being in another post."""
        return not self.deleted and self.status is not PostStatus.FAILED


@dataclass(frozen=True)
class PostRef:
    """A post in its author's list."""

    id: int
    status: PostStatus


@dataclass(frozen=True)
class Month:
    """A month (202611) in which an author has posts. `published` is None until somebody has counted them."""

    number: int
    published: int | None


@dataclass(frozen=True)
class Listed:
    """Of one month of an author: the published posts among the rows that were read, newest first."""

    published: tuple[int, ...] = ()
    whole: bool = True
    """Whether those were all rows of the month."""


@dataclass(frozen=True)
class MonthCount:
    """How many of some listed posts are published, and how far they had come when they were counted.

    A listed post only ever moves on: processing, failed or published, deleted. So the sum of their places in this row
    grows with every change, and of two counts of one list the one with the larger `progress` is the later; no
    clock and no lock is needed to tell.
    """

    published: int
    progress: int

    @classmethod
    def of(cls, statuses: Iterable[PostStatus | None]) -> MonthCount:
        """`statuses` of all posts in the list; None for one that is deleted."""
        places = [_PLACES[status] for status in statuses]
        return cls(places.count(_PLACES[PostStatus.PUBLISHED]), sum(places))


_PLACES = {PostStatus.PROCESSING: 1, PostStatus.FAILED: 2, PostStatus.PUBLISHED: 3, None: 4}


@dataclass(frozen=True)
class ShownPhoto:
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
class Reactions:
    """To a post or a comment, as a viewer is shown them. `comments` of a post are with replies, of a comment its
    replies. `liked` and `saved`: by the viewer; None where nobody is logged in. Comments cannot be saved."""

    likes: int = 0
    comments: int = 0
    liked: bool | None = None
    saved: bool | None = None


@dataclass(frozen=True)
class PostView:
    post: Post
    author: Author
    photos: tuple[ShownPhoto, ...]
    reactions: Reactions = Reactions()


@dataclass(frozen=True)
class PhotoView:
    """`post` is the one that it belongs to, unless that failed."""

    photo: Photo
    metadata: PhotoMetadata | None
    post: Post | None


@dataclass(frozen=True)
class Draft:
    """What somebody wants to post."""

    photo_ids: tuple[int, ...]
    caption: Caption
    place: Place | None = None
    alt_texts: Mapping[int, str] = field(default_factory=dict)

    @classmethod
    def checked(
        cls, photo_ids: Sequence[int], caption: str, place: Place | None, alt_texts: Mapping[int, str]
    ) -> Draft:
        """Raises TooManyPhotos, InvalidRequest, or as `Caption.checked`."""
        if len(photo_ids) > MAX_PHOTOS:
            detail = f"has {len(photo_ids)} photos, and {MAX_PHOTOS} are allowed"
            raise TooManyPhotos(errors=[FieldError("/photo_ids", detail)], limit=MAX_PHOTOS)
        twice = [index for index, photo_id in enumerate(photo_ids) if photo_id in photo_ids[:index]]
        if twice:
            raise InvalidRequest(errors=[FieldError(f"/photo_ids/{index}", "is listed before") for index in twice])
        _check_alt_texts(alt_texts, photo_ids)
        texts = {photo_id: _composed(text) for photo_id, text in alt_texts.items() if text}
        return cls(tuple(photo_ids), Caption.checked(caption), place, texts)

    def fingerprint(self, author_id: int) -> str:
        """The same for the same request by the same person."""
        place = self.place.model_dump() if self.place else None
        content = [author_id, self.photo_ids, self.caption.text, place, sorted(self.alt_texts.items())]
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()


@dataclass(frozen=True)
class Changes:
    """Edits to a post's words; None leaves as it is. `place` counts when `sets_place`. A None in `alt_texts` removes
    that photo's."""

    caption: str | None = None
    place: Place | None = None
    sets_place: bool = False
    alt_texts: Mapping[int, str | None] = field(default_factory=dict)

    def applied_to(self, post: Post) -> Post:
        """Raises InvalidRequest, or as `Caption.checked`."""
        _check_alt_texts(self.alt_texts, post.photo_ids)
        texts = {**post.alt_texts, **{key: _composed(text or "") for key, text in self.alt_texts.items()}}
        edited = replace(
            post,
            place=self.place if self.sets_place else post.place,
            alt_texts={key: text for key, text in texts.items() if text},
        )
        if self.caption is None:
            return edited
        caption = Caption.checked(self.caption)
        return replace(edited, caption=caption.text, hashtags=caption.hashtags, mentions=caption.mentions)


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
    """What becomes of a processing post: its photos as they are published, a failure, or None as long as photos are
    being processed. `photos` and `claims` are in the post's order."""
    shown = []
    for photo_id, photo, claim in zip(post.photo_ids, photos, claims, strict=True):
        if claim.post_id != post.id:
            return Failure(photo_id, _TAKEN)
        if photo is None:
            continue
        if photo.deleted:
            return Failure(photo_id, _GONE)
        if photo.status in (PhotoStatus.REJECTED, PhotoStatus.FAILED):
            assert photo.reason is not None
            return Failure(photo_id, photo.reason)
        if photo.status is PhotoStatus.READY:
            assert photo.width is not None
            assert photo.height is not None
            assert photo.placeholder is not None
            shown.append(
                PostPhoto(
                    photo_id=photo_id,
                    width=photo.width,
                    height=photo.height,
                    placeholder=photo.placeholder,
                    variants=photo.variants,
                    alt_text=post.alt_texts.get(photo_id),
                )
            )
    return tuple(shown) if len(shown) == len(post.photo_ids) else None


def may_see(post: Post | None, author: Author, standing: Standing) -> bool:
    """Whether somebody who stands so to the author sees a post; for others than the author it must be published."""
    if post is None or post.deleted or not standing.sees(author):
        return False
    return standing.own or post.status is PostStatus.PUBLISHED


def next_version(post: Post, now_us: int) -> int:
    """The version of a post's next event: the time in microseconds, and more than the last whatever the clocks say."""
    return max(now_us, post.version + 1)


def _check_alt_texts(described: Iterable[int], photo_ids: Sequence[int]) -> None:
    unknown = [photo_id for photo_id in described if photo_id not in photo_ids]
    if unknown:
        detail = "is not a photo of this post"
        raise InvalidRequest(errors=[FieldError(f"/alt_texts/{encode('p', key)}", detail) for key in unknown])


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text)

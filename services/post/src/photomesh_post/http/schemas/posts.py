"""What requests and answers look like."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, NaiveDatetime, model_validator

from photomesh_post.posts import domain
from photomesh_post.posts.captions import MAX_CAPTION
from photomesh_post.posts.domain import MAX_PHOTOS, Author, Changes, Draft, PhotoStatus, PhotoView, PostView, ShownPhoto
from photomesh_shared import events
from photomesh_shared.events import UtcTime
from photomesh_shared.ids import PhotoId, PostId, UserId

__all__ = [
    "AuthorOut",
    "NewPost",
    "Photo",
    "Place",
    "Post",
    "PostChanges",
    "PostPhotoOut",
    "Request",
    "Text",
    "example",
]

_CDN = "http://127.0.0.1:18080/variants"
_VARIANTS = {str(size): f"{_CDN}/p_8aB3x9Q2/Zk3vQ0m1fR7eT2yU/{size}.jpg" for size in (1080, 640, 320, 150)}
_CAPTION = "Evening by the lake with @grace #sunset"
_PLACE = {"name": "Lake Como", "latitude": 46.016, "longitude": 9.257}
_ALT_TEXT = "A lake at dusk, mountains behind it."
_READY = {
    "width": 4032,
    "height": 3024,
    "placeholder": "3OcRJYB4d3h/iIeHeEh3eIhw+j2w",
    "variants": _VARIANTS,
    "alt_text": _ALT_TEXT,
}


def example(shown: dict[str, Any]) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [shown]})


class Request(BaseModel):
    """Unknown members are refused: a misspelt optional one would otherwise be ignored in silence."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _is_text(value: str) -> str:
    """JSON can escape half of a surrogate pair, which is no character, and which nothing else can store or send."""
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise ValueError("holds half of a surrogate pair")
    return value


Text = Annotated[str, AfterValidator(_is_text)]
# `domain` checks lengths, after composition and with problems of their own; the document says them all the same.
Caption = Annotated[
    Text,
    Field(
        description="Hashtags and mentions are found in it: at most 30 and 20.",
        json_schema_extra={"maxLength": MAX_CAPTION},
        examples=[_CAPTION],
    ),
]
AltText = Annotated[Text, Field(max_length=1_000)]
Degrees = Annotated[float, Field(allow_inf_nan=False)]
_BY_PHOTO: dict[str, Any] = {"additionalProperties": False}


class Place(Request):
    """Where a post was made, in its author's words; never read from a photo."""

    model_config = example(_PLACE)

    name: Text = Field(min_length=1, max_length=100)
    latitude: Degrees | None = Field(None, ge=-90, le=90, description="Together with the longitude.")
    longitude: Degrees | None = Field(None, ge=-180, le=180)

    @model_validator(mode="after")
    def _both_or_none(self) -> Place:
        if (self.latitude is None) != (self.longitude is None):
            raise ValueError("latitude and longitude come together")
        return self

    def fact(self) -> events.Place:
        return events.Place(name=self.name, latitude=self.latitude, longitude=self.longitude)


class NewPost(Request):
    """A post to be made."""

    model_config = example(
        {
            "photo_ids": ["p_8aB3x9Q2"],
            "caption": _CAPTION,
            "place": _PLACE,
            "alt_texts": {"p_8aB3x9Q2": _ALT_TEXT},
        }
    )

    photo_ids: list[PhotoId] = Field(
        min_length=1,
        description="Yours, in the order in which they are shown; none that is in another post.",
        json_schema_extra={"maxItems": MAX_PHOTOS, "uniqueItems": True},
    )
    caption: Caption = ""
    place: Place | None = None
    alt_texts: dict[PhotoId, AltText] = Field(
        default={},
        description="What a photo shows, in words, for those who cannot see it; by photo id.",
        json_schema_extra=_BY_PHOTO,
    )

    def draft(self) -> Draft:
        """Raises as `Draft.checked`."""
        place = self.place.fact() if self.place else None
        return Draft.checked(self.photo_ids, self.caption, place, self.alt_texts)


class PostChanges(Request):
    """Edits to a post; what is left out stays as it is."""

    model_config = example({"caption": "Evening by the lake #sunset #como", "place": None})

    caption: Caption = ""
    place: Place | None = Field(None, description="Null removes it.")
    alt_texts: dict[PhotoId, AltText | None] = Field(
        default={},
        description="By photo id; null removes one, and those that are left out stay.",
        json_schema_extra=_BY_PHOTO,
    )

    def changes(self) -> Changes:
        return Changes(
            caption=self.caption if "caption" in self.model_fields_set else None,
            place=self.place.fact() if self.place else None,
            sets_place="place" in self.model_fields_set,
            alt_texts=self.alt_texts,
        )


class ReasonOut(BaseModel):
    """Why a photo or a post did not make it."""

    code: str = Field(description="More may be added: treat an unknown code as its message says.")
    message: str = Field(description="What happened, as a sentence for the owner.")
    fix: str = Field(description="What the owner can do, as a sentence.")
    retryable: bool = Field(description="Whether the same photo may succeed when it is uploaded again.")

    @classmethod
    def of(cls, reason: events.Reason | None) -> ReasonOut | None:
        return cls(**reason.model_dump()) if reason else None


class PlaceOut(BaseModel):
    """Where a post was made, in its author's words."""

    name: str
    latitude: float | None
    longitude: float | None


class CameraOut(BaseModel):
    """What the camera wrote. The location is never told."""

    camera_make: str | None
    camera_model: str | None
    lens: str | None
    taken_at: NaiveDatetime | None = Field(description="What the camera's clock showed, without a time zone.")
    focal_length_mm: float | None
    aperture: float | None = Field(description="The f-number.")
    exposure: str | None = Field(description="In seconds, such as 1/250.")
    iso: int | None


class Photo(BaseModel):
    """A photo. Sizes, dimensions and metadata are null until it is ready."""

    model_config = example(
        {
            "id": "p_8aB3x9Q2",
            "owner_id": "u_7fK2m1Zt",
            "post_id": "o_9xQ4w2Lr",
            "caption": _CAPTION,
            "status": "ready",
            "reason": None,
            **_READY,
            "metadata": events.PhotoReady.example().metadata.model_dump(mode="json"),
            "created_at": "2026-11-21T10:10:00Z",
        }
    )

    id: PhotoId
    owner_id: UserId
    post_id: PostId | None = Field(description="The post that it is in.")
    caption: str | None = Field(description="That post's.")
    status: str = Field(description="`processing`, then `ready`, `rejected` or `failed`. More may be added.")
    reason: ReasonOut | None = Field(description="Why it was rejected or failed.")
    width: int | None = Field(description="Of the original, upright.")
    height: int | None
    placeholder: str | None = Field(description="A ThumbHash in base64, to show while a size is loading.")
    variants: dict[str, str] | None = Field(
        description="URLs by size: the longer side has at most so many pixels. Cacheable for ever."
    )
    alt_text: str | None
    metadata: CameraOut | None
    created_at: UtcTime

    @classmethod
    def of(cls, view: PhotoView, cdn_url: str) -> Photo:
        photo, post = view.photo, view.post
        ready = photo.status is PhotoStatus.READY
        failed = photo.status in (PhotoStatus.REJECTED, PhotoStatus.FAILED)
        return cls(
            id=photo.id,
            owner_id=photo.owner_id,
            post_id=post.id if post else None,
            caption=post.caption if post else None,
            status=photo.status,
            reason=ReasonOut.of(photo.reason) if failed else None,
            width=photo.width if ready else None,
            height=photo.height if ready else None,
            placeholder=photo.placeholder if ready else None,
            variants=_urls(photo.variants, cdn_url) if ready else None,
            alt_text=post.alt_texts.get(photo.id) if post else None,
            metadata=CameraOut(**view.metadata.model_dump()) if view.metadata and ready else None,
            created_at=photo.created_at,
        )


class PostPhotoOut(BaseModel):
    """A photo as its post shows it."""

    id: PhotoId
    status: str
    reason: ReasonOut | None
    width: int | None
    height: int | None
    placeholder: str | None
    variants: dict[str, str] | None
    alt_text: str | None

    @classmethod
    def of(cls, photo: ShownPhoto, cdn_url: str) -> PostPhotoOut:
        return cls(
            id=photo.id,
            status=photo.status,
            reason=ReasonOut.of(photo.reason),
            width=photo.width,
            height=photo.height,
            placeholder=photo.placeholder,
            variants=_urls(photo.variants, cdn_url) if photo.variants else None,
            alt_text=photo.alt_text,
        )


class AuthorOut(BaseModel):
    """Who made a post. Names are null for the moment until a new account is known here."""

    id: UserId
    username: str | None
    display_name: str | None
    avatar_url: str | None

    @classmethod
    def of(cls, author: Author) -> AuthorOut:
        return cls(
            id=author.id, username=author.username, display_name=author.display_name, avatar_url=author.avatar_url
        )


class ViewerOut(BaseModel):
    """What the viewer has to do with a post."""

    liked: bool
    saved: bool

    @classmethod
    def of(cls, reactions: domain.Reactions) -> ViewerOut | None:
        return None if reactions.liked is None else cls(liked=reactions.liked, saved=bool(reactions.saved))


class Post(BaseModel):
    """A post."""

    model_config = example(
        {
            "id": "o_9xQ4w2Lr",
            "author": {"id": "u_7fK2m1Zt", "username": "ada", "display_name": "Ada Lovelace", "avatar_url": None},
            "status": "published",
            "reason": None,
            "caption": _CAPTION,
            "hashtags": ["sunset"],
            "mentions": ["grace"],
            "place": _PLACE,
            "photos": [{"id": "p_8aB3x9Q2", "status": "ready", "reason": None, **_READY}],
            "like_count": 16,
            "comment_count": 2,
            "viewer": {"liked": True, "saved": False},
            "created_at": "2026-11-21T10:11:00Z",
            "edited_at": None,
            "published_at": "2026-11-21T10:11:02Z",
        }
    )

    id: PostId
    author: AuthorOut
    status: str = Field(
        description="`processing` until all photos are ready, then `published`; or `failed`. More may be added. Others "
        "than the author see published posts only."
    )
    reason: ReasonOut | None = Field(description="Why it failed.")
    caption: str
    hashtags: list[str] = Field(description="Lower case, without the sign.")
    mentions: list[str] = Field(description="Usernames, without the sign. Not all need exist.")
    place: PlaceOut | None
    photos: list[PostPhotoOut]
    like_count: int = Field(description="Your own like is in it at once, other people's within a second or two.")
    comment_count: int = Field(description="With replies.")
    viewer: ViewerOut | None = Field(description="Null without a token.")
    created_at: UtcTime
    edited_at: UtcTime | None
    published_at: UtcTime | None

    @classmethod
    def of(cls, view: PostView, cdn_url: str) -> Post:
        post = view.post
        return cls(
            id=post.id,
            author=AuthorOut.of(view.author),
            status=post.status,
            reason=ReasonOut.of(post.reason) if post.status is domain.PostStatus.FAILED else None,
            caption=post.caption,
            hashtags=list(post.hashtags),
            mentions=list(post.mentions),
            place=PlaceOut(**post.place.model_dump()) if post.place else None,
            photos=[PostPhotoOut.of(photo, cdn_url) for photo in view.photos],
            like_count=view.reactions.likes,
            comment_count=view.reactions.comments,
            viewer=ViewerOut.of(view.reactions),
            created_at=post.created_at,
            edited_at=post.edited_at,
            published_at=post.published_at,
        )


def _urls(variants: Sequence[events.Variant], cdn_url: str) -> dict[str, str]:
    return {str(variant.size): f"{cdn_url}/{variant.key}" for variant in variants}

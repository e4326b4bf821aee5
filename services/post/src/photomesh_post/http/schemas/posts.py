"""Requests and responses about posts."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field, model_validator

from photomesh_post.counts.domain import Reactions
from photomesh_post.http.schemas.common import (
    CAPTION,
    ENTITIES,
    READY_PHOTO,
    Author,
    Entities,
    Reason,
    bounded,
    variant_urls,
)
from photomesh_post.posts.captions import MAX_CAPTION
from photomesh_post.posts.domain import PostPhotoView, PostStatus, PostView
from photomesh_post.posts.drafts import MAX_PHOTOS, Draft, Edit
from photomesh_shared import events
from photomesh_shared.events import UtcTime
from photomesh_shared.http.schemas import RequestBody, UpdateBody, Url, examples
from photomesh_shared.ids import PhotoId, PostId
from photomesh_shared.text import normalize_line, normalize_text

__all__ = ["PlaceInput", "Post", "PostCreate", "PostPhoto", "PostUpdate"]

_PLACE = {"name": "Lake Como", "latitude": 46.016, "longitude": 9.257}

# The domain checks lengths, after composition and with problems of their own; the document states them all the same.
Caption = Annotated[
    str,
    Field(
        description="Hashtags and mentions are found in it: at most 30 and 20.",
        json_schema_extra={"maxLength": MAX_CAPTION},
        examples=[CAPTION],
    ),
]
AltTextString = Annotated[str, *bounded(1_000, normalize_text, empty=True)]
PlaceName = Annotated[str, *bounded(100, normalize_line, empty=False)]
Degrees = Annotated[float, Field(allow_inf_nan=False)]
_ALT_TEXT = {"photo_id": "p_8aB3x9Q2", "text": READY_PHOTO["alt_text"]}


class PlaceInput(RequestBody):
    """Where a post was made, as its author says; never read from a photo."""

    model_config = examples(_PLACE)

    name: PlaceName
    latitude: Degrees | None = Field(None, ge=-90, le=90, description="Together with the longitude.")
    longitude: Degrees | None = Field(None, ge=-180, le=180)

    @model_validator(mode="after")
    def _both_or_none(self) -> PlaceInput:
        if (self.latitude is None) != (self.longitude is None):
            raise ValueError("latitude and longitude come together")
        return self

    def place(self) -> events.Place:
        return events.Place(name=self.name, latitude=self.latitude, longitude=self.longitude)


class AltText(RequestBody):
    """A photo's description for people who cannot see it."""

    model_config = examples(_ALT_TEXT)

    photo_id: PhotoId
    text: AltTextString


class AltTextUpdate(RequestBody):
    """A photo's new description."""

    model_config = examples(_ALT_TEXT)

    photo_id: PhotoId
    text: AltTextString | None = Field(description="Null removes it.")


class PostCreate(RequestBody):
    """A post to create."""

    model_config = examples(
        {
            "photo_ids": ["p_8aB3x9Q2"],
            "caption": CAPTION,
            "place": _PLACE,
            "alt_texts": [_ALT_TEXT],
        }
    )

    photo_ids: list[PhotoId] = Field(
        min_length=1,
        description="Yours, in the order in which they are shown; none that is in another post.",
        json_schema_extra={"maxItems": MAX_PHOTOS},  # no uniqueItems: clients would make a set of it
    )
    caption: Caption = ""
    place: PlaceInput | None = None
    alt_texts: list[AltText] = Field(
        [], max_length=MAX_PHOTOS, description="Descriptions of photos for people who cannot see them: one per photo."
    )

    def draft(self) -> Draft:
        """Raises as `Draft.checked`."""
        place = self.place.place() if self.place else None
        return Draft.checked(self.photo_ids, self.caption, place, [(one.photo_id, one.text) for one in self.alt_texts])


class PostUpdate(UpdateBody):
    """Changes to a post; members that are left out stay as they are."""

    model_config = examples({"caption": "Evening by the lake #sunset #como", "place": None})

    caption: Caption = ""
    place: PlaceInput | None = Field(None, description="Null removes it.")
    alt_texts: list[AltTextUpdate] = Field(
        [], max_length=MAX_PHOTOS, description="One per photo; those of photos that are left out stay."
    )

    def edit(self) -> Edit:
        return Edit(
            caption=self.caption if "caption" in self.model_fields_set else None,
            place=self.place.place() if self.place else None,
            sets_place="place" in self.model_fields_set,
            alt_texts=[(one.photo_id, one.text) for one in self.alt_texts],
        )


class Place(BaseModel):
    """Where a post was made, as its author says."""

    name: str
    latitude: float | None
    longitude: float | None


class PostPhoto(BaseModel):
    """A photo as its post shows it."""

    id: PhotoId
    status: str
    reason: Reason | None
    width: int | None
    height: int | None
    placeholder: str | None
    variants: dict[str, Url] | None
    alt_text: str | None

    @classmethod
    def of(cls, photo: PostPhotoView, cdn_url: str) -> PostPhoto:
        return cls(
            id=photo.id,
            status=photo.status,
            reason=Reason.of(photo.reason),
            width=photo.width,
            height=photo.height,
            placeholder=photo.placeholder,
            variants=variant_urls(photo.variants, cdn_url) if photo.variants else None,
            alt_text=photo.alt_text,
        )


class PostViewer(BaseModel):
    """The viewer's own reactions to a post."""

    liked: bool
    saved: bool

    @classmethod
    def of(cls, reactions: Reactions) -> PostViewer | None:
        return None if reactions.liked is None else cls(liked=reactions.liked, saved=bool(reactions.saved))


class Post(BaseModel):
    """A post."""

    model_config = examples(
        {
            "id": "o_9xQ4w2Lr",
            "author": {"id": "u_7fK2m1Zt", "username": "ada", "display_name": "Ada Lovelace", "avatar_url": None},
            "status": "published",
            "reason": None,
            "caption": CAPTION,
            "hashtags": ["sunset"],
            "mentions": ["grace"],
            "entities": ENTITIES,
            "place": _PLACE,
            "photos": [{"id": "p_8aB3x9Q2", "status": "ready", "reason": None, **READY_PHOTO}],
            "like_count": 16,
            "comment_count": 2,
            "viewer": {"liked": True, "saved": False},
            "created_at": "2026-11-21T10:11:00Z",
            "edited_at": None,
            "published_at": "2026-11-21T10:11:02Z",
        }
    )

    id: PostId
    author: Author
    status: str = Field(
        description="`processing` until all photos are ready, then `published`; or `failed`. More may be added. Only "
        "its author sees a post that is not published."
    )
    reason: Reason | None = Field(description="Why it failed.")
    caption: str
    hashtags: list[str] = Field(description="Lower case, without the sign.")
    mentions: list[str] = Field(description="Usernames, without the sign. Not all need exist.")
    entities: Entities = Field(description="Mentions and hashtags of the caption with their positions.")
    place: Place | None
    photos: list[PostPhoto]
    like_count: int = Field(description="Includes your own like at once, other people's within a second or two.")
    comment_count: int = Field(description="With replies.")
    viewer: PostViewer | None = Field(description="Null without a token.")
    created_at: UtcTime
    edited_at: UtcTime | None
    published_at: UtcTime | None

    @classmethod
    def of(cls, view: PostView, cdn_url: str) -> Post:
        post = view.post
        return cls(
            id=post.id,
            author=Author.of(view.author),
            status=post.status,
            reason=Reason.of(post.reason) if post.status is PostStatus.FAILED else None,
            caption=post.caption,
            hashtags=list(post.hashtags),
            mentions=list(post.mentions),
            entities=Entities.of(post.entities),
            place=Place(**post.place.model_dump()) if post.place else None,
            photos=[PostPhoto.of(photo, cdn_url) for photo in view.photos],
            like_count=view.reactions.likes,
            comment_count=view.reactions.comments,
            viewer=PostViewer.of(view.reactions),
            created_at=post.created_at,
            edited_at=post.edited_at,
            published_at=post.published_at,
        )

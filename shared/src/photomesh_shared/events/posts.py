"""Events of posts: the log from which every projection of posts can be rebuilt.

Each event but the deletion is the whole state of its post. Fields that were added for that are optional, because events
from before lack them.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from datetime import UTC, datetime
from typing import Annotated, ClassVar, TypeVar

from pydantic import Field

from photomesh_shared import ids
from photomesh_shared.events.entities import HashtagEntity, MentionEntity, TextEntities
from photomesh_shared.events.envelope import Event, EventModel, UtcTime
from photomesh_shared.events.photos import PhotoReady, PhotoRejected, Reason, Variant
from photomesh_shared.ids import PhotoId, PostId, UserId
from photomesh_shared.personal import ACTIVITY, CONTENT, NOT_PERSONAL, RELATION

__all__ = ["Place", "PostCreated", "PostDeleted", "PostEdited", "PostFailed", "PostPhoto", "PostPublished"]

_POST = 382_764_298_916_429_824
_CREATED_AT = datetime(2026, 11, 21, 10, 11, tzinfo=UTC)
_ENTITIES = TextEntities(
    mentions=(MentionEntity(start=25, end=31, username="grace", account_id=382_764_211_093_504_000),),
    hashtags=(HashtagEntity(start=32, end=39, tag="sunset"),),
)


class Place(EventModel):
    """The place of a post, entered by the author; never read from a photo."""

    name: Annotated[str, CONTENT]
    latitude: Annotated[float | None, CONTENT] = Field(default=None, description="In degrees; requires the longitude.")
    longitude: Annotated[float | None, CONTENT] = None


class PostPhoto(EventModel):
    """A photo of a post."""

    photo_id: PhotoId
    width: Annotated[int, NOT_PERSONAL]
    height: Annotated[int, NOT_PERSONAL]
    placeholder: Annotated[str, CONTENT] = Field(description="A ThumbHash, in base64.")
    variants: tuple[Variant, ...]
    alt_text: Annotated[str | None, CONTENT] = None


class _Post(Event):
    topic: ClassVar[str] = "posts"

    post_id: PostId
    author_id: UserId

    def record_key(self) -> str:
        return ids.encode("o", self.post_id)

    def partition_key(self) -> str:
        return ids.encode("u", self.author_id)

    def subject(self) -> str:
        return ids.encode("o", self.post_id)


class _PostText(_Post):
    caption: Annotated[str, CONTENT]
    hashtags: Annotated[tuple[str, ...], CONTENT] = Field(
        description="Distinct hashtags of the caption: lower case, without #."
    )
    mentions: Annotated[tuple[str, ...], RELATION] = Field(
        description="Distinct usernames from the caption, without @."
    )
    place: Place | None
    entities: TextEntities | None = Field(
        default=None,
        description="Mentions and hashtags of the caption with their positions; null if the event is from before they "
        "were kept.",
    )


class PostCreated(_PostText):
    """A post was created; its photos may still be processing. The post's first event: `entityversion` is the timestamp
    of the post's id, in microseconds, and increases from there with gaps."""

    type_: ClassVar[str] = "photomesh.post.created.v1"

    photo_ids: tuple[PhotoId, ...] = Field(description="One to ten, in display order.")
    alt_texts: Annotated[tuple[str | None, ...], CONTENT] = Field(description="One per photo, in the same order.")
    created_at: Annotated[UtcTime, ACTIVITY]

    @classmethod
    def example(cls) -> PostCreated:
        photo = PhotoReady.example()
        return cls(
            post_id=_POST,
            author_id=photo.owner_id,
            photo_ids=(photo.photo_id,),
            caption="Evening by the lake with @grace #sunset",
            hashtags=("sunset",),
            mentions=("grace",),
            place=Place(name="Lake Como", latitude=46.016, longitude=9.257),
            alt_texts=("A lake at dusk, mountains behind it.",),
            entities=_ENTITIES,
            created_at=_CREATED_AT,
        )


class PostPublished(_PostText):
    """All photos of a post are ready, and it is visible to its audience. Carries the whole post."""

    type_: ClassVar[str] = "photomesh.post.published.v1"

    photos: tuple[PostPhoto, ...] = Field(description="In display order.")
    created_at: Annotated[UtcTime, ACTIVITY]
    published_at: Annotated[UtcTime, ACTIVITY]
    edited_at: Annotated[UtcTime | None, ACTIVITY] = Field(
        default=None, description="When it was last edited, if it was."
    )

    @classmethod
    def example(cls) -> PostPublished:
        created, photo = PostCreated.example(), PhotoReady.example()
        return cls(
            post_id=created.post_id,
            author_id=created.author_id,
            photos=(
                PostPhoto(
                    photo_id=photo.photo_id,
                    width=photo.width,
                    height=photo.height,
                    placeholder=photo.placeholder,
                    variants=photo.variants,
                    alt_text=created.alt_texts[0],
                ),
            ),
            caption=created.caption,
            hashtags=created.hashtags,
            mentions=created.mentions,
            place=created.place,
            entities=created.entities,
            created_at=created.created_at,
            published_at=datetime(2026, 11, 21, 10, 11, 2, tzinfo=UTC),
        )


class PostFailed(_Post):
    """A photo of a post was rejected or failed, so the post is not published."""

    type_: ClassVar[str] = "photomesh.post.failed.v1"

    photo_id: PhotoId
    reason: Reason
    failed_at: Annotated[UtcTime, NOT_PERSONAL]
    caption: Annotated[str, CONTENT] = ""
    hashtags: Annotated[tuple[str, ...], CONTENT] = ()
    mentions: Annotated[tuple[str, ...], RELATION] = ()
    place: Place | None = None
    entities: TextEntities | None = None
    photo_ids: tuple[PhotoId, ...] = Field(default=(), description="All photos, in display order.")
    alt_texts: Annotated[tuple[str | None, ...], CONTENT] = Field(
        default=(), description="One per photo, in the same order."
    )
    created_at: Annotated[UtcTime | None, ACTIVITY] = None
    edited_at: Annotated[UtcTime | None, ACTIVITY] = None

    def completed_by(self, earlier: Event) -> PostFailed:
        return _completed(self, earlier) if self.created_at is None else self

    @classmethod
    def example(cls) -> PostFailed:
        photo, created = PhotoRejected.example(), PostCreated.example()
        return cls(
            post_id=_POST,
            author_id=photo.owner_id,
            photo_id=photo.photo_id,
            reason=photo.reason,
            failed_at=datetime(2026, 11, 21, 10, 11, 2, tzinfo=UTC),
            caption=created.caption,
            hashtags=created.hashtags,
            mentions=created.mentions,
            place=created.place,
            entities=created.entities,
            photo_ids=created.photo_ids,
            alt_texts=created.alt_texts,
            created_at=created.created_at,
        )


class PostEdited(_PostText):
    """The author edited the texts of a post. Carries the whole post: what it was created with, and whether it was
    published or failed."""

    type_: ClassVar[str] = "photomesh.post.edited.v1"

    photo_ids: tuple[PhotoId, ...] = Field(description="In display order; edits do not change it.")
    alt_texts: Annotated[tuple[str | None, ...], CONTENT] = Field(description="One per photo, in the same order.")
    edited_at: Annotated[UtcTime, ACTIVITY]
    created_at: Annotated[UtcTime | None, ACTIVITY] = None
    published_at: Annotated[UtcTime | None, ACTIVITY] = Field(
        default=None, description="When it was published, if it was."
    )
    photos: tuple[PostPhoto, ...] = Field(default=(), description="Those of a published post, in display order.")
    reason: Reason | None = Field(default=None, description="Why it is not published, if it failed.")

    def completed_by(self, earlier: Event) -> PostEdited:
        if self.created_at is not None:
            return self
        whole = _completed(self, earlier, keep={*_PostText.model_fields, "photo_ids", "alt_texts", "edited_at"})
        texts = dict(zip(self.photo_ids, self.alt_texts, strict=True))
        photos = tuple(photo.model_copy(update={"alt_text": texts.get(photo.photo_id)}) for photo in whole.photos)
        return whole.model_copy(update={"photos": photos})

    @classmethod
    def example(cls) -> PostEdited:
        created, published = PostCreated.example(), PostPublished.example()
        return cls(
            post_id=created.post_id,
            author_id=created.author_id,
            photo_ids=created.photo_ids,
            caption="Evening by the lake #sunset #como",
            hashtags=("sunset", "como"),
            mentions=(),
            place=created.place,
            alt_texts=created.alt_texts,
            entities=TextEntities(
                hashtags=(
                    HashtagEntity(start=20, end=27, tag="sunset"),
                    HashtagEntity(start=28, end=33, tag="como"),
                )
            ),
            edited_at=datetime(2026, 11, 21, 11, 0, tzinfo=UTC),
            created_at=created.created_at,
            published_at=published.published_at,
            photos=published.photos,
        )


P = TypeVar("P", PostEdited, PostFailed)


def _completed(
    event: P, earlier: Event, *, keep: AbstractSet[str] = frozenset({"photo_id", "reason", "failed_at"})
) -> P:
    """Return the event with the fields of `earlier` that both have, except those to `keep`."""
    names = type(event).model_fields.keys() & type(earlier).model_fields.keys() - keep
    return event.model_copy(update={name: getattr(earlier, name) for name in names})


class PostDeleted(_Post):
    """The author deleted a post. Consumers must delete their copies; the photos' objects are removed as well."""

    type_: ClassVar[str] = "photomesh.post.deleted.v1"
    ends: ClassVar[bool] = True

    photo_ids: tuple[PhotoId, ...]
    deleted_at: Annotated[UtcTime, ACTIVITY]

    @classmethod
    def example(cls) -> PostDeleted:
        created = PostCreated.example()
        return cls(
            post_id=created.post_id,
            author_id=created.author_id,
            photo_ids=created.photo_ids,
            deleted_at=datetime(2026, 11, 22, 9, 0, tzinfo=UTC),
        )

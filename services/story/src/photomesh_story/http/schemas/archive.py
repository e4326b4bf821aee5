"""Models of requests and responses: the archive and highlights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, Field, JsonValue, StringConstraints

from photomesh_shared.events import UtcTime
from photomesh_shared.http.schemas import RequestBody, Url, examples
from photomesh_shared.ids import PhotoId, StoryId
from photomesh_shared.text import RAW_FACTOR
from photomesh_story.archive import domain as archive
from photomesh_story.archive.domain import MAX_HIGHLIGHTS, MAX_STORIES, MAX_TITLE, ShownHighlight, checked_title
from photomesh_story.archive.queries import public_variants
from photomesh_story.http.schemas.stories import STORY

__all__ = [
    "ArchivedStory",
    "Highlight",
    "HighlightEntry",
    "HighlightText",
    "ProfileHighlights",
    "StorySettings",
    "StorySettingsUpdate",
]

_SIGNED = "http://127.0.0.1:18333/raw/stories/p_8aB3x9Q2"
_ARCHIVED = {name: STORY[name] for name in ("id", "photo_id", "alt_text", "width", "height", "placeholder")} | {
    "variants": {str(size): f"{_SIGNED}/{size}.jpg?X-Amz-Signature=5f2b" for size in (1080, 640, 320, 150)},
    "published_at": STORY["published_at"],
}
_HIGHLIGHTED = _ARCHIVED | {
    "variants": {
        str(size): f"http://127.0.0.1:18080/variants/h/Zk3vQ0m1fR7eT2yUZk3vQ0/{size}.jpg"
        for size in (1080, 640, 320, 150)
    }
}


class ArchivedStory(BaseModel):
    """A story that is over."""

    model_config = examples(_ARCHIVED)

    id: StoryId
    photo_id: PhotoId
    alt_text: str | None
    width: int = Field(description="Of the original, in pixels.")
    height: int
    placeholder: str = Field(description="A ThumbHash, in base64.")
    variants: dict[str, Url] = Field(
        description="URLs by size. Of your archive: for an hour, and for anyone who has them, so keep them to yourself."
    )
    published_at: UtcTime

    @classmethod
    def of(cls, one: archive.ArchivedStory, urls: Mapping[int, str]) -> ArchivedStory:
        return cls(
            id=one.story.story_id,
            photo_id=one.story.photo_id,
            alt_text=one.story.alt_text,
            width=one.story.width,
            height=one.story.height,
            placeholder=one.story.placeholder,
            variants={str(size): url for size, url in urls.items()},
            published_at=one.story.published_at,
        )


class StorySettingsUpdate(RequestBody):
    """What is to become of your stories."""

    model_config = examples({"archive": False})

    archive: bool = Field(strict=True, description="Whether you can look at your stories when they are over.")


class StorySettings(BaseModel):
    """What becomes of your stories."""

    model_config = examples({"archive": True})

    archive: bool = Field(description="Whether you can look at your stories when they are over. By default you can.")


_TITLE_LENGTH: dict[str, JsonValue] = {"minLength": 1, "maxLength": MAX_TITLE}
_TITLE: tuple[Any, ...] = (
    StringConstraints(max_length=RAW_FACTOR * MAX_TITLE),
    AfterValidator(checked_title),
    Field(json_schema_extra=_TITLE_LENGTH),
)
_NUMBER: Any = Field(ge=1, le=MAX_HIGHLIGHTS, description="Its place on the profile.")


def _different(story_ids: list[int]) -> list[int]:
    if len(set(story_ids)) < len(story_ids):
        raise ValueError("must be different")
    return story_ids


class HighlightText(RequestBody):
    """A highlight to write."""

    model_config = examples({"title": "Lakes", "story_ids": ["st_8aB3x9Q2"]})

    title: Annotated[str, *_TITLE]
    story_ids: Annotated[list[StoryId], AfterValidator(_different)] = Field(
        min_length=1,
        max_length=MAX_STORIES,
        description="Of your archive, in the order in which they are shown. The first is the cover.",
    )


class HighlightEntry(BaseModel):
    """A highlight on a profile."""

    number: int = _NUMBER
    title: str
    story_count: int
    cover: ArchivedStory

    @classmethod
    def of(cls, shown: ShownHighlight, cdn_url: str) -> HighlightEntry:
        return cls(
            number=shown.highlight.number,
            title=shown.highlight.title,
            story_count=len(shown.stories),
            cover=_public(shown.stories[0], cdn_url),
        )


class ProfileHighlights(BaseModel):
    """The highlights of an account, in their order."""

    model_config = examples({"items": [{"number": 1, "title": "Lakes", "story_count": 1, "cover": _HIGHLIGHTED}]})

    items: list[HighlightEntry]


class Highlight(BaseModel):
    """A highlight with its stories."""

    model_config = examples({"number": 1, "title": "Lakes", "stories": [_HIGHLIGHTED]})

    number: int = _NUMBER
    title: str
    stories: list[ArchivedStory]

    @classmethod
    def of(cls, shown: ShownHighlight, cdn_url: str) -> Highlight:
        return cls(
            number=shown.highlight.number,
            title=shown.highlight.title,
            stories=[_public(one, cdn_url) for one in shown.stories],
        )


def _public(one: archive.ArchivedStory, cdn_url: str) -> ArchivedStory:
    return ArchivedStory.of(one, {size.size: f"{cdn_url}/{size.key}" for size in public_variants(one)})

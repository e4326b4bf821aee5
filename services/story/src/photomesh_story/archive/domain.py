"""The archive and highlights. Pure.

A highlight has a number from 1 to 100, which is its place on the profile and its name: so there are never more, and
writing one again is safe.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from photomesh_shared.events import PhotoReady, StoryPublished, Variant
from photomesh_shared.object_keys import highlight_key
from photomesh_shared.text import normalize_line

__all__ = [
    "MAX_HIGHLIGHTS",
    "MAX_STORIES",
    "MAX_TITLE",
    "ArchivedStory",
    "Highlight",
    "ShownHighlight",
    "checked_title",
    "highlight_variants",
    "unused",
]

MAX_HIGHLIGHTS = 100
MAX_STORIES = 50
"""In a highlight."""
MAX_TITLE = 50


@dataclass(frozen=True)
class ArchivedStory:
    """A story that is over, with the photo whose private sizes it keeps. `token`: of the public copies of a story that
    is in a highlight. `deleted`: it is gone, and its bytes are about to be."""

    story: StoryPublished
    photo: PhotoReady
    token: str | None = None
    deleted: bool = False


@dataclass(frozen=True)
class Highlight:
    number: int
    title: str
    story_ids: tuple[int, ...]


@dataclass(frozen=True)
class ShownHighlight:
    """A highlight with those of its stories that are there."""

    highlight: Highlight
    stories: tuple[ArchivedStory, ...]


def checked_title(text: str) -> str:
    """Returns a title as it is stored. Raises ValueError."""
    if not 1 <= len(title := normalize_line(text)) <= MAX_TITLE:
        raise ValueError(f"must have 1 to {MAX_TITLE} characters")
    return title


def highlight_variants(photo: PhotoReady, token: str) -> tuple[Variant, ...]:
    """The public copies of a photo's sizes."""
    return tuple(size.model_copy(update={"key": highlight_key(token, size.size)}) for size in photo.variants)


def unused(story_ids: Iterable[int], highlights: Iterable[Highlight]) -> set[int]:
    """Those of the stories that are in none of the highlights."""
    return set(story_ids).difference(*(one.story_ids for one in highlights))

"""Captions of posts. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from photomesh_post.errors import CaptionTooLong
from photomesh_post.texts.domain import check_entities, checked_text, entities_in
from photomesh_shared.events import TextEntities

__all__ = ["MAX_CAPTION", "Caption"]

MAX_CAPTION = 2_200  # code points


@dataclass(frozen=True)
class Caption:
    """A caption within the limits, as it is stored, with the hashtags and mentions found in it."""

    text: str
    entities: TextEntities

    @classmethod
    def checked(cls, text: str) -> Caption:
        """Raises CaptionTooLong, TooManyHashtags, TooManyMentions, or InvalidRequest for control characters."""
        text = checked_text("/caption", text, MAX_CAPTION, CaptionTooLong)
        entities = entities_in(text)
        check_entities("/caption", entities)
        return cls(text, entities)

"""Entity tags of posts and photos.

A tag covers everything that is shown, since a photo's state and an author's name are part of no version. Its end covers
what other people do under a post, and its beginning all the rest: an edit depends on the beginning only.
"""

from __future__ import annotations

import hashlib

from pydantic import BaseModel

__all__ = ["entity_tag", "entity_tag_stem"]

_REACTIONS = {"like_count", "comment_count", "viewer"}


def entity_tag(shown: BaseModel) -> str:
    return f'{entity_tag_stem(shown)}{_digest(shown.model_dump_json(include=_REACTIONS))[:8]}"'


def entity_tag_stem(shown: BaseModel) -> str:
    """How the tag begins: this part does not change with likes and comments."""
    return f'"{_digest(shown.model_dump_json(exclude=_REACTIONS))[:24]}.'


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()

"""Mentions and hashtags of a text, as parts of events. `docs/text.md` has the grammar."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from photomesh_shared.events.envelope import EventModel
from photomesh_shared.ids import UserId
from photomesh_shared.personal import CONTENT, NOT_PERSONAL, RELATION

__all__ = ["HashtagEntity", "MentionEntity", "TextEntities"]


class _Entity(EventModel):
    start: Annotated[int, NOT_PERSONAL] = Field(
        ge=0, description="Position of the sign in the text, in Unicode code points from 0."
    )
    end: Annotated[int, NOT_PERSONAL] = Field(ge=0, description="Position after the last code point.")


class MentionEntity(_Entity):
    """A mention. `account_id` is that of the account that had the username when the text was written."""

    username: Annotated[str, RELATION] = Field(description="Lower case, without @.")
    account_id: UserId | None = Field(default=None, description="Null if there was no such account.")


class HashtagEntity(_Entity):
    """A hashtag."""

    tag: Annotated[str, CONTENT] = Field(description="Case-folded, without #.")


class TextEntities(EventModel):
    """All mentions and hashtags of a text, repeated ones as well, each in the order of positions."""

    mentions: tuple[MentionEntity, ...] = ()
    hashtags: tuple[HashtagEntity, ...] = ()

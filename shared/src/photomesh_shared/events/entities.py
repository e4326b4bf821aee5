"""Mentions and hashtags of a text, as parts of events. `docs/text.md` has the grammar."""

from __future__ import annotations

from pydantic import Field

from photomesh_shared.events.envelope import EventModel
from photomesh_shared.ids import UserId

__all__ = ["HashtagEntity", "MentionEntity", "TextEntities"]


class _Entity(EventModel):
    start: int = Field(ge=0, description="Position of the sign in the text, in Unicode code points from 0.")
    end: int = Field(ge=0, description="Position after the last code point.")


class MentionEntity(_Entity):
    """A mention. `account_id` is that of the account that had the username when the text was written."""

    username: str = Field(description="Lower case, without @.")
    account_id: UserId | None = Field(default=None, description="Null if there was no such account.")


class HashtagEntity(_Entity):
    """A hashtag."""

    tag: str = Field(description="Case-folded, without #.")


class TextEntities(EventModel):
    """All mentions and hashtags of a text, repeated ones as well, each in the order of positions."""

    mentions: tuple[MentionEntity, ...] = ()
    hashtags: tuple[HashtagEntity, ...] = ()

"""Replies and their texts. Pure.

An account replies to a story once: so a repeated request finds the reply that exists, and nobody can flood anybody.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from photomesh_shared.text import normalize_text

__all__ = ["MAX_REPLY", "Reply", "ReplyPosition", "checked_reply"]

MAX_REPLY = 1_000  # code points


class ReplyPosition(NamedTuple):
    """Where a reply is in the list of a story's."""

    replied_at: datetime
    account_id: int


class Reply(NamedTuple):
    """A reply. `author_id`: of the story."""

    story_id: int
    author_id: int
    account_id: int
    replied_at: datetime
    text: str

    @property
    def position(self) -> ReplyPosition:
        return ReplyPosition(self.replied_at, self.account_id)


def checked_reply(text: str) -> str:
    """Returns a text as it is stored. Raises ValueError."""
    if not 1 <= len(text := normalize_text(text)) <= MAX_REPLY:
        raise ValueError(f"must have 1 to {MAX_REPLY} characters")
    return text

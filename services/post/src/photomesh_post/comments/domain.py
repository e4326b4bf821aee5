"""Comments and their texts. Pure."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import datetime

from photomesh_post.accounts.domain import Author
from photomesh_post.counts.domain import Reactions
from photomesh_post.errors import CommentTooLong, TooManyMentions
from photomesh_post.posts.captions import MAX_MENTIONS, check_limit, mentions_in
from photomesh_shared.errors import FieldError, InvalidRequest

__all__ = ["MAX_COMMENT", "Comment", "CommentText", "CommentView", "ThreadEntry"]

MAX_COMMENT = 2_200  # code points


@dataclass(frozen=True)
class CommentText:
    """A comment's text within the limits, composed (NFC), with the mentions found in it."""

    text: str
    mentions: tuple[str, ...]

    @classmethod
    def checked(cls, text: str) -> CommentText:
        """Raises CommentTooLong, TooManyMentions, or InvalidRequest for a blank text."""
        text = unicodedata.normalize("NFC", text)
        mentions = mentions_in(text)
        check_limit("/text", CommentTooLong, len(text), MAX_COMMENT, "characters")
        check_limit("/text", TooManyMentions, len(mentions), MAX_MENTIONS, "mentions")
        if not text.strip():
            raise InvalidRequest(errors=[FieldError("/text", "is empty")])
        return cls(text, mentions)


@dataclass(frozen=True)
class Comment:
    """A comment's author and place. `parent_id` is None unless it is a reply."""

    id: int
    post_id: int
    author_id: int
    parent_id: int | None = None
    deleted: bool = False


@dataclass(frozen=True)
class ThreadEntry:
    """A comment in its thread: that of a post, or of the comment that it replies to."""

    id: int
    author_id: int
    text: str


@dataclass(frozen=True)
class CommentView:
    """A comment as a viewer sees it."""

    comment: Comment
    author: Author
    text: str
    created_at: datetime
    reactions: Reactions

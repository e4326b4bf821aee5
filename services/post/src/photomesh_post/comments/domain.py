"""Comments and their texts. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from photomesh_post.accounts.domain import Author
from photomesh_post.counts.domain import Reactions
from photomesh_post.errors import CommentTooLong
from photomesh_post.texts.domain import check_entities, checked_text, entities_in
from photomesh_shared.errors import FieldError, InvalidRequest
from photomesh_shared.events import TextEntities

__all__ = ["MAX_COMMENT", "Comment", "CommentText", "CommentView", "OwnComment", "ThreadEntry", "ThreadRow"]

MAX_COMMENT = 2_200  # code points


@dataclass(frozen=True)
class CommentText:
    """A comment's text within the limits, as it is stored, with the mentions and hashtags found in it."""

    text: str
    entities: TextEntities

    @classmethod
    def checked(cls, text: str) -> CommentText:
        """Raises CommentTooLong, TooManyHashtags, TooManyMentions, or InvalidRequest for control characters and for a
        text of which nothing can be seen."""
        text = checked_text("/text", text, MAX_COMMENT, CommentTooLong)
        if not text:
            raise InvalidRequest(errors=[FieldError("/text", "is empty")])
        entities = entities_in(text)
        check_entities("/text", entities)
        return cls(text, entities)


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
    entities: TextEntities


class OwnComment(NamedTuple):
    """A comment in its author's list."""

    id: int
    post_id: int
    parent_id: int | None


class ThreadRow(NamedTuple):
    """A row of a thread. `entry` is None if the comment is deleted."""

    id: int
    entry: ThreadEntry | None


@dataclass(frozen=True)
class CommentView:
    """A comment as a viewer sees it."""

    comment: Comment
    author: Author
    text: str
    entities: TextEntities
    created_at: datetime
    reactions: Reactions

"""Requests and responses about comments."""

from __future__ import annotations

from pydantic import BaseModel, Field

from photomesh_post.comments.domain import MAX_COMMENT, CommentText, CommentView
from photomesh_post.http.schemas.common import Author, Entities
from photomesh_shared.events import UtcTime
from photomesh_shared.http.schemas import RequestBody, examples
from photomesh_shared.ids import CommentId, PostId

__all__ = ["Comment", "CommentCreate"]

_TEXT = "What a light! @ada"


class CommentCreate(RequestBody):
    """A comment to write."""

    model_config = examples({"text": _TEXT, "parent_id": None})

    text: str = Field(
        description="Mentions and hashtags are found in it: at most 20 and 30 different ones.",
        json_schema_extra={"minLength": 1, "maxLength": MAX_COMMENT},
    )
    parent_id: CommentId | None = Field(None, description="The comment to reply to.")

    def checked_text(self) -> CommentText:
        """Raises as `CommentText.checked`."""
        return CommentText.checked(self.text)


class CommentViewer(BaseModel):
    """The viewer's own reaction to a comment."""

    liked: bool


class Comment(BaseModel):
    """A comment."""

    model_config = examples(
        {
            "id": "c_SH40E1xOkW",
            "post_id": "o_9xQ4w2Lr",
            "parent_id": None,
            "author": {"id": "u_8gL3n2Au", "username": "grace", "display_name": "Grace Hopper", "avatar_url": None},
            "text": _TEXT,
            "entities": {
                "mentions": [{"start": 14, "end": 18, "username": "ada", "account_id": "u_7fK2m1Zt"}],
                "hashtags": [],
            },
            "like_count": 3,
            "reply_count": 1,
            "viewer": {"liked": False},
            "created_at": "2026-11-21T10:20:00Z",
        }
    )

    id: CommentId
    post_id: PostId
    parent_id: CommentId | None = Field(
        description="The comment that it replies to. Replies have no replies of their own: a reply to one goes to the "
        "comment that both reply to."
    )
    author: Author
    text: str
    entities: Entities = Field(description="Mentions and hashtags of the text with their positions.")
    like_count: int
    reply_count: int = Field(description="0 for a reply. Includes replies that are hidden from you.")
    viewer: CommentViewer | None = Field(description="Null without a token.")
    created_at: UtcTime

    @classmethod
    def of(cls, view: CommentView) -> Comment:
        liked = view.reactions.liked
        return cls(
            id=view.comment.id,
            post_id=view.comment.post_id,
            parent_id=view.comment.parent_id,
            author=Author.of(view.author),
            text=view.text,
            entities=Entities.of(view.entities),
            like_count=view.reactions.likes,
            reply_count=view.reactions.comments,
            viewer=None if liked is None else CommentViewer(liked=liked),
            created_at=view.created_at,
        )

"""Routes of likes: parse, one call, schema."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from photomesh_post import errors
from photomesh_post.http.dependencies import CACHE, READ, WRITE, Cursor, Dependencies, Limit, account_of
from photomesh_post.http.schemas.posts import AuthorOut, example
from photomesh_post.posts.domain import Reactions
from photomesh_shared.auth import MaybeViewer, Viewer
from photomesh_shared.cursors import Page, link_next
from photomesh_shared.errors import InvalidCursor
from photomesh_shared.http import problems
from photomesh_shared.ids import PostId, encode

__all__ = ["LikeOut", "router"]

router = APIRouter(tags=["likes"])


class LikeOut(BaseModel):
    """Whether you like it, and how many do."""

    model_config = example({"liked": True, "like_count": 16})

    liked: bool
    like_count: int = Field(description="With your own like, or without it, at once.")

    @classmethod
    def of(cls, reactions: Reactions) -> LikeOut:
        return cls(liked=bool(reactions.liked), like_count=reactions.likes)


@router.put("/v1/posts/{post_id}/like", summary="Like a post", responses=problems(*WRITE, errors.PostNotFound))
async def like_post(post_id: PostId, viewer: Viewer, deps: Dependencies) -> LikeOut:
    """Any post that you see, once; again is no error and changes nothing."""
    return LikeOut.of(await deps.liking.post(viewer.account_id, post_id, True))


@router.delete("/v1/posts/{post_id}/like", summary="Take back a like", responses=problems(*WRITE, errors.PostNotFound))
async def unlike_post(post_id: PostId, viewer: Viewer, deps: Dependencies) -> LikeOut:
    """No error if you never liked the post."""
    return LikeOut.of(await deps.liking.post(viewer.account_id, post_id, False))


@router.get(
    "/v1/posts/{post_id}/likes",
    summary="Who likes a post",
    responses=problems(*READ, InvalidCursor, errors.PostNotFound),
)
async def list_likes(
    request: Request,
    response: Response,
    post_id: PostId,
    viewer: MaybeViewer,
    deps: Dependencies,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[AuthorOut]:
    """You first, if you do, then the others in an order that means nothing and stays the same. Nobody comes twice while
    likes come and go. Accounts that have a block with you are left out, so a page may be shorter than you asked for,
    and `like_count` larger than the list."""
    kind = f"likes-of-post:{encode('o', post_id)}"
    after = deps.cursors.decode(kind, cursor) if cursor else None
    found, last = await deps.liking.of_post(
        account_of(viewer), post_id, after=(after[0], after[1]) if after else None, limit=limit
    )
    next_cursor = deps.cursors.encode(kind, list(last)) if last else None
    link_next(request, response, deps.public_url, next_cursor)
    response.headers["Cache-Control"] = CACHE
    return Page(items=[AuthorOut.of(account) for account in found], next_cursor=next_cursor)

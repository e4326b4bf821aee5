"""Routes of comments: parse, one call, schema."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from photomesh_post import errors
from photomesh_post.http.dependencies import CACHE, READ, WRITE, Cursor, Dependencies, Limit, account_of
from photomesh_post.http.routes.likes import LikeOut
from photomesh_post.http.schemas.comments import CommentOut, NewComment
from photomesh_shared.auth import MaybeViewer, Viewer
from photomesh_shared.cursors import Page, link_next
from photomesh_shared.errors import IdempotencyKeyInUse, IdempotencyKeyReused, InvalidCursor, MalformedJson
from photomesh_shared.http import problems
from photomesh_shared.ids import CommentId, PostId, encode

__all__ = ["router"]

router = APIRouter(tags=["comments"])


@router.post(
    "/v1/posts/{post_id}/comments",
    status_code=201,
    summary="Comment on a post",
    responses=problems(
        *WRITE,
        MalformedJson,
        errors.PostNotFound,
        errors.UnknownComment,
        errors.CommentTooLong,
        errors.TooManyMentions,
        IdempotencyKeyInUse,
        IdempotencyKeyReused,
    ),
)
async def write_comment(
    post_id: PostId, body: NewComment, response: Response, viewer: Viewer, deps: Dependencies
) -> CommentOut:
    """Or, with `parent_id`, reply to a comment. There is one level of replies: a reply to a reply goes to the comment
    that both reply to, and `parent_id` of the answer says which that is. Takes an `Idempotency-Key`; without one, the
    same text again is another comment. You see it at once, in the list and in `comment_count`."""
    view = await deps.comments.write(viewer.account_id, post_id, body.checked(), body.parent_id)
    response.headers["Cache-Control"] = CACHE
    return CommentOut.of(view)


@router.get(
    "/v1/posts/{post_id}/comments",
    summary="A post's comments",
    responses=problems(*READ, InvalidCursor, errors.PostNotFound),
)
async def list_comments(
    request: Request,
    response: Response,
    post_id: PostId,
    viewer: MaybeViewer,
    deps: Dependencies,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[CommentOut]:
    """Newest first, without replies, and without those of accounts that have a block with you. A page may have fewer
    than `limit` although there are more: only `next_cursor` says so. Pages neither repeat nor skip while comments come
    and go."""
    kind = f"comments:{encode('o', post_id)}"
    before = deps.cursors.decode(kind, cursor)[0] if cursor else None
    found, last = await deps.comments.of_post(account_of(viewer), post_id, before=before, limit=limit)
    next_cursor = deps.cursors.encode(kind, [last]) if last is not None else None
    link_next(request, response, deps.public_url, next_cursor)
    response.headers["Cache-Control"] = CACHE
    return Page(items=[CommentOut.of(view) for view in found], next_cursor=next_cursor)


@router.get(
    "/v1/comments/{comment_id}/replies",
    summary="Replies to a comment",
    responses=problems(*READ, InvalidCursor, errors.CommentNotFound),
)
async def list_replies(
    request: Request,
    response: Response,
    comment_id: CommentId,
    viewer: MaybeViewer,
    deps: Dependencies,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[CommentOut]:
    """Oldest first; else as a post's comments."""
    kind = f"replies:{encode('c', comment_id)}"
    after = deps.cursors.decode(kind, cursor)[0] if cursor else None
    found, last = await deps.comments.replies(account_of(viewer), comment_id, after=after, limit=limit)
    next_cursor = deps.cursors.encode(kind, [last]) if last is not None else None
    link_next(request, response, deps.public_url, next_cursor)
    response.headers["Cache-Control"] = CACHE
    return Page(items=[CommentOut.of(view) for view in found], next_cursor=next_cursor)


@router.delete(
    "/v1/comments/{comment_id}",
    status_code=204,
    summary="Delete a comment",
    responses=problems(*WRITE, errors.CommentNotFound, errors.NotYourComment),
)
async def delete_comment(comment_id: CommentId, viewer: Viewer, deps: Dependencies) -> None:
    """Yours, or one on a post of yours; its replies go with it, for good. Safe to repeat."""
    await deps.comments.delete(viewer.account_id, comment_id)


@router.put(
    "/v1/comments/{comment_id}/like",
    summary="Like a comment",
    responses=problems(*WRITE, errors.CommentNotFound),
)
async def like_comment(comment_id: CommentId, viewer: Viewer, deps: Dependencies) -> LikeOut:
    """Any comment that you see, once; again is no error and changes nothing."""
    comment, post = await deps.comments.find(viewer.account_id, comment_id)
    return LikeOut.of(await deps.liking.comment(viewer.account_id, comment, post.author_id, True))


@router.delete(
    "/v1/comments/{comment_id}/like",
    summary="Take back a like of a comment",
    responses=problems(*WRITE, errors.CommentNotFound),
)
async def unlike_comment(comment_id: CommentId, viewer: Viewer, deps: Dependencies) -> LikeOut:
    """No error if you never liked the comment."""
    comment, post = await deps.comments.find(viewer.account_id, comment_id)
    return LikeOut.of(await deps.liking.comment(viewer.account_id, comment, post.author_id, False))

"""Routes of comments."""

from __future__ import annotations

from fastapi import Response

from photomesh_post import errors
from photomesh_post.http.dependencies import Dependencies, account_of
from photomesh_post.http.schemas.comments import Comment, CommentCreate
from photomesh_post.http.schemas.likes import LikeState
from photomesh_shared.auth import MaybeViewer, Viewer
from photomesh_shared.http import PRIVATE, ApiRouter, Auth, Budget, Creation, Page, Paging, RateClass
from photomesh_shared.ids import CommentId, PostId, encode

__all__ = ["router"]

router = ApiRouter(tags=["comments"])

_MAX_BODY = 64 * 1024  # the longest text, every character an escaped surrogate pair


@router.post(
    "/v1/posts/{post_id}/comments",
    auth=Auth.REQUIRED,
    rate=RateClass.WRITE,
    budget=Budget.RECORDS,
    idempotent=True,
    max_body=_MAX_BODY,
    status_code=201,
    problems=[
        errors.PostNotFound,
        errors.CommentNotFound,
        errors.UnknownComment,
        errors.CommentTooLong,
        errors.TooManyHashtags,
        errors.TooManyMentions,
    ],
    summary="Comment on a post",
)
async def write_comment(
    post_id: PostId,
    body: CommentCreate,
    response: Response,
    viewer: Viewer,
    creation: Creation,
    deps: Dependencies,
) -> Comment:
    """With `parent_id`, replies to a comment. Replies have one level: a reply to a reply goes to the comment that both
    reply to, and the response's `parent_id` says which that is. Takes an `Idempotency-Key`; without one, the same text
    again is another comment. You see it at once, in the list and in `comment_count`."""
    view = await deps.comments.write_comment(creation, viewer.account_id, post_id, body.checked_text(), body.parent_id)
    response.headers.update({"Location": f"/v1/comments/{encode('c', view.comment.id)}", "Cache-Control": PRIVATE})
    return Comment.of(view)


@router.get(
    "/v1/posts/{post_id}/comments",
    auth=Auth.OPTIONAL,
    rate=RateClass.READ,
    paged=True,
    problems=[errors.PostNotFound],
    summary="List a post's comments",
)
async def list_comments(post_id: PostId, viewer: MaybeViewer, deps: Dependencies, paging: Paging) -> Page[Comment]:
    """Newest first, without replies. Comments of accounts that have a block with you or with the post's author are left
    out, so a page may have fewer than `limit` although there are more: only `next_cursor` tells. Pages neither repeat
    nor skip comments while others are added or deleted."""
    kind = f"comments:{encode('o', post_id)}"
    position = paging.position(kind)
    views, last = await deps.comment_queries.comments_of_post(
        account_of(viewer), post_id, before=position[0] if position else None, limit=paging.limit
    )
    return paging.page(kind, [Comment.of(view) for view in views], [last] if last is not None else None)


@router.get(
    "/v1/comments/{comment_id}/replies",
    auth=Auth.OPTIONAL,
    rate=RateClass.READ,
    paged=True,
    problems=[errors.CommentNotFound],
    summary="List the replies to a comment",
)
async def list_replies(comment_id: CommentId, viewer: MaybeViewer, deps: Dependencies, paging: Paging) -> Page[Comment]:
    """Oldest first; otherwise as a post's comments."""
    kind = f"replies:{encode('c', comment_id)}"
    position = paging.position(kind)
    views, last = await deps.comment_queries.replies(
        account_of(viewer), comment_id, after=position[0] if position else None, limit=paging.limit
    )
    return paging.page(kind, [Comment.of(view) for view in views], [last] if last is not None else None)


@router.delete(
    "/v1/comments/{comment_id}",
    auth=Auth.REQUIRED,
    rate=RateClass.WRITE,
    status_code=204,
    problems=[errors.CommentNotFound, errors.NotYourComment],
    summary="Delete a comment",
)
async def delete_comment(comment_id: CommentId, viewer: Viewer, deps: Dependencies) -> None:
    """Your own, or any on a post of yours, whether or not you see it; its replies are deleted with it, for good. Safe
    to repeat."""
    await deps.comments.delete_comment(viewer.account_id, comment_id)


@router.put(
    "/v1/comments/{comment_id}/like",
    auth=Auth.REQUIRED,
    rate=RateClass.WRITE,
    budget=Budget.TOGGLES,
    problems=[errors.CommentNotFound],
    summary="Like a comment",
)
async def like_comment(comment_id: CommentId, viewer: Viewer, deps: Dependencies) -> LikeState:
    """Any comment that you see. Safe to repeat: you like a comment once at most."""
    return LikeState.of(await deps.likes.like_comment(viewer.account_id, comment_id))


@router.delete(
    "/v1/comments/{comment_id}/like",
    auth=Auth.REQUIRED,
    rate=RateClass.WRITE,
    problems=[errors.CommentNotFound],
    summary="Unlike a comment",
)
async def unlike_comment(comment_id: CommentId, viewer: Viewer, deps: Dependencies) -> LikeState:
    """Safe to repeat, and no error if you never liked the comment. Works as well if you do not see the comment any
    more; then `like_count` is 0."""
    return LikeState.of(await deps.likes.unlike_comment(viewer.account_id, comment_id))

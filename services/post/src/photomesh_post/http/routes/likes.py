"""Routes of likes."""

from __future__ import annotations

from photomesh_post import errors
from photomesh_post.http.dependencies import Dependencies, account_of
from photomesh_post.http.schemas.common import Author
from photomesh_post.http.schemas.likes import LikeState
from photomesh_post.likes.queries import Cursor
from photomesh_shared.auth import MaybeViewer, Viewer
from photomesh_shared.http import ApiRouter, Auth, Budget, Page, Paging, RateClass
from photomesh_shared.ids import PostId, encode

__all__ = ["router"]

router = ApiRouter(tags=["likes"])


@router.put(
    "/v1/posts/{post_id}/like",
    auth=Auth.REQUIRED,
    rate=RateClass.WRITE,
    budget=Budget.TOGGLES,
    problems=[errors.PostNotFound],
    summary="Like a post",
)
async def like_post(post_id: PostId, viewer: Viewer, deps: Dependencies) -> LikeState:
    """Any post that you see. Safe to repeat: you like a post once at most."""
    return LikeState.of(await deps.likes.like_post(viewer.account_id, post_id))


@router.delete(
    "/v1/posts/{post_id}/like",
    auth=Auth.REQUIRED,
    rate=RateClass.WRITE,
    problems=[errors.PostNotFound],
    summary="Unlike a post",
)
async def unlike_post(post_id: PostId, viewer: Viewer, deps: Dependencies) -> LikeState:
    """Safe to repeat, and no error if you never liked the post. Works as well if you do not see the post any more; then
    `like_count` is 0."""
    return LikeState.of(await deps.likes.unlike_post(viewer.account_id, post_id))


@router.get(
    "/v1/posts/{post_id}/likes",
    auth=Auth.OPTIONAL,
    rate=RateClass.READ,
    paged=True,
    problems=[errors.PostNotFound],
    summary="List the accounts that like a post",
)
async def list_likes(post_id: PostId, viewer: MaybeViewer, deps: Dependencies, paging: Paging) -> Page[Author]:
    """You first if you like it, then the others in a stable order that has no meaning. No account is repeated while
    likes come and go. Accounts that have a block with you or with the post's author are left out, so a page may have
    fewer than `limit`, and `like_count` may exceed the list."""
    kind = f"likes-of-post:{encode('o', post_id)}"
    position = paging.position(kind)
    accounts, last = await deps.like_queries.accounts_liking(
        account_of(viewer), post_id, after=Cursor(*position) if position else None, limit=paging.limit
    )
    return paging.page(kind, [Author.of(account) for account in accounts], last)

"""Routes of posts."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import Request, Response

from photomesh_post import errors
from photomesh_post.http.dependencies import Dependencies, account_of
from photomesh_post.http.entity_tags import entity_tag, entity_tag_stem
from photomesh_post.http.schemas.posts import Post, PostCreate, PostUpdate
from photomesh_post.posts.domain import PostView
from photomesh_post.wiring import Deps
from photomesh_shared.auth import MaybeViewer, Viewer
from photomesh_shared.http import PRIVATE, ApiRouter, Auth, Budget, Creation, Page, Paging, RateClass
from photomesh_shared.http.conditional import offer, require_match
from photomesh_shared.ids import PostId, UserId, encode

__all__ = ["router"]

router = ApiRouter(tags=["posts"])

_MAX_BODY = (
    256 * 1024
)  # a caption and ten alt texts of the allowed length, every character as an escaped surrogate pair
_TEXT_PROBLEMS = [errors.CaptionTooLong, errors.TooManyHashtags, errors.TooManyMentions]


@router.post(
    "/v1/posts",
    auth=Auth.REQUIRED,
    rate=RateClass.WRITE,
    budget=Budget.RECORDS,
    idempotent=True,
    max_body=_MAX_BODY,
    status_code=201,
    problems=[
        *_TEXT_PROBLEMS,
        errors.TooManyPhotos,
        errors.UnknownPhoto,
        errors.PhotoForStory,
        errors.UnusablePhoto,
        errors.PhotoInUse,
        errors.PostNotFound,
    ],
    summary="Create a post",
)
async def create_post(
    body: PostCreate, response: Response, viewer: Viewer, creation: Creation, deps: Dependencies
) -> Post:
    """From one to ten of your photos. They need not be ready: the post is published when its last photo is, or fails
    for the reason for which a photo does. Takes an `Idempotency-Key`; without one, the same post with the same photos
    returns the post that exists, since a photo is in one post at most."""
    post = Post.of(await deps.posts.create_post(creation, viewer.account_id, body.draft()), deps.cdn_url)
    response.headers.update({"Location": f"/v1/posts/{encode('o', post.id)}", "ETag": entity_tag(post)})
    return post


@router.get(
    "/v1/posts/{post_id}",
    auth=Auth.OPTIONAL,
    rate=RateClass.READ,
    problems=[errors.PostNotFound],
    summary="Get a post",
)
async def get_post(
    request: Request, response: Response, post_id: PostId, viewer: MaybeViewer, deps: Dependencies
) -> Post:
    """Its author sees a post in every state, everybody else once it is published. Posts of a private account are for
    its followers only, and a block hides posts both ways. Answers `If-None-Match` with 304."""
    post = Post.of(await deps.post_queries.post(account_of(viewer), post_id), deps.cdn_url)
    offer(request, response, entity_tag(post), cache_control=PRIVATE)
    return post


@router.patch(
    "/v1/posts/{post_id}",
    auth=Auth.REQUIRED,
    rate=RateClass.WRITE,
    budget=Budget.RECORDS,
    conditional=True,
    max_body=_MAX_BODY,
    problems=[*_TEXT_PROBLEMS, errors.PostNotFound, errors.NotYourPost],
    summary="Edit a post's texts",
)
async def edit_post(
    request: Request, response: Response, post_id: PostId, body: PostUpdate, viewer: Viewer, deps: Dependencies
) -> Post:
    """Changes only the members that you send; photos stay. With `If-Match`, it fails if the post has changed since you
    read it; likes and comments do not count as changes."""
    view = await deps.posts.edit_post(viewer.account_id, post_id, body.edit(), _unchanged(request, deps))
    post = Post.of(view, deps.cdn_url)
    response.headers.update({"ETag": entity_tag(post), "Cache-Control": PRIVATE})
    return post


@router.delete(
    "/v1/posts/{post_id}",
    auth=Auth.REQUIRED,
    rate=RateClass.WRITE,
    conditional=True,
    status_code=204,
    problems=[errors.PostNotFound, errors.NotYourPost],
    summary="Delete a post",
)
async def delete_post(request: Request, post_id: PostId, viewer: Viewer, deps: Dependencies) -> None:
    """Deletes it with its photos, for good. Both answer 404 at once; a moment later their sizes are removed from object
    storage and from the CDN. Safe to repeat. With `If-Match`, it fails if the post has changed since you read it, as an
    edit does."""
    precondition = _unchanged(request, deps) if "if-match" in request.headers else None
    await deps.posts.delete_post(viewer.account_id, post_id, precondition)


@router.get(
    "/v1/users/{user_id}/posts",
    auth=Auth.OPTIONAL,
    rate=RateClass.READ,
    paged=True,
    problems=[errors.AccountNotFound],
    summary="List an account's posts",
)
async def list_posts(user_id: UserId, viewer: MaybeViewer, deps: Dependencies, paging: Paging) -> Page[Post]:
    """Newest first. You see all of your own, other people see those that are published. The list of an account that is
    private or without posts is empty; an account whose profile you get a 404 for has none here either. Pages neither
    repeat nor skip posts while others are added or deleted."""
    kind = f"posts-by-author:{encode('u', user_id)}"
    position = paging.position(kind)
    views, last = await deps.post_queries.posts_by_author(
        account_of(viewer), user_id, before=position[0] if position else None, limit=paging.limit
    )
    return paging.page(kind, [Post.of(view, deps.cdn_url) for view in views], [last] if last is not None else None)


def _unchanged(request: Request, deps: Deps) -> Callable[[PostView], None]:
    """Returns the precondition of a write: the request's `If-Match`, likes and comments aside."""

    def precondition(current: PostView) -> None:
        post = Post.of(current, deps.cdn_url)
        require_match(request, entity_tag(post), stem=entity_tag_stem(post))

    return precondition

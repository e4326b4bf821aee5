"""Routes: parse, one call, schema."""

from __future__ import annotations

import hashlib
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from photomesh_post import errors
from photomesh_post.http.dependencies import CACHE, READ, WRITE, Cursor, Dependencies, Limit, account_of
from photomesh_post.http.schemas.posts import NewPost, Photo, Post, PostChanges
from photomesh_post.posts.domain import PostView
from photomesh_shared.auth import MaybeViewer, Viewer
from photomesh_shared.conditional import offer, require_match
from photomesh_shared.cursors import Page, link_next
from photomesh_shared.errors import (
    IdempotencyKeyInUse,
    IdempotencyKeyReused,
    InvalidCursor,
    MalformedJson,
    PreconditionFailed,
)
from photomesh_shared.http import problems
from photomesh_shared.ids import PhotoId, PostId, UserId, encode

__all__ = ["router"]

router = APIRouter()

_TEXT = (errors.CaptionTooLong, errors.TooManyHashtags, errors.TooManyMentions)
_NOT_MODIFIED: dict[int | str, dict[str, Any]] = {304: {"description": "You have it already."}}


_REACTIONS = {"like_count", "comment_count", "viewer"}


def _tag(shown: BaseModel) -> str:
    """An entity tag of everything that is shown: a photo's state and an author's name are no part of a version. What
    others do under a post is told by its end."""
    return f'{_stem(shown)}{_digest(shown.model_dump_json(include=_REACTIONS))[:8]}"'


def _stem(shown: BaseModel) -> str:
    return f'"{_digest(shown.model_dump_json(exclude=_REACTIONS))[:24]}.'


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@router.get(
    "/v1/photos/{photo_id}",
    tags=["photos"],
    summary="A photo and its public sizes",
    responses=_NOT_MODIFIED | problems(*READ, errors.PhotoNotFound),
)
async def get_photo(
    request: Request, response: Response, photo_id: PhotoId, viewer: MaybeViewer, deps: Dependencies
) -> Photo:
    """Its owner sees a photo in every state, everybody else when it is in a published post that they see. Right after
    its upload was completed, a photo may take a moment to appear: the answer waits for it a little, and a 404 says by
    `retryable` and `Retry-After` whether it may still come. Answers `If-None-Match` with 304, so it can be polled
    cheaply until `status` is no longer `processing`."""
    photo = Photo.of(await deps.views.photo(account_of(viewer), photo_id), deps.cdn_url)
    offer(request, response, _tag(photo), cache_control=CACHE)
    return photo


@router.post(
    "/v1/posts",
    status_code=201,
    tags=["posts"],
    summary="Make a post",
    responses=problems(
        *WRITE,
        MalformedJson,
        *_TEXT,
        errors.TooManyPhotos,
        errors.UnknownPhoto,
        errors.UnusablePhoto,
        errors.PhotoInUse,
        IdempotencyKeyInUse,
        IdempotencyKeyReused,
    ),
)
async def create_post(body: NewPost, response: Response, viewer: Viewer, deps: Dependencies) -> Post:
    """Of one to ten photos of yours. They need not be ready: the post publishes itself when its last photo is, or
    fails with the reason of the photo that does. Takes an `Idempotency-Key`; without one, the same post with the same
    photos again gives the post that there is, since a photo is in one post at most."""
    post = Post.of(await deps.service.create(viewer.account_id, body.draft()), deps.cdn_url)
    response.headers.update({"Location": f"/v1/posts/{encode('o', post.id)}", "ETag": _tag(post)})
    return post


@router.get(
    "/v1/posts/{post_id}",
    tags=["posts"],
    summary="A post",
    responses=_NOT_MODIFIED | problems(*READ, errors.PostNotFound),
)
async def get_post(
    request: Request, response: Response, post_id: PostId, viewer: MaybeViewer, deps: Dependencies
) -> Post:
    """Its author sees a post in every state, everybody else once it is published; of a private account its followers
    only, and nobody where one of the two blocks the other. Answers `If-None-Match` with 304."""
    post = Post.of(await deps.views.post(account_of(viewer), post_id), deps.cdn_url)
    offer(request, response, _tag(post), cache_control=CACHE)
    return post


@router.patch(
    "/v1/posts/{post_id}",
    tags=["posts"],
    summary="Edit a post's words",
    responses=problems(*WRITE, MalformedJson, *_TEXT, errors.PostNotFound, errors.NotYourPost, PreconditionFailed),
)
async def edit_post(
    request: Request, response: Response, post_id: PostId, body: PostChanges, viewer: Viewer, deps: Dependencies
) -> Post:
    """Only what you send changes; photos stay. With `If-Match` it changes only if it is still as you read it;
    likes and comments make no difference to that."""

    def precondition(seen: PostView) -> None:
        post = Post.of(seen, deps.cdn_url)
        require_match(request, _tag(post), stem=_stem(post))

    post = Post.of(await deps.service.edit(viewer.account_id, post_id, body.changes(), precondition), deps.cdn_url)
    response.headers.update({"ETag": _tag(post), "Cache-Control": CACHE})
    return post


@router.delete(
    "/v1/posts/{post_id}",
    status_code=204,
    tags=["posts"],
    summary="Delete a post",
    responses=problems(*WRITE, errors.PostNotFound, errors.NotYourPost),
)
async def delete_post(post_id: PostId, viewer: Viewer, deps: Dependencies) -> None:
    """With its photos, for good. Both answer 404 at once; a moment later their sizes are gone from object storage and
    from the CDN, and subscribers know. Safe to repeat."""
    await deps.service.delete(viewer.account_id, post_id)


@router.get(
    "/v1/users/{user_id}/posts",
    tags=["posts"],
    summary="An account's posts",
    responses=problems(*READ, InvalidCursor),
)
async def list_posts(
    request: Request,
    response: Response,
    user_id: UserId,
    viewer: MaybeViewer,
    deps: Dependencies,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[Post]:
    """Newest first. You see all of your own, others see those that are published. The list of an account that is
    hidden from you, unknown, or has none is empty. Pages neither repeat nor skip while posts come and go."""
    kind = f"posts-by-author:{encode('u', user_id)}"
    before = deps.cursors.decode(kind, cursor)[0] if cursor else None
    found, last = await deps.views.posts_of(account_of(viewer), user_id, before=before, limit=limit)
    next_cursor = deps.cursors.encode(kind, [last]) if last is not None else None
    link_next(request, response, deps.public_url, next_cursor)
    response.headers["Cache-Control"] = CACHE
    return Page(items=[Post.of(view, deps.cdn_url) for view in found], next_cursor=next_cursor)

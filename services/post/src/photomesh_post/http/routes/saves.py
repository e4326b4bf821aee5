"""Routes of saved posts and collections: parse, one call, schema."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from photomesh_post import errors
from photomesh_post.http.dependencies import WRITE, Cursor, Dependencies, Limit
from photomesh_post.http.schemas.posts import Post
from photomesh_post.http.schemas.saves import CollectionName, CollectionOut
from photomesh_post.saves.domain import Place
from photomesh_post.wiring import Deps
from photomesh_shared.auth import Viewer
from photomesh_shared.cursors import Page, link_next
from photomesh_shared.errors import IdempotencyKeyInUse, IdempotencyKeyReused, InvalidCursor, MalformedJson
from photomesh_shared.http import problems
from photomesh_shared.ids import CollectionId, PostId, encode

__all__ = ["router"]

router = APIRouter(tags=["saves"])

_OWN = "private, no-store"  # a list that nobody else may ever see


@router.put(
    "/v1/posts/{post_id}/save",
    status_code=204,
    summary="Save a post",
    responses=problems(*WRITE, errors.PostNotFound),
)
async def save_post(post_id: PostId, viewer: Viewer, deps: Dependencies) -> None:
    """Keeps it for you; nobody is told, its author neither. Safe to repeat: a post stays where it is in your list."""
    await deps.saves.save(viewer.account_id, post_id)


@router.delete(
    "/v1/posts/{post_id}/save",
    status_code=204,
    summary="Save a post no longer",
    responses=problems(*WRITE, errors.PostNotFound),
)
async def unsave_post(post_id: PostId, viewer: Viewer, deps: Dependencies) -> None:
    """It leaves all your collections, too. Safe to repeat."""
    await deps.saves.unsave(viewer.account_id, post_id)


@router.get("/v1/me/saves", summary="Your saved posts", responses=problems(*WRITE, InvalidCursor))
async def list_saves(
    request: Request,
    response: Response,
    viewer: Viewer,
    deps: Dependencies,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[Post]:
    """The one that you saved last comes first. Posts that were deleted, or that you may not see any more, are left out,
    so a page may have fewer than `limit` although there are more: only `next_cursor` says so."""
    kind = f"saves:{encode('u', viewer.account_id)}"
    found, last = await deps.saves.saved(viewer.account_id, before=_place(deps, kind, cursor), limit=limit)
    next_cursor = deps.cursors.encode(kind, [last.version, last.post_id]) if last else None
    link_next(request, response, deps.public_url, next_cursor)
    response.headers["Cache-Control"] = _OWN
    return Page(items=[Post.of(view, deps.cdn_url) for view in found], next_cursor=next_cursor)


@router.post(
    "/v1/me/collections",
    status_code=201,
    summary="Make a collection",
    responses=problems(*WRITE, MalformedJson, errors.TooManyCollections, IdempotencyKeyInUse, IdempotencyKeyReused),
)
async def create_collection(
    body: CollectionName, response: Response, viewer: Viewer, deps: Dependencies
) -> CollectionOut:
    """For posts that you save; you can have 100. Takes an `Idempotency-Key`; without one, the same name again is
    another collection."""
    view = await deps.saves.create_collection(viewer.account_id, body.name)
    response.headers["Cache-Control"] = _OWN
    return CollectionOut.of(view, deps.cdn_url)


@router.get("/v1/me/collections", summary="Your collections", responses=problems(*WRITE, InvalidCursor))
async def list_collections(
    request: Request,
    response: Response,
    viewer: Viewer,
    deps: Dependencies,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[CollectionOut]:
    """Newest first, each with the number of its posts and a cover."""
    kind = f"collections:{encode('u', viewer.account_id)}"
    before = deps.cursors.decode(kind, cursor)[0] if cursor else None
    found, last = await deps.saves.collections(viewer.account_id, before=before, limit=limit)
    next_cursor = deps.cursors.encode(kind, [last]) if last is not None else None
    link_next(request, response, deps.public_url, next_cursor)
    response.headers["Cache-Control"] = _OWN
    return Page(items=[CollectionOut.of(view, deps.cdn_url) for view in found], next_cursor=next_cursor)


@router.patch(
    "/v1/me/collections/{collection_id}",
    summary="Rename a collection",
    responses=problems(*WRITE, MalformedJson, errors.CollectionNotFound),
)
async def rename_collection(
    collection_id: CollectionId, body: CollectionName, response: Response, viewer: Viewer, deps: Dependencies
) -> CollectionOut:
    """The posts in it stay."""
    view = await deps.saves.rename_collection(viewer.account_id, collection_id, body.name)
    response.headers["Cache-Control"] = _OWN
    return CollectionOut.of(view, deps.cdn_url)


@router.delete(
    "/v1/me/collections/{collection_id}",
    status_code=204,
    summary="Delete a collection",
    responses=problems(*WRITE, errors.CollectionNotFound),
)
async def delete_collection(collection_id: CollectionId, viewer: Viewer, deps: Dependencies) -> None:
    """The posts in it stay saved."""
    await deps.saves.delete_collection(viewer.account_id, collection_id)


@router.get(
    "/v1/me/collections/{collection_id}/posts",
    summary="The posts in a collection",
    responses=problems(*WRITE, InvalidCursor, errors.CollectionNotFound),
)
async def list_collection(
    request: Request,
    response: Response,
    collection_id: CollectionId,
    viewer: Viewer,
    deps: Dependencies,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[Post]:
    """The one that you added last comes first; else as your saved posts."""
    kind = f"collection:{encode('k', collection_id)}"
    found, last = await deps.saves.in_collection(
        viewer.account_id, collection_id, before=_place(deps, kind, cursor), limit=limit
    )
    next_cursor = deps.cursors.encode(kind, [last.version, last.post_id]) if last else None
    link_next(request, response, deps.public_url, next_cursor)
    response.headers["Cache-Control"] = _OWN
    return Page(items=[Post.of(view, deps.cdn_url) for view in found], next_cursor=next_cursor)


@router.put(
    "/v1/me/collections/{collection_id}/posts/{post_id}",
    status_code=204,
    summary="Add a post to a collection",
    responses=problems(*WRITE, errors.CollectionNotFound, errors.PostNotFound),
)
async def add_to_collection(collection_id: CollectionId, post_id: PostId, viewer: Viewer, deps: Dependencies) -> None:
    """And save it, if you have not. Safe to repeat."""
    await deps.saves.add(viewer.account_id, collection_id, post_id)


@router.delete(
    "/v1/me/collections/{collection_id}/posts/{post_id}",
    status_code=204,
    summary="Take a post out of a collection",
    responses=problems(*WRITE, errors.CollectionNotFound, errors.PostNotFound),
)
async def remove_from_collection(
    collection_id: CollectionId, post_id: PostId, viewer: Viewer, deps: Dependencies
) -> None:
    """It stays saved, and in other collections. Safe to repeat."""
    await deps.saves.remove(viewer.account_id, collection_id, post_id)


def _place(deps: Deps, kind: str, cursor: str | None) -> Place | None:
    return Place(*deps.cursors.decode(kind, cursor)) if cursor else None

"""Routes of saved posts and collections."""

from __future__ import annotations

from fastapi import Response

from photomesh_post import errors
from photomesh_post.http.dependencies import Dependencies
from photomesh_post.http.schemas.posts import Post
from photomesh_post.http.schemas.saves import Collection, CollectionName
from photomesh_post.saves.domain import ListPosition
from photomesh_shared.auth import Viewer
from photomesh_shared.http import ApiRouter, Auth, Budget, Creation, Page, PageRequest, Paging, RateClass
from photomesh_shared.ids import CollectionId, PostId, encode

__all__ = ["router"]

router = ApiRouter(tags=["saves"])

_NO_STORE = "private, no-store"  # only its owner may ever see it


@router.put(
    "/v1/posts/{post_id}/save",
    auth=Auth.REQUIRED,
    rate=RateClass.WRITE,
    budget=Budget.TOGGLES,
    status_code=204,
    problems=[errors.PostNotFound],
    summary="Save a post",
)
async def save_post(post_id: PostId, viewer: Viewer, deps: Dependencies) -> None:
    """Only you can see what you save, not even its author can. Safe to repeat: a saved post keeps its position in your
    list."""
    await deps.saves.save_post(viewer.account_id, post_id)


@router.delete(
    "/v1/posts/{post_id}/save",
    auth=Auth.REQUIRED,
    rate=RateClass.WRITE,
    status_code=204,
    problems=[errors.PostNotFound],
    summary="Unsave a post",
)
async def unsave_post(post_id: PostId, viewer: Viewer, deps: Dependencies) -> None:
    """Also removes it from all your collections. Safe to repeat, also if you do not see the post any more."""
    await deps.saves.unsave_post(viewer.account_id, post_id)


@router.get("/v1/me/saves", auth=Auth.REQUIRED, rate=RateClass.READ, paged=True, summary="List your saved posts")
async def list_saves(viewer: Viewer, deps: Dependencies, paging: Paging) -> Page[Post]:
    """The last saved first. Posts that were deleted, or that are hidden from you by now, are left out, so a page may
    have fewer than `limit` although there are more: only `next_cursor` tells."""
    kind = f"saves:{encode('u', viewer.account_id)}"
    views, last = await deps.save_queries.saved_posts(
        viewer.account_id, before=_position(paging, kind), limit=paging.limit
    )
    return paging.page(kind, [Post.of(view, deps.cdn_url) for view in views], _values(last), cache_control=_NO_STORE)


@router.post(
    "/v1/me/collections",
    auth=Auth.REQUIRED,
    rate=RateClass.WRITE,
    budget=Budget.RECORDS,
    idempotent=True,
    status_code=201,
    problems=[errors.TooManyCollections, errors.CollectionNotFound],
    summary="Create a collection",
)
async def create_collection(
    body: CollectionName, response: Response, viewer: Viewer, creation: Creation, deps: Dependencies
) -> Collection:
    """For posts that you save; you can have 100. Takes an `Idempotency-Key`; without one, the same name again is
    another collection."""
    view = await deps.saves.create_collection(creation, viewer.account_id, body.name)
    location = f"/v1/me/collections/{encode('k', view.collection.id)}"
    response.headers.update({"Location": location, "Cache-Control": _NO_STORE})
    return Collection.of(view, deps.cdn_url)


@router.get("/v1/me/collections", auth=Auth.REQUIRED, rate=RateClass.READ, paged=True, summary="List your collections")
async def list_collections(viewer: Viewer, deps: Dependencies, paging: Paging) -> Page[Collection]:
    """Newest first, each with the number of its posts and a cover."""
    kind = f"collections:{encode('u', viewer.account_id)}"
    position = paging.position(kind)
    views, last = await deps.save_queries.collections(
        viewer.account_id, before=position[0] if position else None, limit=paging.limit
    )
    items = [Collection.of(view, deps.cdn_url) for view in views]
    return paging.page(kind, items, [last] if last is not None else None, cache_control=_NO_STORE)


@router.patch(
    "/v1/me/collections/{collection_id}",
    auth=Auth.REQUIRED,
    rate=RateClass.WRITE,
    budget=Budget.RECORDS,
    problems=[errors.CollectionNotFound],
    summary="Rename a collection",
)
async def rename_collection(
    collection_id: CollectionId, body: CollectionName, response: Response, viewer: Viewer, deps: Dependencies
) -> Collection:
    """The posts in it stay."""
    view = await deps.saves.rename_collection(viewer.account_id, collection_id, body.name)
    response.headers["Cache-Control"] = _NO_STORE
    return Collection.of(view, deps.cdn_url)


@router.delete(
    "/v1/me/collections/{collection_id}",
    auth=Auth.REQUIRED,
    rate=RateClass.WRITE,
    status_code=204,
    problems=[errors.CollectionNotFound],
    summary="Delete a collection",
)
async def delete_collection(collection_id: CollectionId, viewer: Viewer, deps: Dependencies) -> None:
    """The posts in it stay saved."""
    await deps.saves.delete_collection(viewer.account_id, collection_id)


@router.get(
    "/v1/me/collections/{collection_id}/posts",
    auth=Auth.REQUIRED,
    rate=RateClass.READ,
    paged=True,
    problems=[errors.CollectionNotFound],
    summary="List the posts in a collection",
)
async def list_collection_posts(
    collection_id: CollectionId, viewer: Viewer, deps: Dependencies, paging: Paging
) -> Page[Post]:
    """The last added first; otherwise as your saved posts."""
    kind = f"collection:{encode('k', collection_id)}"
    views, last = await deps.save_queries.collection_posts(
        viewer.account_id, collection_id, before=_position(paging, kind), limit=paging.limit
    )
    return paging.page(kind, [Post.of(view, deps.cdn_url) for view in views], _values(last), cache_control=_NO_STORE)


@router.put(
    "/v1/me/collections/{collection_id}/posts/{post_id}",
    auth=Auth.REQUIRED,
    rate=RateClass.WRITE,
    budget=Budget.TOGGLES,
    status_code=204,
    problems=[errors.CollectionNotFound, errors.PostNotFound],
    summary="Add a post to a collection",
)
async def add_to_collection(collection_id: CollectionId, post_id: PostId, viewer: Viewer, deps: Dependencies) -> None:
    """Saves the post as well if it is not saved yet. Safe to repeat."""
    await deps.saves.add_to_collection(viewer.account_id, collection_id, post_id)


@router.delete(
    "/v1/me/collections/{collection_id}/posts/{post_id}",
    auth=Auth.REQUIRED,
    rate=RateClass.WRITE,
    status_code=204,
    problems=[errors.CollectionNotFound, errors.PostNotFound],
    summary="Remove a post from a collection",
)
async def remove_from_collection(
    collection_id: CollectionId, post_id: PostId, viewer: Viewer, deps: Dependencies
) -> None:
    """It stays saved, and in other collections. Safe to repeat, also if you do not see the post any more."""
    await deps.saves.remove_from_collection(viewer.account_id, collection_id, post_id)


def _position(paging: PageRequest, kind: str) -> ListPosition | None:
    position = paging.position(kind)
    return ListPosition(*position) if position else None


def _values(position: ListPosition | None) -> list[int] | None:
    return [position.version, position.post_id] if position else None

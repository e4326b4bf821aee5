"""Routes of photos."""

from __future__ import annotations

from fastapi import Request, Response

from photomesh_post import errors
from photomesh_post.http.dependencies import Dependencies, account_of
from photomesh_post.http.entity_tags import entity_tag
from photomesh_post.http.schemas.photos import Photo
from photomesh_shared.auth import MaybeViewer
from photomesh_shared.http import PRIVATE, ApiRouter, Auth, RateClass
from photomesh_shared.http.conditional import offer
from photomesh_shared.ids import PhotoId

__all__ = ["router"]

router = ApiRouter(tags=["photos"])


@router.get(
    "/v1/photos/{photo_id}",
    auth=Auth.OPTIONAL,
    rate=RateClass.READ,
    problems=[errors.PhotoNotFound],
    summary="Get a photo and its public sizes",
)
async def get_photo(
    request: Request, response: Response, photo_id: PhotoId, viewer: MaybeViewer, deps: Dependencies
) -> Photo:
    """Its owner sees a photo in every state, everybody else if it is ready and in a published post that they see. Right
    after its upload was completed, a photo may take a moment to appear: the request waits a little for it, and a 404
    says by `retryable` and `Retry-After` whether it may still come. Answers `If-None-Match` with 304, so polling until
    `status` is not `processing` any more is cheap."""
    photo = Photo.of(await deps.photo_queries.photo(account_of(viewer), photo_id), deps.cdn_url)
    offer(request, response, entity_tag(photo), cache_control=PRIVATE)
    return photo

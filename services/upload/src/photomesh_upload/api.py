"""The HTTP door: parse, one call, answer."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Depends, Query, Request, Response

from photomesh_shared import ids
from photomesh_shared.auth import Viewer
from photomesh_shared.cursors import Page, link_next
from photomesh_shared.errors import (
    ExpiredToken,
    IdempotencyKeyInUse,
    IdempotencyKeyReused,
    InvalidCursor,
    InvalidRequest,
    InvalidToken,
    MalformedJson,
    MissingToken,
    Problem,
    Unavailable,
    WrongRegion,
)
from photomesh_shared.http import problems
from photomesh_shared.ids import UploadId
from photomesh_upload.errors import (
    PartsMismatch,
    PhotoTooLarge,
    QuotaExceeded,
    SizeMismatch,
    UnsupportedType,
    UploadAborted,
    UploadCompleted,
    UploadExpired,
    UploadIncomplete,
    UploadNotFound,
)
from photomesh_upload.schemas import (
    Completed,
    CompleteUpload,
    FreshUrls,
    InitUpload,
    RenewUrls,
    UploadBegun,
    UploadProgress,
    UploadSummary,
)
from photomesh_upload.wiring import Deps

__all__ = ["router"]

router = APIRouter(prefix="/v1/uploads", tags=["uploads"])

_ALWAYS: tuple[type[Problem], ...] = (MissingToken, InvalidToken, ExpiredToken, InvalidRequest, Unavailable)
_BODY = (MalformedJson,)
_ONE = (UploadNotFound, WrongRegion)
_LIST = "uploads"


async def _deps(request: Request) -> Deps:  # async, or it would take a turn in a thread for each request
    deps: Deps = request.app.state.deps
    return deps


Dependencies = Annotated[Deps, Depends(_deps)]


@router.post(
    "/init",
    summary="Begin an upload",
    responses=problems(
        *_ALWAYS, *_BODY, UnsupportedType, PhotoTooLarge, QuotaExceeded, IdempotencyKeyReused, IdempotencyKeyInUse
    ),
)
async def init_upload(body: InitUpload, viewer: Viewer, deps: Dependencies) -> UploadBegun:
    """Announces a photo, and gives URLs to send it to: one up to 5 MB, above that one for each part of 5 MiB. The bytes
    go straight to object storage; a URL takes exactly as many as were announced. When all are sent, complete the
    upload. Takes an `Idempotency-Key`."""
    urls = await deps.service.begin(viewer.account_id, body.filename, body.content_type, body.size_bytes)
    return UploadBegun.of(urls, deps.region)


@router.get(
    "",
    summary="List your open uploads",
    responses=problems(*_ALWAYS, InvalidCursor),
)
async def list_uploads(
    request: Request,
    response: Response,
    viewer: Viewer,
    deps: Dependencies,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    cursor: Annotated[str | None, Query(max_length=500)] = None,
) -> Page[UploadSummary]:
    """Newest first. What is complete is a photo, and no longer here."""
    kind = f"{_LIST}:{ids.encode('u', viewer.account_id)}"
    before = deps.cursors.decode(kind, cursor)[0] if cursor else None
    found = await deps.service.list_open(viewer.account_id, before=before, limit=limit + 1)
    page = found[:limit]
    next_cursor = deps.cursors.encode(kind, [page[-1].upload_id]) if len(found) > limit else None
    link_next(request, response, deps.public_url, next_cursor)
    return Page(items=[UploadSummary.of(upload, deps.region) for upload in page], next_cursor=next_cursor)


@router.get(
    "/{upload_id}",
    summary="See what has arrived",
    responses=problems(*_ALWAYS, *_ONE),
)
async def get_upload(upload_id: UploadId, viewer: Viewer, deps: Dependencies) -> UploadProgress:
    """For resuming: the parts that object storage has, with their ETags, and the numbers of those that it lacks."""
    upload, arrived = await deps.service.show(viewer.account_id, upload_id)
    return UploadProgress.with_parts(upload, arrived, deps.region)


@router.post(
    "/{upload_id}/parts",
    summary="Get fresh URLs for parts",
    responses=problems(*_ALWAYS, *_BODY, *_ONE, UploadCompleted, UploadExpired, UploadAborted),
)
async def renew_urls(upload_id: UploadId, body: RenewUrls, viewer: Viewer, deps: Dependencies) -> FreshUrls:
    """When URLs have expired, or to resume. Sending a part again replaces it."""
    return FreshUrls.of(await deps.service.fresh_urls(viewer.account_id, upload_id, body.part_numbers))


@router.post(
    "/{upload_id}/complete",
    status_code=201,
    summary="Complete an upload",
    responses=problems(
        *_ALWAYS, *_BODY, *_ONE, UploadIncomplete, PartsMismatch, SizeMismatch, UploadExpired, UploadAborted
    ),
)
async def complete_upload(
    upload_id: UploadId,
    viewer: Viewer,
    response: Response,
    deps: Dependencies,
    body: Annotated[CompleteUpload | None, Body()] = None,
) -> Completed:
    """Checks that everything has arrived and makes it a photo, which is then processed. Safe to repeat: the answer is
    the same each time. From now on nothing can change the bytes; the URLs no longer work."""
    named = body.named() if body else []
    upload = await deps.service.complete(viewer.account_id, upload_id, named)
    response.headers["Location"] = f"/v1/photos/{ids.encode('p', upload.photo_id)}"
    return Completed(photo_id=upload.photo_id, status="processing")


@router.delete(
    "/{upload_id}",
    status_code=204,
    summary="Abort an upload",
    responses=problems(*_ALWAYS, *_ONE, UploadCompleted),
)
async def abort_upload(upload_id: UploadId, viewer: Viewer, deps: Dependencies) -> None:
    """Discards what has arrived. Safe to repeat."""
    await deps.service.abort(viewer.account_id, upload_id)

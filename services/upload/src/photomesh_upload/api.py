"""Routes: parse, one call, schema."""

from __future__ import annotations

from typing import Annotated

from fastapi import Body, Depends, Response

from photomesh_shared import ids
from photomesh_shared.auth import Viewer
from photomesh_shared.errors import WrongRegion
from photomesh_shared.http import ApiRouter, Auth, LargePaging, Page, RateClass, app_deps
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

router = ApiRouter(prefix="/v1/uploads", tags=["uploads"])

Dependencies = Annotated[Deps, Depends(app_deps)]


@router.post(
    "/init",
    auth=Auth.REQUIRED,
    rate=RateClass.UPLOAD,
    idempotent=True,
    problems=[UnsupportedType, PhotoTooLarge, QuotaExceeded],
    summary="Begin an upload",
)
async def init_upload(body: InitUpload, viewer: Viewer, deps: Dependencies) -> UploadBegun:
    """Announces a photo, and gives URLs to send it to: one up to 5 MB, above that one for each part of 5 MiB. The bytes
    go straight to object storage; a URL takes exactly as many as were announced. When all are sent, complete the
    upload. Takes an `Idempotency-Key`."""
    urls = await deps.service.begin(viewer.account_id, body.filename, body.content_type, body.size_bytes)
    return UploadBegun.of(urls, deps.region)


@router.get("", auth=Auth.REQUIRED, rate=RateClass.READ, paged=True, summary="List your open uploads")
async def list_uploads(viewer: Viewer, deps: Dependencies, paging: LargePaging) -> Page[UploadSummary]:
    """Newest first. What is complete is a photo, and no longer here."""
    kind = f"uploads:{ids.encode('u', viewer.account_id)}"
    position = paging.position(kind)
    before = position[0] if position else None
    found = await deps.service.list_open(viewer.account_id, before=before, limit=paging.limit + 1)
    shown = found[: paging.limit]
    more = [shown[-1].upload_id] if len(found) > paging.limit else None
    return paging.page(kind, [UploadSummary.of(upload, deps.region) for upload in shown], more)


@router.get(
    "/{upload_id}",
    auth=Auth.REQUIRED,
    rate=RateClass.READ,
    problems=[UploadNotFound, WrongRegion],
    summary="See what has arrived",
)
async def get_upload(upload_id: UploadId, viewer: Viewer, deps: Dependencies) -> UploadProgress:
    """For resuming: the parts that object storage has, with their ETags, and the numbers of those that it lacks."""
    upload, arrived = await deps.service.show(viewer.account_id, upload_id)
    return UploadProgress.with_parts(upload, arrived, deps.region)


@router.post(
    "/{upload_id}/parts",
    auth=Auth.REQUIRED,
    rate=RateClass.UPLOAD,
    problems=[UploadNotFound, WrongRegion, UploadCompleted, UploadExpired, UploadAborted],
    summary="Get fresh URLs for parts",
)
async def renew_urls(upload_id: UploadId, body: RenewUrls, viewer: Viewer, deps: Dependencies) -> FreshUrls:
    """When URLs have expired, or to resume. Sending a part again replaces it."""
    return FreshUrls.of(await deps.service.fresh_urls(viewer.account_id, upload_id, body.part_numbers))


@router.post(
    "/{upload_id}/complete",
    auth=Auth.REQUIRED,
    rate=RateClass.UPLOAD,
    problems=[
        UploadNotFound,
        WrongRegion,
        UploadIncomplete,
        PartsMismatch,
        SizeMismatch,
        UploadExpired,
        UploadAborted,
    ],
    status_code=201,
    summary="Complete an upload",
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
    auth=Auth.REQUIRED,
    rate=RateClass.WRITE,
    problems=[UploadNotFound, WrongRegion, UploadCompleted],
    status_code=204,
    summary="Abort an upload",
)
async def abort_upload(upload_id: UploadId, viewer: Viewer, deps: Dependencies) -> None:
    """Discards what has arrived. Safe to repeat."""
    await deps.service.abort(viewer.account_id, upload_id)

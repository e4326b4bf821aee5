"""Routes of uploads."""

from __future__ import annotations

from typing import Annotated

from fastapi import Body, Request, Response

from photomesh_shared import ids
from photomesh_shared.auth import Principal, Viewer
from photomesh_shared.errors import WrongRegion
from photomesh_shared.http import PRIVATE, ApiRouter, Auth, Budget, Creation, Page, Paging, RateClass
from photomesh_shared.http.conditional import content_tag, offer, require_match
from photomesh_shared.ids import UploadId
from photomesh_upload.domain import Status
from photomesh_upload.errors import (
    PartsMismatch,
    PhotoTooLarge,
    QuotaExceeded,
    SizeMismatch,
    UnsupportedType,
    UploadAborted,
    UploadBusy,
    UploadCompleted,
    UploadExpired,
    UploadIncomplete,
    UploadNotFound,
)
from photomesh_upload.http.dependencies import Dependencies
from photomesh_upload.http.schemas import (
    PartUrls,
    PartUrlsCreate,
    UploadComplete,
    UploadCompletion,
    UploadCreate,
    UploadDetails,
    UploadSummary,
    UploadUrls,
)
from photomesh_upload.wiring import Deps

__all__ = ["router"]

router = ApiRouter(prefix="/v1/uploads", tags=["uploads"])


@router.post(
    "/init",
    auth=Auth.REQUIRED,
    rate=RateClass.UPLOAD,
    budget=Budget.UPLOADS,
    idempotent=True,
    status_code=201,
    problems=[UnsupportedType, PhotoTooLarge, QuotaExceeded, UploadCompleted, UploadExpired, UploadAborted],
    summary="Create an upload",
)
async def create_upload(
    body: UploadCreate, response: Response, viewer: Viewer, creation: Creation, deps: Dependencies
) -> UploadUrls:
    """Announces a photo and returns presigned URLs: one for a file of up to 5 MB, otherwise one per part of 5 MiB. PUT
    the bytes straight to object storage, which accepts exactly the announced length per URL, then complete the
    upload."""
    urls = await deps.uploads.create_upload(
        creation, viewer.account_id, body.filename, body.content_type, body.size_bytes, body.purpose
    )
    response.headers["Location"] = f"/v1/uploads/{ids.encode('up', urls.upload.upload_id)}"
    return UploadUrls.of(urls, deps.region)


@router.get("", auth=Auth.REQUIRED, rate=RateClass.READ, paged=True, summary="List open uploads")
async def list_uploads(viewer: Viewer, deps: Dependencies, paging: Paging) -> Page[UploadSummary]:
    """Your uploads that are neither completed, aborted nor expired, newest first."""
    kind = f"uploads:{ids.encode('u', viewer.account_id)}"
    position = paging.position(kind)
    before = position[0] if position else None
    found = await deps.uploads.list_open_uploads(viewer.account_id, before=before, limit=paging.limit + 1)
    shown = found[: paging.limit]
    more = [shown[-1].upload_id] if len(found) > paging.limit else None
    return paging.page(kind, [UploadSummary.of(upload, deps.region) for upload in shown], more)


@router.get(
    "/{upload_id}",
    auth=Auth.REQUIRED,
    rate=RateClass.READ,
    problems=[UploadNotFound, WrongRegion],
    summary="Get an upload",
)
async def get_upload(
    request: Request, response: Response, upload_id: UploadId, viewer: Viewer, deps: Dependencies
) -> UploadDetails:
    """To resume an upload: the stored parts with their ETags, and the numbers of the missing ones."""
    details = await _details(upload_id, viewer, deps)
    offer(request, response, _entity_tag(details), cache_control=PRIVATE)
    return details


@router.post(
    "/{upload_id}/parts",
    auth=Auth.REQUIRED,
    rate=RateClass.UPLOAD,
    problems=[UploadNotFound, WrongRegion, UploadCompleted, UploadExpired, UploadAborted],
    summary="Create URLs for parts",
)
async def create_part_urls(upload_id: UploadId, body: PartUrlsCreate, viewer: Viewer, deps: Dependencies) -> PartUrls:
    """For URLs that have expired, or to resume an upload. A part that is sent again replaces the earlier one."""
    return PartUrls.of(await deps.uploads.create_part_urls(viewer.account_id, upload_id, body.part_numbers))


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
    max_body=32 * 1024,  # the longest ETags, every character an escaped surrogate pair
    status_code=201,
    summary="Complete an upload",
)
async def complete_upload(
    upload_id: UploadId,
    viewer: Viewer,
    response: Response,
    deps: Dependencies,
    body: Annotated[UploadComplete | None, Body()] = None,
) -> UploadCompletion:
    """Verifies that all parts are stored and starts processing the photo. Idempotent. Afterwards the URLs stop working,
    and the bytes cannot be changed. A photo that no post and no story uses is deleted after a month, one that was
    rejected after a week."""
    listed = body.listed() if body else []
    upload = await deps.uploads.complete_upload(viewer.account_id, upload_id, listed)
    response.headers["Location"] = f"/v1/photos/{ids.encode('p', upload.photo_id)}"
    return UploadCompletion(photo_id=upload.photo_id, status="processing")


@router.delete(
    "/{upload_id}",
    auth=Auth.REQUIRED,
    rate=RateClass.WRITE,
    conditional=True,
    problems=[UploadNotFound, WrongRegion, UploadCompleted, UploadBusy],
    status_code=204,
    summary="Abort an upload",
)
async def abort_upload(request: Request, upload_id: UploadId, viewer: Viewer, deps: Dependencies) -> None:
    """Deletes what was uploaded. Idempotent. With `If-Match`, it fails if a part was stored since you read the upload,
    or if it has ended."""
    if "if-match" in request.headers:
        details = await _details(upload_id, viewer, deps)
        if details.status != Status.ABORTED:  # or a repetition would fail
            require_match(request, _entity_tag(details))
    await deps.uploads.abort_upload(viewer.account_id, upload_id)


async def _details(upload_id: int, viewer: Principal, deps: Deps) -> UploadDetails:
    upload, stored = await deps.uploads.get_upload(viewer.account_id, upload_id)
    return UploadDetails.with_parts(upload, stored, deps.region)


def _entity_tag(details: UploadDetails) -> str:
    return content_tag(details.model_dump_json().encode())

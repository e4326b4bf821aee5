"""Routes of exports."""

from __future__ import annotations

from fastapi import Response

from photomesh_export.domain import Proof
from photomesh_export.errors import ExportNotFound, ExportTooSoon
from photomesh_export.http.dependencies import Dependencies
from photomesh_export.http.schemas import Export, ExportCreate
from photomesh_shared.auth import Viewer
from photomesh_shared.errors import AccountNotFound
from photomesh_shared.http import ApiRouter, Auth, Budget, RateClass
from photomesh_shared.internal_api.confirmation import REFUSALS
from photomesh_shared.tokens.errors import SessionRequired

__all__ = ["router"]

router = ApiRouter(prefix="/v1/me/export", tags=["export"])

_NOT_STORED = "private, no-store"  # the response has links that need no token


@router.post(
    "",
    auth=Auth.REQUIRED,
    rate=RateClass.AUTH,
    budget=Budget.EXPORTS,
    problems=[*REFUSALS, ExportTooSoon, AccountNotFound],
    status_code=202,
    summary="Export your data",
)
async def create_export(body: ExportCreate, response: Response, viewer: Viewer, deps: Dependencies) -> Export:
    """Begins an export of everything that is stored about you: your profile, sessions, posts, comments, likes, saved
    posts, who you follow, what ranking goes by, and your photos as you uploaded them. It runs for minutes to hours;
    `GET /v1/me/export` shows how far it is. While one runs, it is returned instead of a new one. The next one may begin
    a day after the last that was completed. You get a mail when it was asked for, and when it is ready."""
    if viewer.session_id is None:
        raise SessionRequired
    proof = Proof(viewer.session_id, body.password, body.code)
    response.headers.update({"Location": "/v1/me/export", "Cache-Control": _NOT_STORED})
    return Export.of(await deps.exports.begin(viewer.account_id, proof))


@router.get("", auth=Auth.REQUIRED, rate=RateClass.READ, problems=[ExportNotFound], summary="Get your export")
async def get_export(response: Response, viewer: Viewer, deps: Dependencies) -> Export:
    """Your latest export: how far it is, and, once it is completed, its zip files. Each has a link that needs no token,
    so do not pass it on; it is valid for minutes, and each read signs new ones, for seven days. Unpack all files into
    one folder and open `index.html`. `manifest.json` lists what is in it, what failed, and what is left out and why."""
    response.headers["Cache-Control"] = _NOT_STORED
    return Export.of(await deps.exports.latest(viewer.account_id))


@router.delete(
    "", auth=Auth.REQUIRED, rate=RateClass.WRITE, status_code=204, summary="Cancel your export", response_class=Response
)
async def delete_export(viewer: Viewer, deps: Dependencies) -> None:
    """Cancels the export that runs, or deletes the finished one with its files, within minutes. Idempotent."""
    await deps.exports.cancel(viewer.account_id)

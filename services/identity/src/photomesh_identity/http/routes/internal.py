"""Routes for other services."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query

from photomesh_identity.http.dependencies import Dependencies
from photomesh_shared.http import InternalRouter
from photomesh_shared.ids import UserId
from photomesh_shared.internal_api.confirmation import (
    CONFIRM_OWNER,
    NOTIFY_OF_EXPORT,
    REFUSALS,
    ExportNotice,
    NoticeQueued,
    OwnerConfirmation,
    OwnerProof,
)
from photomesh_shared.internal_api.export import GET_EXPORT_PAGE, ExportPage, ExportQuery

__all__ = ["router"]

router = InternalRouter()


@router.serves(GET_EXPORT_PAGE)
async def get_export_page(account_id: UserId, query: Annotated[ExportQuery, Query()], deps: Dependencies) -> ExportPage:
    return await deps.records.page(account_id, query)


@router.serves(CONFIRM_OWNER)
async def confirm_owner(account_id: UserId, body: OwnerProof, deps: Dependencies) -> OwnerConfirmation:
    try:
        await deps.sessions.require_open(body.session_id)
        await deps.confirmation.require(account_id, body.password, body.code)
    except REFUSALS as refusal:
        return OwnerConfirmation.of(refusal)
    return OwnerConfirmation()


@router.serves(NOTIFY_OF_EXPORT)
async def notify_of_export(account_id: UserId, body: ExportNotice, deps: Dependencies) -> NoticeQueued:
    await deps.notices.of_export(account_id, body.kind, body.at)
    return NoticeQueued()

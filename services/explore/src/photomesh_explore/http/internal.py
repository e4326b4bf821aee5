"""Operations for other services."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query

from photomesh_explore.http.dependencies import Dependencies
from photomesh_shared.http import InternalRouter
from photomesh_shared.ids import UserId
from photomesh_shared.internal_api.export import GET_EXPORT_PAGE, ExportPage, ExportQuery

__all__ = ["router"]

router = InternalRouter()


@router.serves(GET_EXPORT_PAGE)
async def get_export_page(account_id: UserId, query: Annotated[ExportQuery, Query()], deps: Dependencies) -> ExportPage:
    return await deps.exports.page(account_id, query)

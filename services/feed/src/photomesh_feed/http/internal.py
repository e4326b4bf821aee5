"""Operations for other services."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query

from photomesh_feed.http.dependencies import Dependencies
from photomesh_shared.events import ACTIVE
from photomesh_shared.http import InternalRouter
from photomesh_shared.ids import UserId
from photomesh_shared.internal_api.export import GET_EXPORT_PAGE, ExportPage, ExportQuery
from photomesh_shared.internal_api.feed import PUT_ACCOUNT, PUT_RELATIONS
from photomesh_shared.internal_api.states import AccountState, RelationStates, StoredAccount, StoredRelations

__all__ = ["router"]

router = InternalRouter()


@router.serves(PUT_ACCOUNT)
async def put_account(account_id: UserId, state: AccountState, deps: Dependencies) -> StoredAccount:
    await deps.writer.upsert_user(
        account_id,
        state.version,
        username=state.username,
        display_name=state.display_name,
        avatar_url=state.avatar_url,
        private=state.private,
        hidden=state.status != ACTIVE,
        outdated=False,
    )
    return StoredAccount(version=state.version)


@router.serves(PUT_RELATIONS)
async def put_relations(body: RelationStates, deps: Dependencies) -> StoredRelations:
    """Feeds need the follows alone: a block ends them. The rules of reading hide the posts at once."""
    for one in body.relations:
        await deps.writer.apply_relation("follow", one.account_id, one.other_id, one.version, active=one.follows)
    return StoredRelations(stored=len(body.relations))


@router.serves(GET_EXPORT_PAGE)
async def get_export_page(account_id: UserId, query: Annotated[ExportQuery, Query()], deps: Dependencies) -> ExportPage:
    return await deps.exports.page(account_id, query)

"""Operations for other services."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query

from photomesh_explore.http.dependencies import Dependencies
from photomesh_explore.http.schemas import reason_of
from photomesh_explore.pages.suggestions import Suggested
from photomesh_shared.http import InternalRouter
from photomesh_shared.ids import UserId
from photomesh_shared.internal_api.explore import (
    GET_SUGGESTIONS,
    SHOW_SUGGESTIONS,
    ReasonedPost,
    ShownSuggestions,
    SuggestedPost,
    SuggestedPosts,
    SuggestionsQuery,
)
from photomesh_shared.internal_api.export import GET_EXPORT_PAGE, ExportPage, ExportQuery

__all__ = ["router"]

router = InternalRouter()


@router.serves(GET_EXPORT_PAGE)
async def get_export_page(account_id: UserId, query: Annotated[ExportQuery, Query()], deps: Dependencies) -> ExportPage:
    return await deps.exports.page(account_id, query)


@router.serves(GET_SUGGESTIONS)
async def get_suggestions(
    account_id: UserId, query: Annotated[SuggestionsQuery, Query()], deps: Dependencies
) -> SuggestedPosts:
    found = await deps.suggestions.suggest(account_id, query.limit)
    return SuggestedPosts(
        posts=[SuggestedPost(post_id=one.post_id, source=one.source, about=one.about) for one in found]
    )


@router.serves(SHOW_SUGGESTIONS)
async def show_suggestions(account_id: UserId, body: SuggestedPosts, deps: Dependencies) -> ShownSuggestions:
    suggested = [Suggested(one.post_id, one.source, one.about) for one in body.posts]
    shown = await deps.suggestions.show(account_id, suggested)
    reasons = [(one, reason_of(one.entry.source, one.entry.about, one.author.username)) for one in shown]
    return ShownSuggestions(posts=[ReasonedPost(post_id=one.post.id, **reason.model_dump()) for one, reason in reasons])

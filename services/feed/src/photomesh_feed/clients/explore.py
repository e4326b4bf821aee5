"""Client of explore: posts of accounts that a reader does not follow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from photomesh_feed.domain.suggestions import Suggestion, SuggestionReason
from photomesh_shared.ids import encode
from photomesh_shared.internal_api.explore import (
    GET_SUGGESTIONS,
    SHOW_SUGGESTIONS,
    SuggestedPost,
    SuggestedPosts,
    SuggestionsQuery,
)
from photomesh_shared.service_client import ServiceClient

__all__ = ["ExploreClient"]


class ExploreClient:
    """Implements `reading.suggestions.SuggestionSource`. Raises what the ServiceClient raises."""

    def __init__(self, service: ServiceClient) -> None:
        self._service = service

    async def suggestions(self, viewer: int, limit: int) -> Sequence[Suggestion]:
        query = SuggestionsQuery(limit=limit)
        found = await self._service.call(GET_SUGGESTIONS, query=query, account_id=encode("u", viewer))
        return [Suggestion(one.post_id, one.source, one.about) for one in found.posts]

    async def show(self, viewer: int, suggestions: Sequence[Suggestion]) -> Mapping[int, SuggestionReason]:
        body = SuggestedPosts(
            posts=[SuggestedPost(post_id=one.post_id, source=one.source, about=one.about) for one in suggestions]
        )
        found = await self._service.call(SHOW_SUGGESTIONS, body=body, account_id=encode("u", viewer))
        return {one.post_id: SuggestionReason(one.kind, one.because, one.hashtag) for one in found.posts}

"""Client of post: what a viewer may see now."""

from __future__ import annotations

from collections.abc import Collection

from photomesh_shared.internal_api.post import (
    GET_SIGHTINGS,
    MAX_IDS,
    MAX_SEEN_ACCOUNTS,
    SeenAccount,
    SeenPost,
    SightingsQuery,
)
from photomesh_shared.service_client import ServiceClient

__all__ = ["PostClient"]


class PostClient:
    def __init__(self, service: ServiceClient) -> None:
        self._service = service

    async def look(
        self, viewer_id: int, post_ids: Collection[int], account_ids: Collection[int]
    ) -> tuple[dict[int, SeenPost], dict[int, SeenAccount]]:
        """Return those of the posts and of the accounts that the viewer may be shown; a hundred posts and five hundred
        accounts at most. Raises ExploreUnavailable."""
        if not post_ids and not account_ids:
            return {}, {}
        query = SightingsQuery(
            viewer_id=viewer_id,
            post_ids=list(post_ids)[:MAX_IDS],
            account_ids=list(account_ids)[:MAX_SEEN_ACCOUNTS],
        )
        found = await self._service.call(GET_SIGHTINGS, body=query)
        posts = {one.id: one for one in found.posts if one.photo_url is not None}
        return posts, {one.id: one for one in found.accounts}

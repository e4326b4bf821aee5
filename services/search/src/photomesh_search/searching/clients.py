"""Clients of post and social-graph: what a viewer may see of the hits, and whom it follows."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from photomesh_search.searching.domain import Relations
from photomesh_shared.ids import encode
from photomesh_shared.internal_api.post import GET_SIGHTINGS, SeenAccount, SeenPost, SightingsQuery
from photomesh_shared.internal_api.social_graph import GET_FOLLOWING
from photomesh_shared.service_client import ServiceClient

__all__ = ["PostClient", "SocialGraphClient"]


class PostClient:
    """Implements `service.Sights`. Raises SearchUnavailable."""

    def __init__(self, service: ServiceClient) -> None:
        self._service = service

    async def accounts(self, viewer_id: int, account_ids: Collection[int]) -> Mapping[int, SeenAccount]:
        query = SightingsQuery(viewer_id=viewer_id, account_ids=list(account_ids))
        return {one.id: one for one in (await self._service.call(GET_SIGHTINGS, body=query)).accounts}

    async def posts(self, viewer_id: int, post_ids: Collection[int]) -> Mapping[int, SeenPost]:
        query = SightingsQuery(viewer_id=viewer_id, post_ids=list(post_ids))
        found = (await self._service.call(GET_SIGHTINGS, body=query)).posts
        return {one.id: one for one in found if one.photo_url is not None}


class SocialGraphClient:
    """Implements `service.Graph`. Raises SearchUnavailable."""

    def __init__(self, service: ServiceClient) -> None:
        self._service = service

    async def relations(self, account_id: int) -> Relations:
        found = await self._service.call(GET_FOLLOWING, user_id=encode("u", account_id))
        latest = sorted(found.following, key=lambda one: one.version, reverse=True)
        return Relations([one.account_id for one in latest], [one.account_id for one in found.muted])

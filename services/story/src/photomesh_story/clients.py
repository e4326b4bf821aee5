"""Client of post: whom an account may be shown, and whom it follows."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from photomesh_shared.internal_api.post import GET_SIGHTINGS, SeenAccount, SightingsQuery
from photomesh_shared.service_client import ServiceClient

__all__ = ["PostClient"]


class PostClient:
    def __init__(self, service: ServiceClient) -> None:
        self._service = service

    async def seen(self, viewer_id: int, account_ids: Collection[int]) -> Mapping[int, SeenAccount]:
        """Those of the accounts that the viewer may be shown. Raises AudienceUnavailable."""
        query = SightingsQuery(viewer_id=viewer_id, account_ids=list(account_ids))
        found = await self._service.call(GET_SIGHTINGS, body=query)
        return {account.id: account for account in found.accounts}

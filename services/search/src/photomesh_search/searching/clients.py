"""Clients of post and social-graph: what a viewer may see of the hits, and whom it follows."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence

from photomesh_shared.clock import Clock
from photomesh_shared.ids import encode
from photomesh_shared.internal_api.post import GET_SIGHTINGS, SeenAccount, SeenPost, SightingsQuery
from photomesh_shared.internal_api.social_graph import GET_FOLLOWING, Following
from photomesh_shared.service_client import ServiceClient

__all__ = ["PostClient", "SocialGraphClient"]

_MAX_FOLLOWED = 1_000
_REMEMBERED_SECONDS = 30.0
_MAX_REMEMBERED = 500
"""Accounts: of a thousand followed ones each, some 20 MB."""


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

    def __init__(self, service: ServiceClient, clock: Clock) -> None:
        self._service = service
        self._clock = clock
        self._remembered: OrderedDict[int, tuple[float, Sequence[int]]] = OrderedDict()

    async def followed(self, account_id: int) -> Sequence[int]:
        """Somebody who types asks again with each letter, and a list of thousands is dear: it is kept for a while."""
        now = self._clock.monotonic()
        until, followed = self._remembered.get(account_id, (now, ()))
        if until > now:
            return followed
        found = await self._following(account_id)
        latest = sorted(found.following, key=lambda one: one.version, reverse=True)[:_MAX_FOLLOWED]
        followed = [one.account_id for one in latest]
        self._remembered[account_id] = now + _REMEMBERED_SECONDS, followed
        self._remembered.move_to_end(account_id)
        if len(self._remembered) > _MAX_REMEMBERED:
            self._remembered.popitem(last=False)
        return followed

    async def muted(self, account_id: int) -> Collection[int]:
        return [one.account_id for one in (await self._following(account_id)).muted]

    async def _following(self, account_id: int) -> Following:
        return await self._service.call(GET_FOLLOWING, user_id=encode("u", account_id))

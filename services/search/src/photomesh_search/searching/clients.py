"""Clients of post, social-graph and identity: what a viewer may see of the hits, who is near it, and who has a name."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Mapping

from photomesh_shared.clock import Clock
from photomesh_shared.ids import encode
from photomesh_shared.internal_api.identity import FIND_BY_NAME, NamedAccount, NameQuery
from photomesh_shared.internal_api.post import GET_SIGHTINGS, SeenAccount, SeenPost, SightingsQuery
from photomesh_shared.internal_api.social_graph import GET_FOLLOWING, GET_NEIGHBOURS, Neighbours
from photomesh_shared.service_client import ServiceClient

__all__ = ["IdentityClient", "PostClient", "SocialGraphClient"]

_REMEMBERED_SECONDS = 30.0
_MAX_REMEMBERED = 500
"""Accounts: of two thousand others each, some 40 MB."""


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
        self._remembered: OrderedDict[int, tuple[float, Neighbours]] = OrderedDict()

    async def neighbours(self, account_id: int) -> Neighbours:
        """Somebody who types asks again with each letter, and these lists are dear: they are kept for a while."""
        now = self._clock.monotonic()
        if (kept := self._remembered.get(account_id)) and kept[0] > now:
            return kept[1]
        found = await self._service.call(GET_NEIGHBOURS, user_id=encode("u", account_id))
        self._remembered[account_id] = now + _REMEMBERED_SECONDS, found
        self._remembered.move_to_end(account_id)
        if len(self._remembered) > _MAX_REMEMBERED:
            self._remembered.popitem(last=False)
        return found

    async def muted(self, account_id: int) -> Collection[int]:
        found = await self._service.call(GET_FOLLOWING, user_id=encode("u", account_id))
        return [one.account_id for one in found.muted]


class IdentityClient:
    """Implements `service.Names`. Raises SearchUnavailable."""

    def __init__(self, service: ServiceClient) -> None:
        self._service = service

    async def named(self, username: str) -> NamedAccount | None:
        found = await self._service.call(FIND_BY_NAME, body=NameQuery(username=username))
        return found.accounts[0] if found.accounts else None

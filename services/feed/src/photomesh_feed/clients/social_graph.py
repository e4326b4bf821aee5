"""Client of social-graph: follows of an account, followers of an author, popular accounts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from photomesh_feed.domain.accounts import FollowerCount, Relation
from photomesh_shared.ids import encode
from photomesh_shared.internal_api.social_graph import (
    GET_FOLLOWERS,
    GET_FOLLOWING,
    GET_POPULAR,
    FollowersQuery,
    PopularQuery,
)
from photomesh_shared.packed_ids import ID_BYTES, unpack
from photomesh_shared.service_client import ServiceClient

__all__ = ["FOLLOWERS_PAGE", "SocialGraphClient"]

FOLLOWERS_PAGE = 5_000


class SocialGraphClient:
    """Raises what the ServiceClient raises."""

    def __init__(self, service: ServiceClient) -> None:
        self._service = service

    async def relations(self, account: int) -> list[Relation]:
        """Returns the relations of an account to others, ended ones as well."""
        found = await self._service.call(GET_FOLLOWING, user_id=encode("u", account))
        muted = dict(found.muted)
        relations = [Relation(other, version, True, other in muted) for other, version in found.following]
        followed = {relation.other_id for relation in relations}
        relations += [Relation(other, version, False, True) for other, version in found.muted if other not in followed]
        return relations + [Relation(other, version, False, False) for other, version in found.ended]

    async def follower_pages(self, author_id: int) -> AsyncGenerator[bytes, None]:
        """Yields all followers of an author, packed, ascending, FOLLOWERS_PAGE at a time; fetches the next page while
        the last is processed. Accounts that follow or unfollow in the meantime may be in it or not. Close it unless it
        is read to the end."""
        fetching = asyncio.create_task(self._followers(author_id, 0))
        try:
            while True:
                page = await fetching
                is_last = len(page) < FOLLOWERS_PAGE * ID_BYTES
                if not is_last:
                    fetching = asyncio.create_task(self._followers(author_id, unpack(page[-ID_BYTES:])[0]))
                if page:
                    yield page
                if is_last:
                    return
        finally:
            fetching.cancel()
            await asyncio.gather(fetching, return_exceptions=True)

    async def popular_accounts(self, at_least: int) -> list[FollowerCount]:
        """Returns the accounts with so many followers."""
        found = await self._service.call(GET_POPULAR, query=PopularQuery(at_least=at_least))
        return [FollowerCount(*one) for one in found]

    async def _followers(self, author_id: int, after: int) -> bytes:
        query = FollowersQuery(after=after, limit=FOLLOWERS_PAGE)
        return await self._service.call(GET_FOLLOWERS, query=query, user_id=encode("u", author_id))

"""Client of social-graph: follows of an account, followers of an author, popular accounts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from photomesh_feed.clients.service import Service
from photomesh_feed.domain.accounts import FollowerCount, Follows, VersionedAccount
from photomesh_shared.ids import encode
from photomesh_shared.packed_ids import ID_BYTES, unpack

__all__ = ["FOLLOWERS_PAGE", "SocialGraphClient"]

FOLLOWERS_PAGE = 5_000


class SocialGraphClient:
    """Every method raises SourceUnavailable."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def follows(self, account: int) -> Follows:
        answer = await self._service.json("GET", f"/internal/accounts/{encode('u', account)}/following")
        return Follows(
            [VersionedAccount(other, version) for other, version in answer["following"]],
            [VersionedAccount(other, version) for other, version in answer["muted"]],
        )

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
        found = await self._service.json("GET", f"/internal/popular?at_least={at_least}")
        return [FollowerCount(account, followers) for account, followers in found]

    async def _followers(self, author_id: int, after: int) -> bytes:
        path = f"/internal/accounts/{encode('u', author_id)}/followers?after={after}&limit={FOLLOWERS_PAGE}"
        return await self._service.bytes("GET", path)

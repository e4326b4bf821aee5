"""Followers page by page; the next page is fetched while the last is processed."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import Any, cast

import pytest

from photomesh_feed.clients.social_graph import FOLLOWERS_PAGE, SocialGraphClient
from photomesh_feed.errors import SourceUnavailable
from photomesh_shared.internal_api import Operation
from photomesh_shared.internal_api.social_graph import (
    GET_FOLLOWERS,
    GET_FOLLOWING,
    GET_POPULAR,
    FollowersQuery,
    Following,
    PopularAccount,
    PopularQuery,
    VersionedAccount,
)
from photomesh_shared.packed_ids import unpack
from photomesh_shared.service_client import ServiceClient
from tests.support.feed.sources import InMemorySources

AUTHOR = 7


class FakeService:
    """A ServiceClient whose service has these followers of AUTHOR."""

    def __init__(self, followers: int) -> None:
        self.sources = InMemorySources()
        self.sources.followers[AUTHOR] = list(range(1, followers + 1))
        self.calls: list[int] = []

    async def call(self, operation: Operation[Any], *, query: object = None, **path: str) -> object:
        if operation is GET_FOLLOWERS:
            assert path == {"user_id": "u_7"}
            assert isinstance(query, FollowersQuery)
            self.calls.append(query.after)
            return await self.sources.followers_page(AUTHOR, query.after, query.limit)
        if operation is GET_POPULAR:
            assert query == PopularQuery(at_least=5)
            return [PopularAccount(AUTHOR, 9)]
        assert operation is GET_FOLLOWING
        return Following(
            following=[VersionedAccount(1, 2), VersionedAccount(5, 6)],
            muted=[VersionedAccount(3, 4), VersionedAccount(5, 6)],
            ended=[VersionedAccount(7, 8)],
        )

    def client(self) -> SocialGraphClient:
        return SocialGraphClient(cast("ServiceClient", self))


@pytest.mark.parametrize("followers", [0, 1, FOLLOWERS_PAGE, FOLLOWERS_PAGE + 1, 2 * FOLLOWERS_PAGE + 7])
async def test_pages_are_all_followers(followers: int) -> None:
    service = FakeService(followers)
    pages = [page async for page in service.client().follower_pages(AUTHOR)]
    assert [one for page in pages for one in unpack(page)] == list(range(1, followers + 1))
    assert service.calls == list(range(0, followers + 1, FOLLOWERS_PAGE))


async def test_next_page_is_fetched_while_one_is_processed() -> None:
    service = FakeService(2 * FOLLOWERS_PAGE)
    async with aclosing(service.client().follower_pages(AUTHOR)) as pages:
        await anext(pages)
        await asyncio.sleep(0)
        assert len(service.calls) == 2


async def test_closing_early_cancels_the_fetch() -> None:
    service = FakeService(2 * FOLLOWERS_PAGE)
    before = asyncio.all_tasks()
    async with aclosing(service.client().follower_pages(AUTHOR)) as pages:
        await anext(pages)
        service.sources.gate.clear()
    assert asyncio.all_tasks() == before


async def test_failure_is_raised() -> None:
    service = FakeService(1)
    service.sources.unavailable = True
    with pytest.raises(SourceUnavailable):
        await anext(service.client().follower_pages(AUTHOR))


async def test_relations_and_popular_accounts() -> None:
    client = FakeService(0).client()
    assert await client.relations(1) == [
        (1, 2, True, False),
        (5, 6, True, True),
        (3, 4, False, True),
        (7, 8, False, False),
    ]
    assert await client.popular_accounts(5) == [(AUTHOR, 9)]

"""What search asks of social-graph, and how often."""

from __future__ import annotations

from typing import cast

from photomesh_search.searching.clients import SocialGraphClient
from photomesh_shared.internal_api.social_graph import GET_NEIGHBOURS, Following, Neighbours, VersionedAccount
from photomesh_shared.service_client import ServiceClient
from tests.support.clock import FakeClock

NEIGHBOURS = Neighbours(followed=[3, 2], near=[5], blocked=[9])


class _SocialGraph:
    def __init__(self) -> None:
        self.calls = 0

    async def call(self, operation: object, **_arguments: object) -> Following | Neighbours:
        self.calls += 1
        if operation is GET_NEIGHBOURS:
            return NEIGHBOURS
        return Following(following=[], muted=[VersionedAccount(account_id=4, version=1)])


async def test_somebody_who_types_is_asked_for_once_in_a_while() -> None:
    service, clock = _SocialGraph(), FakeClock()
    graph = SocialGraphClient(cast(ServiceClient, service), clock)
    for _letter in range(8):
        assert await graph.neighbours(7) == NEIGHBOURS
        await clock.advance(1)
    assert service.calls == 1
    await clock.advance(30)
    await graph.neighbours(7)
    assert service.calls == 2


async def test_few_accounts_are_remembered_and_mutes_never() -> None:
    service = _SocialGraph()
    graph = SocialGraphClient(cast(ServiceClient, service), FakeClock())
    for account_id in [*range(600), 599, 0]:
        await graph.neighbours(account_id)
    assert service.calls == 601
    for _again in range(2):
        assert await graph.muted(7) == [4]
    assert service.calls == 603

"""The owners of what other services copy, read page by page over their internal APIs."""

from __future__ import annotations

from photomesh_shared.consumer.copies import Page, Position
from photomesh_shared.internal_api.identity import LIST_ACCOUNTS
from photomesh_shared.internal_api.social_graph import LIST_PAIRS
from photomesh_shared.internal_api.states import AccountPageQuery, OwnedAccount, OwnedPair, PairPageQuery
from photomesh_shared.service_client import ServiceClient

__all__ = ["OwnedAccounts", "OwnedPairs"]

_LIMIT = 500


class OwnedAccounts:
    """Identity's accounts. Implements `copies.Owner`."""

    def __init__(self, identity: ServiceClient) -> None:
        self._identity = identity

    async def page(self, after: Position) -> Page[OwnedAccount]:
        (last,) = after or (0,)
        found = await self._identity.call(LIST_ACCOUNTS, query=AccountPageQuery(after=last, limit=_LIMIT))
        more = len(found.accounts) == _LIMIT
        return Page(found.accounts, (found.accounts[-1].account_id,) if more else None, found.total)


class OwnedPairs:
    """Social-graph's pairs. Implements `copies.Owner`."""

    def __init__(self, social_graph: ServiceClient) -> None:
        self._social_graph = social_graph

    async def page(self, after: Position) -> Page[OwnedPair]:
        account, other = after or (0, 0)
        query = PairPageQuery(after_account=account, after_other=other, limit=_LIMIT)
        found = await self._social_graph.call(LIST_PAIRS, query=query)
        more = len(found.pairs) == _LIMIT
        last = (found.pairs[-1].account_id, found.pairs[-1].other_id) if more else None
        return Page(found.pairs, last, found.total)

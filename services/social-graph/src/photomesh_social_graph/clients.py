"""Clients of post and feed, which decide who may read what."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from functools import partial

from photomesh_shared.concurrency.repeats import Repeats
from photomesh_shared.errors import Unavailable
from photomesh_shared.internal_api import feed, post
from photomesh_shared.internal_api.states import RelationState, RelationStates
from photomesh_shared.service_client import ServiceClient
from photomesh_social_graph.domain import Side
from photomesh_social_graph.metrics import RESTRICTION_WRITES

__all__ = ["ReaderClient"]


class ReaderClient:
    """Implements `service.Readers`."""

    def __init__(self, post: ServiceClient, feed: ServiceClient, *, repeats: Repeats) -> None:
        """`repeats`: what is refused because a service did not answer is repeated there."""
        self._post = post
        self._feed = feed
        self._repeats = repeats

    async def store_sides(self, sides: Collection[Side]) -> None:
        states = RelationStates(
            relations=[
                RelationState(
                    account_id=side.actor_id,
                    other_id=side.target_id,
                    version=side.version,
                    follows=side.followed_at is not None,
                    blocks=side.blocked_at is not None,
                )
                for side in sides
                if side.version  # 0: this account never did anything to the other
            ]
        )
        try:
            await self._send(states)
        except Unavailable:
            RESTRICTION_WRITES.labels("failed").inc()
            pair = frozenset(id_ for side in sides for id_ in (side.actor_id, side.target_id))
            self._repeats.add(pair, partial(self._send, states))
            raise
        RESTRICTION_WRITES.labels("ok").inc()

    async def _send(self, states: RelationStates) -> None:
        await asyncio.gather(
            self._post.call(post.PUT_RELATIONS, body=states), self._feed.call(feed.PUT_RELATIONS, body=states)
        )

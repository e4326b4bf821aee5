"""Compares the topic `follows` with the database, and makes the topic say what the database says."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterable
from typing import NamedTuple

from photomesh_shared.clock import Clock
from photomesh_shared.errors import AccountNotFound
from photomesh_shared.events import decode_or_skip
from photomesh_shared.kafka.source import Received
from photomesh_social_graph.errors import AccountNotReady
from photomesh_social_graph.store import PostgresGraph
from photomesh_social_graph.store.relation_states import RelationKind, RelationState, published_state

__all__ = ["Republished", "published_relations", "republish"]

_BATCH = 500


class Republished(NamedTuple):
    """`stated`: events of what exists; `ended`: relations that only the topic had."""

    stated: int
    ended: int


async def republish(store: PostgresGraph, topic: AsyncIterable[Received], clock: Clock) -> Republished:
    """`topic`: the records of `follows`. Raises Unavailable."""
    published = await published_relations(topic)
    return Republished(await _state(store, clock), await _end(store, clock, published))


async def published_relations(topic: AsyncIterable[Received]) -> dict[RelationState, int]:
    """Returns the relations that exist according to the topic, with the version of each. Records of one relation may be
    in any order: those of before the topic got more partitions are elsewhere."""
    newest: dict[tuple[int, int, RelationKind], tuple[int, bool]] = {}
    async for received in topic:
        envelope = decode_or_skip(received.record)
        if envelope is None:
            continue
        relation, exists = published_state(envelope.data)
        if envelope.entityversion > newest.get(relation, (-1, False))[0]:
            newest[relation] = envelope.entityversion, exists
    return {RelationState(*relation): version for relation, (version, exists) in newest.items() if exists}


async def _state(store: PostgresGraph, clock: Clock) -> int:
    count, last = 0, (-1, -1)
    while pairs := await store.pairs_after(last, _BATCH):
        for last in pairs:
            try:
                async with store.locked_tie(*last) as tie:
                    tie.restate(clock.now())
            except (AccountNotFound, AccountNotReady):
                print(f"skipped a pair with an unknown account: {last}", file=sys.stderr)
                continue
            count += len(tie.events)
    return count


async def _end(store: PostgresGraph, clock: Clock, published: dict[RelationState, int]) -> int:
    ended = 0
    for relation, version in published.items():
        ended += await store.end_unless_exists(relation, version, clock.now())
    return ended

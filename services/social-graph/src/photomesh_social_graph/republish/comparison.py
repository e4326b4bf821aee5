"""Compares the topic `follows` with the database, in both directions, and changes nothing."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from photomesh_shared.ids import timestamp_of
from photomesh_shared.kafka.source import Received
from photomesh_social_graph.domain import Relation
from photomesh_social_graph.republish.states import published_relations
from photomesh_social_graph.store import PostgresGraph
from photomesh_social_graph.store.relation_states import RelationKind, RelationState

__all__ = ["Difference", "compare"]

_BATCH = 500


@dataclass(frozen=True)
class Difference:
    relation: RelationState
    stored: bool

    def __str__(self) -> str:
        account_id, other_id, kind = self.relation
        return f"{kind} ({account_id}, {other_id}): only in the {'database' if self.stored else 'topic'}"


async def compare(
    store: PostgresGraph, topic: AsyncIterable[Received], *, since: datetime | None = None
) -> tuple[int, list[Difference]]:
    """Returns how many relations the topic has, and what only one of the two has. `topic`: the records of `follows`;
    `since`: only those between accounts that were registered since then count. Raises Unavailable."""
    published = {relation for relation in await published_relations(topic) if _is_newer(relation, since)}
    stored = {relation async for relation in _stored(store) if _is_newer(relation, since)}
    found = [Difference(relation, stored=True) for relation in sorted(stored - published)]
    return len(published), found + [Difference(relation, stored=False) for relation in sorted(published - stored)]


async def _stored(store: PostgresGraph) -> AsyncIterator[RelationState]:
    last = (-1, -1)
    while pairs := await store.pairs_after(last, _BATCH):
        last = pairs[-1]
        for account_id, group in groupby(pairs, key=lambda pair: pair[0]):
            others = [other_id for _, other_id in group]
            for other_id, relation in (await store.relations(account_id, others)).items():
                for kind in _kinds(relation):
                    yield RelationState(account_id, other_id, kind)


def _kinds(relation: Relation) -> Iterator[RelationKind]:
    if relation.following or relation.requested:
        yield "follow"
    if relation.blocking:
        yield "block"
    if relation.muting:
        yield "mute"


def _is_newer(relation: RelationState, since: datetime | None) -> bool:
    return since is None or all(timestamp_of(account_id) >= since for account_id in relation[:2])

"""Compares the topic `close_friends` with the database, and makes the topic say what the database says."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator

from photomesh_shared.clock import Clock
from photomesh_shared.events import CloseFriendAdded, CloseFriendRemoved, decode_or_skip
from photomesh_shared.kafka.source import Received
from photomesh_social_graph.close_friends.store import PostgresCloseFriends

__all__ = ["differences", "republish"]

_BATCH = 500
Pair = tuple[int, int]


async def republish(store: PostgresCloseFriends, topic: AsyncIterable[Received], clock: Clock) -> tuple[int, int]:
    """Returns how many entries were stated, and how many ended that only the topic had. `topic`: its records. Raises
    Unavailable."""
    published = await _published(topic)
    stated = [pair async for pair in _stored(store)]
    for pair in stated:
        await store.restate(*pair, clock.now(), published.get(pair, 0))
    ended = published.keys() - set(stated)
    for pair in ended:
        await store.restate(*pair, clock.now(), published[pair])
    return len(stated), len(ended)


async def differences(store: PostgresCloseFriends, topic: AsyncIterable[Received]) -> tuple[set[Pair], set[Pair]]:
    """Returns the entries (owner, friend) that only the database has, and that only the topic has. Raises
    Unavailable."""
    published = (await _published(topic)).keys()
    stored = {pair async for pair in _stored(store)}
    return stored - published, published - stored


async def _published(topic: AsyncIterable[Received]) -> dict[Pair, int]:
    """Returns the entries that exist according to the topic, with their versions."""
    newest: dict[Pair, tuple[int, bool]] = {}
    async for received in topic:
        envelope = decode_or_skip(received.record)
        if envelope and isinstance(change := envelope.data, CloseFriendAdded | CloseFriendRemoved):
            pair = change.owner_id, change.friend_id
            if envelope.entityversion > newest.get(pair, (-1, False))[0]:
                newest[pair] = envelope.entityversion, isinstance(change, CloseFriendAdded)
    return {pair: version for pair, (version, exists) in newest.items() if exists}


async def _stored(store: PostgresCloseFriends) -> AsyncIterator[Pair]:
    last = (-1, -1)
    while pairs := await store.after(last, _BATCH):
        for last in pairs:
            yield last

"""Events into the index, as the consumer handles them: decoded, in batches of its size, some partitions at once. What
reading from Kafka takes comes on top (`make bench-topics`)."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from datetime import UTC, datetime

from benchmarks.search.cities import City
from photomesh_search.indexing.domain import PostDocument
from photomesh_search.indexing.event_handlers import AccountEventHandlers, FollowEventHandlers, PostEventHandlers
from photomesh_search.indexing.store import IndexWriter
from photomesh_shared.events import (
    AccountRegistered,
    Envelope,
    Event,
    FollowCreated,
    PostPublished,
    Record,
    decode,
    encode,
)
from photomesh_shared.kafka.handling import BatchHandler

__all__ = ["index_accounts", "index_posts"]

_BATCH = 500  # records, as of any consumer
_PARTITIONS = 4
_WORDS = 12  # of a caption


class _NoPosts:
    """Implements `event_handlers.PostSource`: accounts are new."""

    async def posts_of(self, author_ids: Collection[int]) -> AsyncIterator[list[PostDocument]]:
        for page in list[list[PostDocument]]():
            yield page


async def index_accounts(index: IndexWriter, of: Sequence[City], account_ids: Sequence[int]) -> float:
    """Index cities as accounts, and their inhabitants as followers. Returns documents a second: each has two parts."""
    accounts, follows = AccountEventHandlers(index, _NoPosts()), FollowEventHandlers(index)
    seconds = await _handled(
        [_registered(city, account_ids[city.number]) for city in of], accounts.accounts_changed
    ) + await _handled([_followed(city, account_ids[city.number]) for city in of], follows.followers_changed)
    return len(of) / seconds


async def index_posts(index: IndexWriter, post_ids: Sequence[int], authors: Sequence[int], of: Sequence[City]) -> float:
    """Index posts with captions made of names. Returns documents a second."""
    chance = random.Random(4)
    words = [word for city in of[:5_000] for word in city.name.split()]
    records = [
        _published(post_id, author, " ".join(chance.choices(words, k=_WORDS)))
        for post_id, author in zip(post_ids, authors, strict=True)
    ]
    return len(records) / await _handled(records, PostEventHandlers(index).posts_changed)


async def _handled(records: Sequence[Record], handle: BatchHandler) -> float:
    """Seconds that it took."""
    lanes = [_batches(records[partition::_PARTITIONS]) for partition in range(_PARTITIONS)]

    async def consume(batches: Iterable[Sequence[Record]]) -> None:
        for batch in batches:
            await handle([decode(record) for record in batch])

    began = time.perf_counter()
    await asyncio.gather(*(consume(batches) for batches in lanes))
    return time.perf_counter() - began


def _batches(records: Sequence[Record]) -> list[Sequence[Record]]:
    return [records[start : start + _BATCH] for start in range(0, len(records), _BATCH)]


def _record(event: Event, version: int) -> Record:
    return encode(Envelope.of(event, entityversion=version, source="benchmark"))


def _registered(city: City, account_id: int) -> Record:
    changes = {"user_id": account_id, "username": city.username, "display_name": city.name}
    return _record(AccountRegistered.example().model_copy(update=changes), 1)


def _followed(city: City, account_id: int) -> Record:
    followers, now = city.inhabitants, datetime.now(UTC)
    event = FollowCreated.example().model_copy(
        update={"followee_id": account_id, "followers": followers, "created_at": now}
    )
    return _record(event, 1)


def _published(post_id: int, author_id: int, caption: str) -> Record:
    changes = {"post_id": post_id, "author_id": author_id, "caption": caption, "hashtags": ()}
    return _record(PostPublished.example().model_copy(update=changes), 1)

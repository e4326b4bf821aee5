"""Reading topics without a consumer group: whole ones, for commands that compare a topic with a store, and the records
of one owner."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from photomesh_shared.concurrency.cancellation import StrayCancellation, surface_stray_cancellation
from photomesh_shared.errors import Unavailable
from photomesh_shared.kafka.connection import connection_options
from photomesh_shared.kafka.consumer import received
from photomesh_shared.kafka.partitioning import partition_of
from photomesh_shared.kafka.source import Partition, Received
from photomesh_shared.settings import KafkaSettings

__all__ = ["Piece", "non_empty_topics", "partition_counts", "read_partition", "read_topic", "search_partition"]

_POLL_MS = 1_000
_POLL_RECORDS = 5_000
_FETCH_BYTES = 4 * 1_048_576


async def read_topic(
    settings: KafkaSettings, topic: str, *, since: datetime | None = None, numbers: Collection[int] | None = None
) -> AsyncIterator[Received]:
    """Yield the records that a topic has now, from the earliest or the first written since then, in order within a
    partition. `numbers`: of these partitions only. Raises Unavailable."""
    async with _consumer(settings) as consumer:
        partitions = [tp for tp in await _partitions(consumer, topic) if numbers is None or tp.partition in numbers]
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        ends = await consumer.end_offsets(partitions)
        if since is not None:
            milliseconds = int(since.timestamp() * 1000)
            found = await consumer.offsets_for_times(dict.fromkeys(partitions, milliseconds))
            for tp in partitions:
                consumer.seek(tp, found[tp].offset if found.get(tp) else ends[tp])
        left = set(partitions)
        while left:
            for tp, messages in (await consumer.getmany(*left, timeout_ms=_POLL_MS, max_records=_POLL_RECORDS)).items():
                for message in messages:
                    if message.offset < ends[tp]:
                        yield received(message)
            # By the position and not the last record: the records before the end may have been compacted away.
            left = {tp for tp in left if await consumer.position(tp) < ends[tp]}


async def search_partition(
    settings: KafkaSettings,
    topic: str,
    owner: bytes,
    *,
    offset: int,
    wanted: Callable[[Received], bool],
    limit: int,
    seconds: float,
) -> tuple[list[Received], int | None]:
    """Search the partition of an owner's records from an offset on, for about so many seconds, or until `limit` records
    were found. Returns them, and the offset at which to go on: None at the partition's end. Raises Unavailable."""
    async with _consumer(settings) as consumer:
        partitions = await _partitions(consumer, topic)
        tp = partitions[partition_of(owner, len(partitions))]
        piece, end = await _read(consumer, tp, offset, wanted, limit, seconds)
    return list(piece.records), piece.next_offset if piece.next_offset < end else None


class Piece(NamedTuple):
    """Some records of a partition. `next_offset`: where to go on; `first_offset`: of the first that the partition
    still has."""

    records: Sequence[Received]
    next_offset: int
    first_offset: int


async def read_partition(
    settings: KafkaSettings,
    partition: Partition,
    *,
    offset: int,
    wanted: Callable[[Received], bool],
    limit: int,
    seconds: float,
) -> Piece:
    """Read a partition from an offset on, for about so many seconds, or until `limit` records were found, or to its
    present end. Raises Unavailable."""
    async with _consumer(settings) as consumer:
        await _partitions(consumer, partition.topic)
        piece, _ = await _read(consumer, TopicPartition(*partition), offset, wanted, limit, seconds)
        return piece


async def _read(
    consumer: Any, tp: Any, offset: int, wanted: Callable[[Received], bool], limit: int, seconds: float
) -> tuple[Piece, int]:
    """Return what was found, and the partition's end."""
    found: list[Received] = []
    consumer.assign([tp])
    start = (await consumer.beginning_offsets([tp]))[tp]
    end = (await consumer.end_offsets([tp]))[tp]
    position = max(offset, start)
    consumer.seek(tp, position)
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while position < end and len(found) < limit and loop.time() < deadline:
        # As many records as may still be found, so that none is read in vain.
        most = min(_POLL_RECORDS, limit - len(found))
        for messages in (await consumer.getmany(tp, timeout_ms=_POLL_MS, max_records=most)).values():
            found += [one for message in messages if message.offset < end and wanted(one := received(message))]
        position = await consumer.position(tp)
    return Piece(found, position, start), end


async def partition_counts(settings: KafkaSettings, topics: Collection[str]) -> dict[str, int]:
    """Return the number of partitions of each topic. Raises Unavailable."""
    async with _consumer(settings) as consumer:
        return {topic: len(await _partitions(consumer, topic)) for topic in topics}


async def non_empty_topics(settings: KafkaSettings, topics: Collection[str]) -> set[str]:
    """Return those of the topics that hold a record. Raises Unavailable."""
    async with _consumer(settings) as consumer:
        partitions = [tp for topic in topics for tp in await _partitions(consumer, topic)]
        starts, ends = await consumer.beginning_offsets(partitions), await consumer.end_offsets(partitions)
        return {tp.topic for tp in partitions if starts[tp] < ends[tp]}


async def _partitions(consumer: Any, topic: str) -> list[Any]:
    numbers = await consumer._client._wait_on_metadata(topic)  # the driver knows topics only after a subscription
    return [TopicPartition(topic, number) for number in sorted(numbers)]


@asynccontextmanager
async def _consumer(settings: KafkaSettings) -> AsyncIterator[Any]:
    consumer = AIOKafkaConsumer(
        **connection_options(settings),
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=_FETCH_BYTES,
    )
    try:
        await consumer.start()
        yield consumer
    except (KafkaError, OSError) as error:
        raise Unavailable(f"Kafka: {type(error).__name__}: {error}") from error
    finally:
        try:
            with surface_stray_cancellation():
                await consumer.stop()
        except StrayCancellation:
            # Without a group, the driver awaits a task that it cancelled; do the rest of `stop` here.
            await consumer._client.close()

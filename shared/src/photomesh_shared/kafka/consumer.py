"""The runner's source on a real Kafka, implemented with aiokafka.

aiokafka's defaults are unsafe, so every relevant option is set here.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import (
    CommitFailedError,
    ConsumerStoppedError,
    IllegalStateError,
    KafkaError,
)

from photomesh_shared.concurrency.cancellation import StrayCancellation, surface_stray_cancellation
from photomesh_shared.errors import Unavailable
from photomesh_shared.events import Record
from photomesh_shared.kafka.connection import connection_options
from photomesh_shared.kafka.source import CommitRefused, Connect, Ownership, Partition, Received, SourceLost
from photomesh_shared.settings import KafkaSettings

__all__ = ["KafkaSource", "kafka_source", "received"]

_ANSWER_SECONDS = 5.0
_MUCH_BYTES = 256 * 1024
_IDLE_MS = 500


def kafka_source(settings: KafkaSettings, *, gather_ms: int = 0) -> Connect:
    """Return the factory of consumers of these brokers, for `ConsumerRunner`.

    `gather_ms`: once records come, the broker answers a fetch after so long, unless much has gathered; 0: as soon as it
    has one record, as it does after a while in which none came. A fetch asks for all partitions, which costs the driver
    some milliseconds: as much as handling a hundred records."""

    def connect(group: str, topics: Sequence[str], ownership: Ownership) -> KafkaSource:
        return KafkaSource(settings, group, topics, ownership, gather_ms=gather_ms)

    return connect


class KafkaSource:
    """See `photomesh_shared.kafka.source.Source`."""

    def __init__(
        self,
        settings: KafkaSettings,
        group: str,
        topics: Sequence[str],
        ownership: Ownership,
        *,
        gather_ms: int = 0,
    ) -> None:
        self._gather_ms = gather_ms
        self._consumer = AIOKafkaConsumer(
            **connection_options(settings),
            group_id=group,
            client_id=group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            # How long the partitions of a dead member stay idle: ten heartbeats, so that a pause does not count as
            # death.
            session_timeout_ms=10_000,
            # Heartbeats announce a rebalance to the members, so this bounds how long one takes to begin.
            heartbeat_interval_ms=1_000,
            # Longer than the runner's drain plus commit, so that the rebalance waits for a draining member.
            rebalance_timeout_ms=60_000,
            # The runner does not poll while its buffers are full; its own watchdog detects stalls.
            max_poll_interval_ms=24 * 3600 * 1000,
            max_partition_fetch_bytes=512 * 1024,
            fetch_max_wait_ms=_IDLE_MS,
            fetch_min_bytes=1,
            request_timeout_ms=10_000,
            retry_backoff_ms=200,
            metadata_max_age_ms=30_000,
        )
        self._topics = list(topics)
        self._listener = _Listener(ownership)

    async def start(self) -> None:
        self._consumer.subscribe(self._topics, listener=self._listener)
        try:
            with surface_stray_cancellation():
                await self._consumer.start()
        except (KafkaError, OSError, StrayCancellation) as error:
            raise Unavailable(f"Kafka: {type(error).__name__}") from error

    async def poll(
        self, partitions: Collection[Partition], limit: int, seconds: float
    ) -> Mapping[Partition, Sequence[Received]]:
        wanted = [TopicPartition(*partition) for partition in partitions]
        try:
            with surface_stray_cancellation():
                batches = await self._consumer.getmany(*wanted, timeout_ms=int(seconds * 1000), max_records=limit)
        except (KafkaError, IllegalStateError, ConsumerStoppedError, StrayCancellation) as error:
            raise SourceLost(repr(error)) from error
        if self._gather_ms and (batches or seconds):
            self._gather(bool(batches))
        return {Partition(*tp): [received(message) for message in messages] for tp, messages in batches.items()}

    def _gather(self, busy: bool) -> None:
        """Set what the next fetches wait for. The driver asks for it once, before it starts."""
        fetcher = self._consumer._fetcher
        fetcher._fetch_min_bytes = _MUCH_BYTES if busy else 1
        fetcher._fetch_max_wait_ms = self._gather_ms if busy else _IDLE_MS

    async def commit(self, offsets: Mapping[Partition, int]) -> None:
        try:
            with surface_stray_cancellation():
                await self._consumer.commit({TopicPartition(*partition): mark for partition, mark in offsets.items()})
        except (CommitFailedError, IllegalStateError) as error:
            raise CommitRefused(repr(error)) from error
        except (KafkaError, StrayCancellation) as error:
            raise Unavailable(f"Kafka: {type(error).__name__}") from error

    async def start_offsets(self, partitions: Collection[Partition]) -> Mapping[Partition, int]:
        tps = [TopicPartition(*partition) for partition in partitions]
        async with _answer():
            first = await self._consumer.beginning_offsets(tps)
            committed = await asyncio.gather(*(self._consumer.committed(tp) for tp in tps))
        return {
            Partition(*tp): max(first[tp], mark if mark is not None else 0)
            for tp, mark in zip(tps, committed, strict=True)
        }

    async def end_offsets(self, partitions: Collection[Partition]) -> Mapping[Partition, int]:
        async with _answer():
            ends = await self._consumer.end_offsets([TopicPartition(*partition) for partition in partitions])
        return {Partition(*tp): end for tp, end in ends.items()}

    def failed(self) -> bool:
        # If these tasks end before the consumer is stopped, aiokafka only logs it.
        coordinator, fetcher = self._consumer._coordinator, self._consumer._fetcher
        return (coordinator is not None and coordinator._coordination_task.done()) or (
            fetcher is not None and fetcher._fetch_task.done()
        )

    async def stop(self) -> None:
        try:
            with surface_stray_cancellation():
                await self._consumer.stop()
        except StrayCancellation:
            # The driver cancels and awaits its fetches one by one; the first one in its back-off aborts the whole
            # `stop` # (aiokafka 0.14, `Fetcher.close`). Do the rest of `stop` here.
            for fetch in self._consumer._fetcher._pending_tasks:
                fetch.cancel()
            await self._consumer._client.close()


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc] # the driver has no types
    def __init__(self, ownership: Ownership) -> None:
        self._ownership = ownership

    async def on_partitions_revoked(self, revoked: Collection[Any]) -> None:
        if revoked:
            await self._ownership.revoked([Partition(*tp) for tp in revoked])

    async def on_partitions_assigned(self, assigned: Collection[Any]) -> None:
        await self._ownership.assigned([Partition(*tp) for tp in assigned])


@asynccontextmanager
async def _answer() -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            with surface_stray_cancellation():
                yield
    except (KafkaError, IllegalStateError, TimeoutError, StrayCancellation) as error:
        raise Unavailable(f"Kafka: {type(error).__name__}") from error


def received(message: Any) -> Received:
    """Return a record of the driver as the runner's."""
    return Received(
        Partition(message.topic, message.partition),
        message.offset,
        Record(message.topic, message.key, message.value, tuple(message.headers)),
        datetime.fromtimestamp(message.timestamp / 1000, UTC),
    )

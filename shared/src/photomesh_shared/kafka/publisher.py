"""Publishing to Kafka: idempotent producer, acknowledged by all in-sync replicas, no unsafe options.

    async with open_publisher(settings, "upload") as publisher:
        await publisher.publish(Envelope.of(event, entityversion=1))

A record goes to the partition of its owner (`partitioning`). One that ends a thing is written in one batch with the
tombstone of its key: Kafka appends a batch as a whole, so neither is there without the other, and nothing comes
between.

`publish` returns once the record is acknowledged. If it raises EventLogUnavailable, the record may or may not be in the
log (an acknowledgement can be lost), so retry with the same event id.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Any, Protocol

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, KafkaTimeoutError, MessageSizeTooLargeError
from opentelemetry.trace import SpanKind

from photomesh_shared.clock import Clock, SystemClock
from photomesh_shared.concurrency.cancellation import StrayCancellation, surface_stray_cancellation
from photomesh_shared.concurrency.circuit_breaker import CircuitBreaker, CircuitOpen
from photomesh_shared.errors import EventLogUnavailable
from photomesh_shared.events import TOPICS, Envelope, Event, Record, encode, tombstone_of
from photomesh_shared.kafka.connection import connection_options
from photomesh_shared.kafka.metrics import PUBLISH_SECONDS, PUBLISHED, start_publisher_series
from photomesh_shared.kafka.partitioning import partition_of
from photomesh_shared.observability import tracing
from photomesh_shared.settings import KafkaSettings

__all__ = ["KafkaPublisher", "Publisher", "open_publisher"]

log = logging.getLogger(__name__)

_MAX_REQUEST_BYTES = 2 * 1_048_576  # a dead letter is its record plus headers
_CONNECT_SECONDS = 5.0
_CLOSE_SECONDS = 5.0
_RETRY_SECONDS = 0.1
_FAILURES_IN_A_ROW = 3  # then calls fail at once, but for one that tries


class Publisher(Protocol):
    """Interface of `KafkaPublisher` and of the in-memory publisher for tests."""

    async def publish(self, envelope: Envelope[Event]) -> None:
        """Publish one event. Raises EventLogUnavailable."""
        ...

    async def publish_many(self, envelopes: Sequence[Envelope[Event]]) -> None:
        """Publish events, those of one owner in the given order. Raises EventLogUnavailable if any may be missing."""
        ...

    async def send(self, records: Sequence[Record]) -> None:
        """Publish encoded records, as `publish_many`. Raises ValueError for one that is too large."""
        ...


class KafkaPublisher:
    """A Kafka producer that recovers by itself.

    An idempotent producer retries across broker restarts without duplicates or reordering. Errors that it cannot
    recover from (an unknown producer id, a sequence gap, a refused batch) are fatal; it is replaced then.

    While Kafka is away, callers do not wait: after three failures in a row, one call at a time tries, and the others
    fail at once.
    """

    def __init__(
        self,
        settings: KafkaSettings,
        client_id: str,
        *,
        delivery_seconds: float = 10,
        stale_seconds: float = 60,
        clock: Clock | None = None,
    ) -> None:
        """`delivery_seconds`: maximum time that `publish` waits; `stale_seconds`: if a producer with pending records
        has no success for this long, it is replaced."""
        self._settings = settings
        self._client_id = client_id
        self._delivery_seconds = delivery_seconds
        self._stale_seconds = stale_seconds
        self._clock = clock or SystemClock()
        self._producer: Any = None
        self._healthy_at = 0.0
        self._connecting = asyncio.Lock()
        self._closing: set[asyncio.Task[None]] = set()
        self._closed = False
        self._breaker = CircuitBreaker(self._clock, failures=(EventLogUnavailable,), threshold=_FAILURES_IN_A_ROW)
        start_publisher_series(topic.name for topic in TOPICS.values() if f"{client_id}-".startswith(f"{topic.owner}-"))

    async def start(self) -> None:
        """Connect if Kafka is reachable; otherwise a later `publish` connects."""
        try:
            await self._connected()
        except EventLogUnavailable as error:
            log.warning("Kafka is not reachable yet", extra={"reason": error.detail})

    async def stop(self) -> None:
        """Wait briefly for records in flight, then close."""
        self._closed = True
        self._replace(self._producer)
        if self._closing:
            await asyncio.wait(self._closing)

    async def check(self) -> None:
        """Check readiness: raises EventLogUnavailable unless a broker responds."""
        producer = await self._connected()
        if not await producer.client.force_metadata_update():
            raise EventLogUnavailable("Kafka does not answer")

    async def publish(self, envelope: Envelope[Event]) -> None:
        await self.publish_many([envelope])

    async def publish_many(self, envelopes: Sequence[Envelope[Event]]) -> None:
        if not envelopes:
            return
        if not tracing.sampled():  # a span of a trace that nobody records would cost what a record does
            await self.send([encode(e) for e in envelopes])
            return
        topics = ",".join(sorted({envelope.data.topic for envelope in envelopes}))
        attributes = {"messaging.system": "kafka", "messaging.destination.name": topics}
        with tracing.tracer.start_as_current_span(f"publish {topics}", kind=SpanKind.PRODUCER, attributes=attributes):
            headers: dict[str, str] = {}
            tracing.inject(headers)
            await self.send(
                [encode(replace(e, traceparent=headers.get("traceparent", e.traceparent))) for e in envelopes]
            )

    async def send(self, records: Sequence[Record]) -> None:
        started = self._clock.monotonic()
        outcome = "failed"
        try:
            with self._breaker.call():
                await self._send_in_time(records)
            outcome = "ok"
        except CircuitOpen as error:
            await asyncio.sleep(0)  # a caller that repeats at once must not keep all others from running
            raise EventLogUnavailable("Kafka did not acknowledge the last records") from error
        finally:
            elapsed = self._clock.monotonic() - started
            for record in records:
                PUBLISHED.labels(record.topic, outcome).inc()
            for topic in {record.topic for record in records}:
                PUBLISH_SECONDS.labels(topic).observe(elapsed)

    async def _send_in_time(self, records: Sequence[Record]) -> None:
        try:
            async with asyncio.timeout(self._delivery_seconds):
                await self._send(records)
        except TimeoutError as error:
            raise EventLogUnavailable(f"Kafka did not acknowledge within {self._delivery_seconds:g} s") from error

    async def _send(self, records: Sequence[Record]) -> None:
        producer = await self._connected()
        try:
            with surface_stray_cancellation():
                acknowledgements = [await self._enqueue(producer, record) for record in records]
                for future in acknowledgements:
                    await asyncio.shield(future)  # callers share it, so one's cancellation must not cancel it
            self._healthy_at = self._clock.monotonic()
        except asyncio.CancelledError:
            if self._clock.monotonic() - self._healthy_at > self._stale_seconds:
                log.warning("producer made no progress, replacing it")
                self._replace(producer)
            raise
        except (KafkaError, StrayCancellation) as error:
            # An idempotent producer retries all retriable errors. After a batch failed for good, the broker sees a #
            # gap in the partition's sequence numbers, and refuses all later batches of this producer.
            log.warning("producer failed, replacing it: %r", error)
            self._replace(producer)
            if isinstance(error, MessageSizeTooLargeError):
                raise ValueError("record exceeds the topic's maximum size") from error
            raise EventLogUnavailable(f"Kafka: {type(error).__name__}") from error

    async def _enqueue(self, producer: Any, record: Record) -> asyncio.Future[Any]:
        """Return the future acknowledgement. Waits for metadata and for room in the producer's buffer."""
        end = tombstone_of(record)
        while True:
            try:
                future: asyncio.Future[Any] = (
                    await self._send_together(producer, [record, end])
                    if end
                    else await self._send_one(producer, record)
                )
            except MessageSizeTooLargeError as error:
                raise ValueError("record exceeds the maximum request size") from error
            except KafkaError as error:
                if not error.retriable and not isinstance(error, KafkaTimeoutError):
                    raise
                await self._clock.sleep(_RETRY_SECONDS)  # a partition has no leader while the cluster starts
            else:
                future.add_done_callback(_retrieve)
                return future

    async def _send_one(self, producer: Any, record: Record) -> Any:
        value = b"" if record.key is None and record.value is None else record.value
        partition = await self._partition(producer, record)
        return await producer.send(record.topic, value, record.key, partition, headers=list(record.headers))

    async def _send_together(self, producer: Any, records: Sequence[Record]) -> Any:
        """Send records of one key in one batch. Raises ValueError if they do not fit."""
        batch = producer.create_batch()
        for record in records:
            if not batch.append(timestamp=None, key=record.key, value=record.value, headers=list(record.headers)):
                raise ValueError(f"the records of {record.topic} do not fit into one batch")
        batch.close()
        partition = await self._partition(producer, records[0])
        return await producer.send_batch(batch, records[0].topic, partition=partition)

    async def _partition(self, producer: Any, record: Record) -> int | None:
        owner = record.partition_key
        return None if owner is None else partition_of(owner, len(await producer.partitions_for(record.topic)))

    async def _connected(self) -> Any:
        if self._producer is not None:
            return self._producer
        async with self._connecting:
            if self._closed:
                raise EventLogUnavailable("the publisher is closed")
            if self._producer is None:
                self._producer = await self._connect()
                self._healthy_at = self._clock.monotonic()
            return self._producer

    async def _connect(self) -> Any:
        producer = AIOKafkaProducer(
            **connection_options(self._settings),
            client_id=self._client_id,
            acks="all",
            enable_idempotence=True,
            linger_ms=0,  # latency first: batches form by themselves while a request is in flight
            max_request_size=_MAX_REQUEST_BYTES,
            request_timeout_ms=10_000,
            retry_backoff_ms=100,
            metadata_max_age_ms=30_000,  # how long records still go to the old partitions after a topic has grown
        )
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                with surface_stray_cancellation():
                    await producer.start()
        except (KafkaError, TimeoutError, OSError, StrayCancellation) as error:
            self._close_later(producer)
            raise EventLogUnavailable(f"Kafka is not reachable: {type(error).__name__}") from error
        except BaseException:
            self._close_later(producer)
            raise
        return producer

    def _replace(self, producer: Any) -> None:
        if producer is not None and producer is self._producer:
            self._producer = None
            self._close_later(producer)

    def _close_later(self, producer: Any) -> None:
        task = asyncio.get_running_loop().create_task(_close(producer))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


async def _close(producer: Any) -> None:
    """Give a producer a moment to deliver its records, then drop the rest: an idempotent one would wait forever."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_CLOSE_SECONDS):
            await producer.flush()
    # The driver has no public way to abort: stop its sender, then fail the pending batches so that no caller waits.
    await producer._sender.close()
    accumulator = producer._message_accumulator
    for batch in [batch for batches in accumulator._batches.values() for batch in batches]:
        batch.drain_ready()
    accumulator.fail_all(KafkaTimeoutError("the producer was closed"))
    try:
        with surface_stray_cancellation():
            await producer.stop()
    except (KafkaError, StrayCancellation) as error:
        log.info("closing a producer", extra={"reason": repr(error)})


def _retrieve(future: asyncio.Future[Any]) -> None:
    """Mark a failure as retrieved, also if its caller was cancelled."""
    if not future.cancelled():
        future.exception()


@asynccontextmanager
async def open_publisher(settings: KafkaSettings, client_id: str) -> AsyncIterator[KafkaPublisher]:
    """Open a started publisher; stopped on exit."""
    publisher = KafkaPublisher(settings, client_id)
    await publisher.start()
    try:
        yield publisher
    finally:
        await publisher.stop()

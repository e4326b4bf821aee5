"""Publishing to Kafka: idempotent, acknowledged by all in-sync replicas, and no settings to get wrong.

    async with open_publisher(settings.kafka_bootstrap, "upload") as publisher:
        await publisher.publish(Envelope.of(event, entityversion=1))

`publish` returns when the record is safe. When it raises EventLogUnavailable the record may or may not be in the log
(an answer can be lost), so repeat it with the same event id.
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
from photomesh_shared.errors import EventLogUnavailable
from photomesh_shared.events import TOPICS, Envelope, Event, Record, encode
from photomesh_shared.kafka.metrics import PUBLISH_SECONDS, PUBLISHED, start_publisher_series
from photomesh_shared.observability import tracing

__all__ = ["KafkaPublisher", "Publisher", "open_publisher"]

log = logging.getLogger(__name__)

_MAX_REQUEST_BYTES = 2 * 1_048_576  # a dead letter is as large as its record and some headers
_CONNECT_SECONDS = 5.0
_CLOSE_SECONDS = 5.0
_RETRY_SECONDS = 0.1


class Publisher(Protocol):
    """What publishes events; `KafkaPublisher` and the in-memory one for tests."""

    async def publish(self, envelope: Envelope[Event]) -> None:
        """Writes one event. Raises EventLogUnavailable."""
        ...

    async def publish_many(self, envelopes: Sequence[Envelope[Event]]) -> None:
        """Writes events, those of one key in the given order. Raises EventLogUnavailable if any may be missing."""
        ...

    async def send(self, records: Sequence[Record]) -> None:
        """Writes records that are encoded already, in the same way. Raises ValueError for one that is too large."""
        ...


class KafkaPublisher:
    """A Kafka producer that comes back by itself.

    An idempotent producer retries through a broker's restart without repeating or reordering. What it cannot heal (an
    unknown producer id, a gap in its sequence, a batch that the broker refused) ends it, so it is replaced then.
    """

    def __init__(
        self,
        bootstrap: str,
        client_id: str,
        *,
        delivery_seconds: float = 10,
        stale_seconds: float = 60,
        clock: Clock | None = None,
    ) -> None:
        """`delivery_seconds` is how long `publish` waits at most; `stale_seconds` how long a producer may go without
        any success, while asked for it, before it is replaced."""
        self._bootstrap = bootstrap
        self._client_id = client_id
        self._delivery_seconds = delivery_seconds
        self._stale_seconds = stale_seconds
        self._clock = clock or SystemClock()
        self._producer: Any = None
        self._healthy_at = 0.0
        self._connecting = asyncio.Lock()
        self._closing: set[asyncio.Task[None]] = set()
        self._closed = False
        start_publisher_series(topic.name for topic in TOPICS.values() if f"{client_id}-".startswith(f"{topic.owner}-"))

    async def start(self) -> None:
        """Connects, if Kafka is there; otherwise the first `publish` that finds it does."""
        try:
            await self._connected()
        except EventLogUnavailable as error:
            log.warning("Kafka is not reachable yet", extra={"reason": error.detail})

    async def stop(self) -> None:
        """Waits a little for what is under way and closes."""
        self._closed = True
        self._replace(self._producer)
        if self._closing:
            await asyncio.wait(self._closing)

    async def check(self) -> None:
        """For readiness: raises EventLogUnavailable unless a broker answers."""
        producer = await self._connected()
        if not await producer.client.force_metadata_update():
            raise EventLogUnavailable("Kafka does not answer")

    async def publish(self, envelope: Envelope[Event]) -> None:
        await self.publish_many([envelope])

    async def publish_many(self, envelopes: Sequence[Envelope[Event]]) -> None:
        if not envelopes:
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
            async with asyncio.timeout(self._delivery_seconds):
                await self._send(records)
            outcome = "ok"
        except TimeoutError as error:
            raise EventLogUnavailable(f"Kafka did not acknowledge within {self._delivery_seconds:g} s") from error
        finally:
            elapsed = self._clock.monotonic() - started
            for record in records:
                PUBLISHED.labels(record.topic, outcome).inc()
            for topic in {record.topic for record in records}:
                PUBLISH_SECONDS.labels(topic).observe(elapsed)

    async def _send(self, records: Sequence[Record]) -> None:
        producer = await self._connected()
        try:
            with surface_stray_cancellation():
                acknowledgements = [await self._enqueue(producer, record) for record in records]
                for future in acknowledgements:
                    await asyncio.shield(future)  # cancelling ours must not cancel what other callers share
            self._healthy_at = self._clock.monotonic()
        except asyncio.CancelledError:
            if self._clock.monotonic() - self._healthy_at > self._stale_seconds:
                log.warning("the producer made no progress and is replaced")
                self._replace(producer)
            raise
        except (KafkaError, StrayCancellation) as error:
            # An idempotent producer retries whatever can be retried. After a batch that failed for good, the broker
            # sees a gap in the sequence numbers of its partition, and refuses all later batches of this producer.
            log.warning("the producer failed and is replaced: %r", error)
            self._replace(producer)
            if isinstance(error, MessageSizeTooLargeError):
                raise ValueError("a record is larger than its topic takes") from error
            raise EventLogUnavailable(f"Kafka: {type(error).__name__}") from error

    async def _enqueue(self, producer: Any, record: Record) -> asyncio.Future[Any]:
        """The promise of an acknowledgement. Waits for metadata and for room in the producer's buffer."""
        value = b"" if record.key is None and record.value is None else record.value
        while True:
            try:
                future: asyncio.Future[Any] = await producer.send(
                    record.topic, value, record.key, headers=list(record.headers)
                )
            except MessageSizeTooLargeError as error:
                raise ValueError("a record is larger than a request may be") from error
            except KafkaError as error:
                if not error.retriable and not isinstance(error, KafkaTimeoutError):
                    raise
                await self._clock.sleep(_RETRY_SECONDS)  # a partition has no leader while the cluster starts
            else:
                future.add_done_callback(_retrieve)
                return future

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
            bootstrap_servers=self._bootstrap,
            client_id=self._client_id,
            acks="all",
            enable_idempotence=True,
            linger_ms=0,  # latency first: batches form by themselves while a request is in flight
            max_request_size=_MAX_REQUEST_BYTES,
            request_timeout_ms=10_000,
            retry_backoff_ms=100,
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
    """Gives a producer a moment to deliver what it has, then drops the rest: an idempotent one would wait for ever."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_CLOSE_SECONDS):
            await producer.flush()
    # The driver has no public way to give up: stop its sender, then fail what is left so that nobody waits for it.
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
    """Marks a failure as seen, also when its caller has gone."""
    if not future.cancelled():
        future.exception()


@asynccontextmanager
async def open_publisher(bootstrap: str, client_id: str) -> AsyncIterator[KafkaPublisher]:
    """A started publisher that is stopped at the end."""
    publisher = KafkaPublisher(bootstrap, client_id)
    await publisher.start()
    try:
        yield publisher
    finally:
        await publisher.stop()

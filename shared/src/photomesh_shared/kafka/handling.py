"""Processing of records: decode, handle singly or in batches, retry, dead-letter."""

from __future__ import annotations

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from opentelemetry.trace import SpanKind
from opentelemetry.util.types import AttributeValue

from photomesh_shared.clock import Clock, happened_within
from photomesh_shared.concurrency.cancellation import surface_stray_cancellation
from photomesh_shared.errors import Unavailable
from photomesh_shared.events import Envelope, Event, Position, Record, Undecodable, UnknownType, decode
from photomesh_shared.events.envelope import event_class
from photomesh_shared.failpoints import declare, failpoint
from photomesh_shared.kafka.dead_letter import Cause, dead_letter
from photomesh_shared.kafka.failures import Invalid
from photomesh_shared.kafka.metrics import DEAD_LETTERS, HANDLING_SECONDS, RECORDS, WAITING_FOR_DEPENDENCY
from photomesh_shared.kafka.publisher import Publisher
from photomesh_shared.kafka.retry import RetryPolicy
from photomesh_shared.kafka.source import Received
from photomesh_shared.observability import logs, tracing

__all__ = ["BatchHandler", "Handler", "Handling", "OnExhausted"]

log = logging.getLogger(__name__)

Handler = Callable[[Envelope[Any]], Awaitable[None]]
BatchHandler = Callable[[Sequence[Envelope[Any]]], Awaitable[None]]
OnExhausted = Callable[[Envelope[Event], Exception], Awaitable[None]]

AFTER_HANDLE = declare("runner.after_handle", "the handler has returned, the offset is not committed")


class _GivenUp(Exception):
    """The partition was revoked, or the process stops, while a record waited for its next attempt."""


class Handling:
    """Processes the records of a consumer group."""

    def __init__(
        self,
        group: str,
        handlers: Mapping[type[Event], Handler],
        publisher: Publisher,
        *,
        batch_handlers: Mapping[type[Event], BatchHandler],
        retry: RetryPolicy,
        on_exhausted: OnExhausted | None,
        clock: Clock,
        randomness: random.Random,
    ) -> None:
        self.waiting = 0
        """Number of records that wait for an unavailable dependency."""
        self._group = group
        self._handlers = {**handlers, **{kind: _alone(handler) for kind, handler in batch_handlers.items()}}
        self._batch_handlers = batch_handlers
        self._publisher = publisher
        self._retry = retry
        self._on_exhausted = on_exhausted
        self._clock = clock
        self._randomness = randomness

    async def handle(self, queued: Sequence[Received], giving_up: asyncio.Event) -> int:
        """Process the first of an owner's records, together with those after it that go to the same batch handler.
        Returns how many were processed; fewer, or none, if `giving_up` was set before.

        If a batch fails, its records are handled one by one, so that only records that fail by themselves are retried
        and dead-lettered.
        """
        together = self._together(queued)
        try:
            if together and await self._handle_together(together, giving_up):
                return len(together)
        except _GivenUp:
            return 0
        done = 0
        for received in queued[: len(together) or 1]:
            if not await self._handle_one(received, giving_up):
                break
            done += 1
        return done

    def _together(self, queued: Sequence[Received]) -> list[Envelope[Event]]:
        """Return the events of the leading records that one batch handler takes; empty if a batch gains nothing."""
        together: list[Envelope[Event]] = []
        if len(queued) < 2:
            return together
        with suppress(Undecodable, UnknownType):
            handler = self._batch_handlers.get(event_class(queued[0].record))
            for received in queued if handler else ():
                envelope = _decode(received)
                if self._batch_handlers.get(type(envelope.data)) != handler:
                    break
                together.append(envelope)
        return together if len(together) > 1 else []

    async def _handle_together(self, envelopes: Sequence[Envelope[Event]], giving_up: asyncio.Event) -> bool:
        """Return whether the batch was processed; if not, its records are still to be handled. Raises _GivenUp."""
        started = self._clock.monotonic()
        first = envelopes[0]
        handler = self._batch_handlers[type(first.data)]
        attributes: dict[str, AttributeValue] = {
            "messaging.system": "kafka",
            "messaging.destination.name": first.data.topic,
            "messaging.batch.message_count": len(envelopes),
            "messaging.consumer.group.name": self._group,
        }
        # A span has one parent: the first record's trace shows the batch, the others end at their publication.
        trace = {"traceparent": first.traceparent} if first.traceparent else {}
        with tracing.extract(trace, f"handle {first.data.topic}", kind=SpanKind.CONSUMER, attributes=attributes):
            try:
                await self._until_up(lambda: handler(envelopes), giving_up)
            except _GivenUp:
                raise
            except Exception as error:
                where = {"topic": first.data.topic, "first_event_id": first.id, "records": len(envelopes)}
                log.warning("batch failed, handling its records one by one", extra=where, exc_info=True)
                tracing.failed(f"handle {first.data.topic}", error)
                return False
        elapsed = self._clock.monotonic() - started
        for name, count in Counter(envelope.data.type_ for envelope in envelopes).items():
            RECORDS.labels(self._group, name, "ok").inc(count)
            HANDLING_SECONDS.labels(self._group, name).observe(elapsed)
        await failpoint(AFTER_HANDLE)
        return True

    async def _handle_one(self, received: Received, giving_up: asyncio.Event) -> bool:
        """Process a record. Returns False if `giving_up` was set before it was processed."""
        started = self._clock.monotonic()
        name = "unknown"
        try:
            kind = event_class(received.record)
            name = kind.type_
            outcome = "skipped"
            if handler := self._handlers.get(kind):
                outcome = await self._handle(handler, _decode(received), received, giving_up)
        except UnknownType as error:
            outcome = "skipped"
            log.debug("skipped an unknown event type", extra={"event_type": str(error)})
        except Undecodable as error:
            outcome = "undecodable"
            await self._put_aside(received, "undecodable", error, 1, giving_up)
        except _GivenUp:
            return False
        RECORDS.labels(self._group, name, outcome).inc()
        HANDLING_SECONDS.labels(self._group, name).observe(self._clock.monotonic() - started)
        await failpoint(AFTER_HANDLE)
        return True

    async def _handle(
        self, handler: Handler, envelope: Envelope[Event], received: Received, giving_up: asyncio.Event
    ) -> str:
        attributes: dict[str, AttributeValue] = {
            "messaging.system": "kafka",
            "messaging.destination.name": received.partition.topic,
            "messaging.kafka.offset": received.offset,
            "messaging.consumer.group.name": self._group,
            "messaging.message.id": envelope.id,
        }
        trace = {"traceparent": envelope.traceparent} if envelope.traceparent else {}
        name = f"handle {envelope.data.type_}"
        token = logs.request_id.set(envelope.request_id)
        try:
            with tracing.extract(trace, name, kind=SpanKind.CONSUMER, attributes=attributes):
                return await self._try(handler, envelope, received, giving_up)
        finally:
            logs.request_id.reset(token)

    async def _try(
        self, handler: Handler, envelope: Envelope[Event], received: Received, giving_up: asyncio.Event
    ) -> str:
        failures = 0
        while True:
            try:
                await self._until_up(lambda: handler(envelope), giving_up)
            except _GivenUp:
                raise
            except Invalid as error:
                await self._put_aside(received, "invalid", error, failures + 1, giving_up)
                return "invalid"
            except Exception as error:
                failures += 1
                tracing.failed(f"handle {envelope.data.type_}", error)
                where = {"event_type": envelope.data.type_, "event_id": envelope.id, "attempt": failures}
                if failures < self._retry.attempts:
                    log.warning("handling failed, retrying", extra=where, exc_info=True)
                    await self._pause(self._retry.backoff.delay(failures, self._randomness), giving_up)
                    continue
                log.exception("handling failed, no retries left", extra=where)
                if self._on_exhausted:
                    await self._tell_exhausted(self._on_exhausted, envelope, error, giving_up)
                await self._put_aside(received, "exhausted", error, failures, giving_up)
                return "exhausted"
            else:
                return "ok"

    async def _tell_exhausted(
        self, hook: OnExhausted, envelope: Envelope[Event], error: Exception, giving_up: asyncio.Event
    ) -> None:
        try:
            await self._until_up(lambda: hook(envelope, error), giving_up)
        except _GivenUp:
            raise
        except Exception:
            # The dead letter carries the handler's error, which is the cause.
            log.exception("on_exhausted failed", extra={"event_id": envelope.id})

    async def _put_aside(
        self, received: Received, cause: Cause, error: Exception, attempts: int, giving_up: asyncio.Event
    ) -> None:
        letter = dead_letter(
            received, group=self._group, cause=cause, error=error, attempts=attempts, now=self._clock.now()
        )
        place = {"topic": received.partition.topic, "partition": received.partition.number, "offset": received.offset}
        log.error("record sent to dead-letter topic", extra=place | {"cause": cause, "reason": str(error)})
        await self._until_up(lambda: self._send(letter), giving_up)
        DEAD_LETTERS.labels(self._group, received.partition.topic).inc()

    async def _send(self, letter: Record) -> None:
        await self._publisher.send([letter])

    async def _until_up(self, action: Callable[[], Awaitable[None]], giving_up: asyncio.Event) -> None:
        """Retry `action` for as long as a dependency is unavailable."""
        failures = 0
        waiting = False
        try:
            while True:
                try:
                    with surface_stray_cancellation():
                        return await action()
                except Unavailable as error:
                    failures += 1
                    if not waiting:
                        waiting = True
                        self._count_waiting(+1)
                        log.warning("waiting for a dependency", extra={"reason": str(error)})
                await self._pause(self._retry.backoff.delay(failures, self._randomness), giving_up)
        finally:
            if waiting:
                self._count_waiting(-1)

    def _count_waiting(self, change: int) -> None:
        self.waiting += change
        WAITING_FOR_DEPENDENCY.labels(self._group).set(self.waiting)

    async def _pause(self, seconds: float, giving_up: asyncio.Event) -> None:
        if await happened_within(giving_up, seconds, self._clock):
            raise _GivenUp


def _decode(received: Received) -> Envelope[Event]:
    """Raises as `decode`."""
    return decode(received.record, Position(received.partition.number, received.offset, received.record.value or b""))


def _alone(handler: BatchHandler) -> Handler:
    async def handle(envelope: Envelope[Any]) -> None:
        await handler([envelope])

    return handle

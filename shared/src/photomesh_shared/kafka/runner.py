"""The one consumer runner: polling, order, retries, commits, rebalances and shutdown. Business code is a function.

    runner = ConsumerRunner(
        kafka_source(settings),
        group="post",
        handlers={PhotoReady: on_ready, PhotoRejected: on_rejected},
        publisher=publisher,
    )
    await runner.run(stop)

Handlers must be idempotent: delivery is at least once, with redelivery after a crash, a rebalance or a failed commit.
Offsets are committed after the work and never past an unprocessed record. `failures` defines the error types.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Collection, Mapping

from photomesh_shared.clock import Clock, SystemClock, happened_within
from photomesh_shared.concurrency.cancellation import surface_stray_cancellation
from photomesh_shared.errors import Unavailable
from photomesh_shared.events import TOPICS, Event, Topic
from photomesh_shared.failpoints import declare, failpoint
from photomesh_shared.kafka.handling import BatchHandler, Handler, Handling, OnExhausted
from photomesh_shared.kafka.metrics import (
    CONSUMER_REBALANCES,
    CONSUMER_RESTARTS,
    IN_FLIGHT,
    forget_lag,
    report_lag,
    start_consumer_series,
)
from photomesh_shared.kafka.partition import PartitionWork
from photomesh_shared.kafka.publisher import Publisher
from photomesh_shared.kafka.retry import RetryPolicy
from photomesh_shared.kafka.source import CommitRefused, Connect, Partition, Source, SourceLost
from photomesh_shared.kafka.watchdog import Watchdog

__all__ = ["BatchHandler", "ConsumerRunner", "Handler", "RetryPolicy"]

log = logging.getLogger(__name__)

BEFORE_COMMIT = declare("runner.before_commit", "records are processed, their offsets are not committed")
AFTER_COMMIT = declare("runner.after_commit", "offsets are committed")

Flush = Callable[[], Awaitable[None]]
"""Performs the work that handlers deferred. Retried if it raises Unavailable."""

_POLL_SECONDS = 0.5
_LOOK_SECONDS = 0.05
_LAG_SECONDS = 5.0
_COMMIT_TIMEOUT = 10.0
_STOP_TIMEOUT = 10.0
_STEADY_SECONDS = 30.0


class ConsumerRunner:
    """A member of a consumer group."""

    def __init__(
        self,
        connect: Connect,
        *,
        group: str,
        handlers: Mapping[type[Event], Handler],
        publisher: Publisher,
        batch_handlers: Mapping[type[Event], BatchHandler] | None = None,
        concurrency: int = 8,
        buffer: int = 64,
        batch: int = 500,
        ordered: Collection[str] = (),
        retry: RetryPolicy | None = None,
        on_exhausted: OnExhausted | None = None,
        flush: Flush | None = None,
        commit_seconds: float = 1.0,
        drain_seconds: float = 25.0,
        stall_seconds: float = 120.0,
        clock: Clock | None = None,
        randomness: random.Random | None = None,
        catalogue: Mapping[str, Topic] = TOPICS,
    ) -> None:
        """`concurrency`: owners of one partition handled at a time; `buffer`: unprocessed records of one partition, of
        which no owner has more than an eighth (its further records wait outside the buffer). `on_exhausted` is called
        before a record without attempts left is dead-lettered.

        A batch handler receives up to `batch` waiting records of one owner, in order, of types that it handles. It may
        defer work until `flush`, which is called before each commit (about every `commit_seconds`): the offsets of the
        records are committed after it.

        Records of the topics in `ordered` are handled in the order of their partition, whosever they are.

        `drain_seconds`: time for work in progress when partitions are revoked or the process stops; `stall_seconds`: if
        records wait and none is processed for this long, `alive` returns False.

        Topics follow from the handlers' event types. The group must be in the catalogue, from which its dead-letter
        topics are created.
        """
        batch_handlers = batch_handlers or {}
        self._topics = sorted({kind.topic for kind in (*handlers, *batch_handlers)})
        for topic in self._topics:
            if group not in catalogue[topic].consumers:
                raise ValueError(f"the catalogue does not list {group} as a consumer of {topic}")
        start_consumer_series(group, self._topics, (kind.type_ for kind in (*handlers, *batch_handlers)))
        self._connect = connect
        self._group = group
        self._concurrency = concurrency
        self._buffer = buffer
        self._batch = batch if batch_handlers else 1
        self._ordered = frozenset(ordered)
        self._flush = flush
        self._commit_seconds = commit_seconds
        self._drain_seconds = drain_seconds
        self._clock = clock or SystemClock()
        self._randomness = randomness or random.Random()  # noqa: S311 - jitter, no secret
        self._handling = Handling(
            group,
            handlers,
            publisher,
            batch_handlers=batch_handlers,
            retry=retry or RetryPolicy(),
            on_exhausted=on_exhausted,
            clock=self._clock,
            randomness=self._randomness,
        )
        self._watchdog = Watchdog(self._clock, stall_seconds)
        self._work: dict[Partition, PartitionWork] = {}
        self._room = asyncio.Event()
        self._joined = False
        self._committing = asyncio.Lock()
        self._tasks: asyncio.TaskGroup | None = None
        self._broken: asyncio.Future[None] | None = None
        self._source: Source | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Consume until `stop` is set; then finish work in progress, commit and leave the group."""
        failures = 0
        while not stop.is_set():
            started = self._clock.monotonic()
            with surface_stray_cancellation():
                await self._consume(stop)
            if stop.is_set():
                return
            failures = failures + 1 if self._clock.monotonic() - started < _STEADY_SECONDS else 1
            CONSUMER_RESTARTS.labels(self._group).inc()
            await happened_within(stop, RetryPolicy().backoff.delay(failures, self._randomness), self._clock)

    def alive(self) -> bool:
        """Check liveness: False if records wait, none is processed, and no dependency is unavailable."""
        return not self._watchdog.stalled

    async def check(self) -> None:
        """Check readiness: raises Unavailable until the group has been joined."""
        if not self._joined:
            raise Unavailable("the consumer group has not been joined yet")

    # Ownership: called by the source

    async def assigned(self, partitions: Collection[Partition]) -> None:
        assert self._tasks is not None
        for partition in partitions:
            self._work[partition] = PartitionWork(
                partition,
                handle=self._handling.handle,
                spawn=self._tasks.create_task,
                progressed=self._progressed,
                concurrency=self._concurrency,
                buffer=self._buffer,
                batch=self._batch,
                ordered=partition.topic in self._ordered,
            )
        self._joined = True
        self._room.set()
        log.info("partitions assigned", extra={"group": self._group, "partitions": len(self._work)})

    async def revoked(self, partitions: Collection[Partition]) -> None:
        CONSUMER_REBALANCES.labels(self._group).inc()
        try:
            with surface_stray_cancellation():
                await self._give_up(partitions)
        except Exception as error:
            # Must end the runner; the source would only log it.
            if self._broken is not None and not self._broken.done():
                self._broken.set_exception(error)
            raise

    # The loops of one consumer

    async def _consume(self, stop: asyncio.Event) -> None:
        self._source = source = self._connect(self._group, self._topics, self)
        try:
            async with asyncio.TaskGroup() as tasks:
                self._tasks = tasks
                self._broken = broken = asyncio.get_running_loop().create_future()
                polling = tasks.create_task(self._poll(source))
                keeping_house = tasks.create_task(self._keep_house(source))
                stopping = tasks.create_task(stop.wait())
                await asyncio.wait([polling, keeping_house, stopping, broken], return_when=asyncio.FIRST_COMPLETED)
                if broken.done():
                    broken.result()
                polling.cancel()
                stopping.cancel()
                await self._give_up(list(self._work))
                keeping_house.cancel()
        finally:
            self._joined = False
            self._work.clear()
            try:
                async with asyncio.timeout(_STOP_TIMEOUT):
                    with surface_stray_cancellation():
                        await source.stop()
            except TimeoutError:
                log.warning("consumer did not stop in time", extra={"group": self._group})
            except Exception:
                log.exception("consumer did not stop cleanly", extra={"group": self._group})

    async def _poll(self, source: Source) -> None:
        """Fetch records while there is room for them. Returns when the source is lost."""
        try:
            await source.start()
            limit = max(1, self._buffer // 2)
            while True:
                wanted = [partition for partition, work in self._work.items() if work.wants_more]
                everything_wanted = wanted and len(wanted) == len(self._work)
                self._room.clear()
                batches = await source.poll(wanted, limit, _POLL_SECONDS if everything_wanted else 0) if wanted else {}
                if not batches and not everything_wanted:
                    # Whichever comes first: room in a full partition, or the next poll of the others.
                    await happened_within(self._room, _LOOK_SECONDS, self._clock)
                for partition, records in batches.items():
                    if work := self._work.get(partition):
                        work.accept(records)
        except Unavailable as error:
            self._watchdog.excuse()
            log.warning("Kafka is not reachable", extra={"group": self._group, "reason": str(error)})
        except SourceLost as error:
            log.warning("consumer lost", extra={"group": self._group, "reason": str(error)})

    async def _keep_house(self, source: Source) -> None:
        """Commit, measure lag, and watch for stalls. Returns when the source is lost."""
        measured_at = self._clock.monotonic()
        while True:
            await self._clock.sleep(self._commit_seconds)
            await self._commit(list(self._work.values()))
            IN_FLIGHT.labels(self._group).set(self._in_flight())
            if source.failed():
                log.warning("consumer died", extra={"group": self._group})
                return
            if self._clock.monotonic() - measured_at >= _LAG_SECONDS:
                measured_at = self._clock.monotonic()
                await self._measure(source)
            if self._watchdog.suspicious and not self._in_flight():
                log.warning("consumer stalled: lag > 0 but no records received", extra={"group": self._group})
                return

    async def _measure(self, source: Source) -> None:
        """Export the lag, and report it to the watchdog."""
        works = list(self._work.values())
        try:
            fresh = [work.partition for work in works if work.position is None]
            starts = await source.start_offsets(fresh) if fresh else {}
            ends = await source.end_offsets([work.partition for work in works]) if works else {}
        except Unavailable as error:
            log.warning("Kafka does not respond", extra={"group": self._group, "reason": str(error)})
            self._watchdog.unreachable()
            return
        total = 0
        for work in works:
            work.start = starts.get(work.partition, work.start)
            if work.position is not None and self._work.get(work.partition) is work:
                end = ends[work.partition]
                lag = max(0, end - work.position)
                report_lag(self._group, work.partition, end, lag, self._age(work, lag))
                total += lag
        self._watchdog.observe(total, excused=self._handling.waiting > 0)

    def _age(self, work: PartitionWork, lag: int) -> float | None:
        """Return the age in seconds of the oldest of `lag` records; None if it has not been read."""
        if not lag:
            return 0.0
        oldest = work.tracker.oldest
        return max(0.0, (self._clock.now() - oldest).total_seconds()) if oldest else None

    def _in_flight(self) -> int:
        return sum(len(work.tracker) for work in self._work.values())

    def _progressed(self) -> None:
        self._watchdog.progressed()
        self._room.set()

    async def _give_up(self, partitions: Collection[Partition]) -> None:
        """Finish work in progress on these partitions, commit, and drop them."""
        works = [self._work[partition] for partition in partitions if partition in self._work]
        await asyncio.gather(*(work.drain(self._drain_seconds) for work in works))
        await self._commit(works)
        for work in works:
            if self._work.get(work.partition) is work:
                del self._work[work.partition]
            forget_lag(self._group, work.partition)

    async def _commit(self, works: Collection[PartitionWork]) -> None:
        assert self._source is not None
        async with self._committing:
            marks = [(work, work.tracker.low_water) for work in works]
            news = {work: mark for work, mark in marks if mark is not None and mark != work.committed}
            try:
                async with asyncio.timeout(_COMMIT_TIMEOUT):
                    if self._flush:
                        await self._flush()
                    if not news:
                        return
                    await failpoint(BEFORE_COMMIT)
                    await self._source.commit({work.partition: mark for work, mark in news.items()})
            except CommitRefused as error:
                log.info("commit came too late", extra={"group": self._group, "reason": str(error)})
                return
            except (Unavailable, TimeoutError) as error:
                log.warning("commit failed", extra={"group": self._group, "reason": repr(error)})
                return
            for work, mark in news.items():
                work.committed = mark
            await failpoint(AFTER_COMMIT)

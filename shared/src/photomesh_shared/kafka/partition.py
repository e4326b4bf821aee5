"""Processing of one partition: ordered within an owner, concurrent between owners, with offset tracking."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from datetime import datetime
from itertools import islice

from photomesh_shared.kafka.source import Partition, Received

__all__ = ["OffsetTracker", "PartitionWork"]

_SHARES = 8
"""Minimum number of owners that fill the buffer."""
_READ_AHEAD_BYTES = 1024 * 1024
"""Bytes for records read beyond half of the buffer: more uploads than one account may complete in a day."""
_RECORD_BYTES = 256
"""Bytes of a record beside its value."""


class OffsetTracker:
    """Tracks the low-water mark: every record before it is processed."""

    def __init__(self) -> None:
        self._open: dict[int, datetime] = {}  # in offset order, because records arrive in it
        self._next: int | None = None

    def begin(self, offset: int, written_at: datetime) -> None:
        self._open[offset] = written_at
        self._next = offset + 1

    def done(self, offset: int) -> None:
        del self._open[offset]

    @property
    def low_water(self) -> int | None:
        """The offset to commit; None before the first record."""
        return next(iter(self._open), self._next)

    @property
    def oldest(self) -> datetime | None:
        """Timestamp of the first unprocessed record; None if all are processed."""
        return next(iter(self._open.values()), None)

    def __len__(self) -> int:
        return len(self._open)


class PartitionWork:
    """Records of one partition that were received and are not yet processed.

    Records of one owner (`Record.partition_key`) are handled in order, up to `concurrency` owners at a time. `spawn`
    starts a task whose failure ends the runner.

    No owner takes more than its share of the buffer: further records of that owner wait outside the buffer, so that the
    records behind them are reached. They stay in memory, because offsets cannot be committed past them.
    """

    def __init__(
        self,
        partition: Partition,
        *,
        handle: Callable[[Sequence[Received], asyncio.Event], Awaitable[int]],
        spawn: Callable[[Coroutine[object, object, None]], asyncio.Task[None]],
        progressed: Callable[[], None],
        concurrency: int,
        buffer: int,
        batch: int,
        ordered: bool = False,
    ) -> None:
        """`ordered`: all records of the partition are handled in order, as if they had one owner.

        `handle` takes up to `batch` records of one owner and an event that is set to give up the work. It returns
        how many leading records it has processed; 0 if it gave up. `progressed` is called whenever records have been
        processed."""
        self.partition = partition
        self.tracker = OffsetTracker()
        self.start: int | None = None
        """The offset where reading began, once requested."""
        self.committed: int | None = None
        """The last committed offset."""
        self._handle = handle
        self._spawn = spawn
        self._progressed = progressed
        self._slots = asyncio.Semaphore(concurrency)
        self._buffer = buffer
        self._share = max(1, buffer // _SHARES)
        self._occupied = 0
        self._bytes = 0
        self._batch = batch
        self._ordered = ordered
        self._lanes: dict[bytes | int, deque[Received]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._giving_up = asyncio.Event()

    @property
    def position(self) -> int | None:
        """The first unprocessed offset, if known."""
        low_water = self.tracker.low_water
        return self.start if low_water is None else low_water

    @property
    def wants_more(self) -> bool:
        """Whether half of the buffer is free, and memory beyond it is available."""
        half = self._buffer // 2
        free = self._occupied <= half and (len(self.tracker) <= half or self._bytes < _READ_AHEAD_BYTES)
        return free and not self._giving_up.is_set()

    def accept(self, records: Sequence[Received]) -> None:
        """Accept records in offset order. Tombstones are for compaction only: the event before each says what ended."""
        for received in records:
            self.tracker.begin(received.offset, received.written_at)
            if received.record.is_tombstone:
                self.tracker.done(received.offset)
                self._progressed()
                continue
            self._bytes += _size(received)
            # A record without an owner has no order: it gets its own lane.
            owner = b"" if self._ordered else received.record.partition_key
            key = received.offset if owner is None else owner
            lane = self._lanes.get(key)
            if lane is not None:
                self._occupied += len(lane) < self._share
                lane.append(received)
            else:
                self._occupied += 1
                self._lanes[key] = deque([received])
                task = self._spawn(self._run_lane(key))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def _run_lane(self, key: bytes | int) -> None:
        lane = self._lanes[key]
        while lane:
            async with self._slots:
                if self._giving_up.is_set():
                    return
                done = await self._handle(list(islice(lane, self._batch)), self._giving_up)
            if not done:
                return
            for _ in range(done):
                received = lane.popleft()
                self.tracker.done(received.offset)
                self._bytes -= _size(received)
                self._occupied -= len(lane) < self._share
            self._progressed()
        del self._lanes[key]

    async def drain(self, seconds: float) -> None:
        """Finish the records in progress without starting more; cancel those that take longer than `seconds`."""
        self._giving_up.set()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=seconds)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late)


def _size(received: Received) -> int:
    return _RECORD_BYTES + len(received.record.value or b"")

"""The work on one partition: order within a key, concurrency between keys, and how far it is done."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from datetime import datetime
from itertools import islice

from photomesh_shared.kafka.source import Partition, Received

__all__ = ["OffsetTracker", "PartitionWork"]

_SHARES = 8
"""How many keys fill the buffer at least."""
_READ_AHEAD_BYTES = 1024 * 1024
"""Memory for what is read beyond half of the buffer: more uploads than one account may complete in a day."""
_RECORD_BYTES = 256
"""What a record takes beside its value."""


class OffsetTracker:
    """The low-water mark: every record before it is done with."""

    def __init__(self) -> None:
        self._open: dict[int, datetime] = {}  # in the order of offsets, for that is how records come
        self._next: int | None = None

    def begin(self, offset: int, written_at: datetime) -> None:
        self._open[offset] = written_at
        self._next = offset + 1

    def done(self, offset: int) -> None:
        del self._open[offset]

    @property
    def low_water(self) -> int | None:
        """The offset to commit; None when nothing has come yet."""
        return next(iter(self._open), self._next)

    @property
    def oldest(self) -> datetime | None:
        """When the first record that is not done with was written; None when all are done with."""
        return next(iter(self._open.values()), None)

    def __len__(self) -> int:
        return len(self._open)


class PartitionWork:
    """Records of one partition that were taken and are not done with.

    Records of one key are handled one after another, those of up to `concurrency` keys at a time. `spawn` starts a
    task whose failure ends the whole runner.

    No key takes more than its share of the buffer: records of one that has many are read and wait outside of it, so
    that those behind them are reached. They are kept in memory until then, for an offset cannot be committed past them.
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
    ) -> None:
        """`handle` is given the next records of one key, `batch` at most, and an event that is set when the work is to
        be given up. It returns how many of them are done with, from the first on; none when it gave up. `progressed`
        is called after each time that some are."""
        self.partition = partition
        self.tracker = OffsetTracker()
        self.start: int | None = None
        """Where reading began, once somebody asked."""
        self.committed: int | None = None
        """What we have committed."""
        self._handle = handle
        self._spawn = spawn
        self._progressed = progressed
        self._slots = asyncio.Semaphore(concurrency)
        self._buffer = buffer
        self._share = max(1, buffer // _SHARES)
        self._occupied = 0
        self._bytes = 0
        self._batch = batch
        self._lanes: dict[bytes | int, deque[Received]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._giving_up = asyncio.Event()

    @property
    def position(self) -> int | None:
        """The first record that is not done with, as far as known."""
        low_water = self.tracker.low_water
        return self.start if low_water is None else low_water

    @property
    def wants_more(self) -> bool:
        """Whether half of the buffer is free, and memory for more than that."""
        half = self._buffer // 2
        free = self._occupied <= half and (len(self.tracker) <= half or self._bytes < _READ_AHEAD_BYTES)
        return free and not self._giving_up.is_set()

    def accept(self, records: Sequence[Received]) -> None:
        """Takes records on, in the order of their offsets."""
        for received in records:
            self.tracker.begin(received.offset, received.written_at)
            self._bytes += _size(received)
            # A record without a key is ordered after nothing: it gets a lane of its own.
            key = received.offset if received.record.key is None else received.record.key
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
        """Finishes what has been begun, begins nothing more, and cancels what takes longer than `seconds`."""
        self._giving_up.set()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=seconds)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late)


def _size(received: Received) -> int:
    return _RECORD_BYTES + len(received.record.value or b"")

"""A broker in memory: what the runner and its users ask of Kafka, without Kafka.

It keeps the promises that matter: order within a partition, groups whose members share partitions, eager rebalances
(everything is taken away, then given out again), commits that are refused once the group has moved on.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime

from photomesh_shared.errors import EventLogUnavailable, Unavailable
from photomesh_shared.events import Envelope, Event, Record, decode, encode, tombstone_of
from photomesh_shared.kafka.partitioning import partition_of
from photomesh_shared.kafka.source import CommitRefused, Connect, Ownership, Partition, Received, SourceLost
from tests.support.clock import LoopClock

__all__ = ["MemoryBroker", "MemoryPublisher", "MemorySource"]


class MemoryBroker:
    """Topics with `partitions` partitions each. While `down`, nothing answers."""

    def __init__(self, partitions: int = 4) -> None:
        self.partitions = partitions
        self.down = False
        self.logs: defaultdict[Partition, list[Record]] = defaultdict(list)
        self.written_at: defaultdict[Partition, list[datetime]] = defaultdict(list)
        self.on_commit: list[Callable[[str, Mapping[Partition, int]], None]] = []
        self._groups: dict[str, _Group] = {}
        self._written = asyncio.Condition()

    def partition_of(self, record: Record) -> Partition:
        return Partition(record.topic, partition_of(record.partition_key or b"", self.partitions))

    async def append(self, records: Sequence[Record]) -> None:
        for record in records:
            self.logs[self.partition_of(record)].append(record)
            self.written_at[self.partition_of(record)].append(LoopClock().now())
        async with self._written:
            self._written.notify_all()

    def records(self, topic: str) -> list[Record]:
        """Everything in a topic, partition by partition."""
        return [record for number in range(self.partitions) for record in self.logs[Partition(topic, number)]]

    def events(self, topic: str) -> list[Envelope[Event]]:
        return [decode(record) for record in self.records(topic) if not record.is_tombstone]

    def group(self, name: str) -> _Group:
        return self._groups.setdefault(name, _Group(self, name))

    def committed(self, group: str) -> Mapping[Partition, int]:
        return dict(self.group(group).committed)

    def lag(self, group: str, topic: str) -> int:
        marks = self.group(group).committed
        logs = {p: self.logs[p] for p in (Partition(topic, n) for n in range(self.partitions))}
        return sum(len(log) - marks.get(partition, 0) for partition, log in logs.items())

    def connect(self) -> Connect:
        """For `ConsumerRunner`."""
        return lambda group, topics, ownership: MemorySource(self, self.group(group), topics, ownership)

    async def wait_for_records(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds), self._written:
                await self._written.wait()
        except TimeoutError:
            return


class _Group:
    def __init__(self, broker: MemoryBroker, name: str) -> None:
        self.broker = broker
        self.name = name
        self.committed: dict[Partition, int] = {}
        self.members: list[MemorySource] = []
        self.stable = asyncio.Event()
        self._rebalancing = asyncio.Lock()

    async def rebalance(self) -> None:
        async with self._rebalancing:
            self.stable.clear()
            await asyncio.gather(*(member.take_away() for member in list(self.members)))
            members = list(self.members)
            topics = sorted({topic for member in members for topic in member.topics})
            everything = [Partition(t, number) for t in topics for number in range(self.broker.partitions)]
            for index, member in enumerate(members):
                await member.give(everything[index :: len(members)])
            self.stable.set()


class MemorySource:
    """A member of a group. `deaf` makes it return nothing, as stuck clients do."""

    def __init__(self, broker: MemoryBroker, group: _Group, topics: Sequence[str], ownership: Ownership) -> None:
        self.topics = topics
        self.deaf = False
        self._broker = broker
        self._group = group
        self._ownership = ownership
        self._positions: dict[Partition, int] = {}
        self._member = False

    async def start(self) -> None:
        self._answer()
        self._member = True
        self._group.members.append(self)
        await self._group.rebalance()

    async def take_away(self) -> None:
        if self._positions:
            await self._ownership.revoked(list(self._positions))
        self._positions = {}

    async def give(self, partitions: Sequence[Partition]) -> None:
        self._positions = {partition: self._group.committed.get(partition, 0) for partition in partitions}
        await self._ownership.assigned(partitions)

    async def poll(
        self, partitions: Collection[Partition], limit: int, seconds: float
    ) -> Mapping[Partition, Sequence[Received]]:
        await self._group.stable.wait()
        if not self._member:
            raise SourceLost("not a member")
        if not self.deaf and not self._broker.down:
            batches = self._take(partitions, limit)
            if batches:
                return batches
        await self._broker.wait_for_records(seconds)
        return {}

    def _take(self, partitions: Collection[Partition], limit: int) -> dict[Partition, Sequence[Received]]:
        batches: dict[Partition, Sequence[Received]] = {}
        for partition in partitions:
            position = self._positions.get(partition)
            if position is None:
                continue
            records = self._broker.logs[partition][position : position + limit]
            if records:
                times = self._broker.written_at[partition][position:]
                batches[partition] = [
                    Received(partition, position + i, record, at)
                    for i, (record, at) in enumerate(zip(records, times, strict=False))
                ]
                self._positions[partition] += len(records)
                limit -= len(records)
            if not limit:
                break
        return batches

    async def commit(self, offsets: Mapping[Partition, int]) -> None:
        self._answer()
        if not self._member or not offsets.keys() <= self._positions.keys():
            raise CommitRefused("the group has moved on")
        for observe in self._broker.on_commit:
            observe(self._group.name, offsets)
        self._group.committed |= offsets

    async def start_offsets(self, partitions: Collection[Partition]) -> Mapping[Partition, int]:
        self._answer()
        return {partition: self._group.committed.get(partition, 0) for partition in partitions}

    async def end_offsets(self, partitions: Collection[Partition]) -> Mapping[Partition, int]:
        self._answer()
        return {partition: len(self._broker.logs[partition]) for partition in partitions}

    def failed(self) -> bool:
        return False

    async def stop(self) -> None:
        await self.expel()

    async def expel(self) -> None:
        """Ends the membership without asking the member, as the broker does with one that is gone."""
        self._positions = {}
        if self._member:
            self._member = False
            self._group.members.remove(self)
            await self._group.rebalance()

    def _answer(self) -> None:
        if self._broker.down:
            raise Unavailable("the broker is down")


class MemoryPublisher:
    """Publishes into a `MemoryBroker`. While the broker is down, nothing is written."""

    def __init__(self, broker: MemoryBroker) -> None:
        self._broker = broker

    async def publish(self, envelope: Envelope[Event]) -> None:
        await self.publish_many([envelope])

    async def publish_many(self, envelopes: Sequence[Envelope[Event]]) -> None:
        await self.send([encode(envelope) for envelope in envelopes])

    async def send(self, records: Sequence[Record]) -> None:
        if self._broker.down:
            raise EventLogUnavailable("the broker is down")
        await self._broker.append([part for record in records for part in (record, tombstone_of(record)) if part])

"""The interface between the runner and a broker's consumer.

`consumer.KafkaSource` implements it for Kafka; tests have an in-memory one, and the same tests run on both.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from photomesh_shared.events import Record

__all__ = ["CommitRefused", "Connect", "Ownership", "Partition", "Received", "Source", "SourceLost"]


class Partition(NamedTuple):
    """One partition of one topic."""

    topic: str
    number: int


class Received(NamedTuple):
    """A record and its position."""

    partition: Partition
    offset: int
    record: Record
    written_at: datetime


class SourceLost(Exception):
    """The consumer is unusable and must be replaced."""


class CommitRefused(Exception):
    """The group has rebalanced; other members may own the partitions."""


class Ownership(Protocol):
    """Callbacks of a source for partition assignment."""

    async def assigned(self, partitions: Collection[Partition]) -> None:
        """Add these partitions to those owned."""
        ...

    async def revoked(self, partitions: Collection[Partition]) -> None:
        """Release these partitions: ownership ends when this returns; commits work until then."""
        ...


class Source(Protocol):
    """A consumer in a group. It starts at the committed offset of each partition, or at its first record."""

    async def start(self) -> None:
        """Join the group. Raises Unavailable."""
        ...

    async def poll(
        self, partitions: Collection[Partition], limit: int, seconds: float
    ) -> Mapping[Partition, Sequence[Received]]:
        """Return up to `limit` next records of `partitions`. Waits up to `seconds` for the first, or longer during a
        rebalance. Raises SourceLost."""
        ...

    async def commit(self, offsets: Mapping[Partition, int]) -> None:
        """Commit the next offsets to read. Raises CommitRefused or Unavailable."""
        ...

    async def start_offsets(self, partitions: Collection[Partition]) -> Mapping[Partition, int]:
        """Return the offsets where reading begins. Raises Unavailable."""
        ...

    async def end_offsets(self, partitions: Collection[Partition]) -> Mapping[Partition, int]:
        """Return the offsets of the next records to be written. Raises Unavailable."""
        ...

    def failed(self) -> bool:
        """Return whether the consumer has died silently; it receives no more records then."""
        ...

    async def stop(self) -> None:
        """Leave the group."""
        ...


Connect = Callable[[str, Sequence[str], Ownership], Source]
"""Creates a source from the group, the topics and the assignment callbacks."""

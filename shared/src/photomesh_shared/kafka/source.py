"""The seam between the runner and a broker: what the runner asks of a consumer.

`consumer.KafkaSource` is the real one; tests have one in memory, and the same tests run on both.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from photomesh_shared.events import Record

__all__ = ["CommitRefused", "Connect", "Ownership", "Partition", "Received", "Source", "SourceLost"]


class Partition(NamedTuple):
    """One partition of one topic."""

    topic: str
    number: int


@dataclass(frozen=True)
class Received:
    """A record and where it was."""

    partition: Partition
    offset: int
    record: Record
    written_at: datetime


class SourceLost(Exception):
    """The consumer is of no further use; make another."""


class CommitRefused(Exception):
    """The group has moved on, and others may own the partitions by now."""


class Ownership(Protocol):
    """Told by a source which partitions are ours."""

    async def assigned(self, partitions: Collection[Partition]) -> None:
        """These are ours from now on, beside those that are."""
        ...

    async def revoked(self, partitions: Collection[Partition]) -> None:
        """These are taken away when this returns; commits still work until then."""
        ...


class Source(Protocol):
    """A consumer in a group. It begins at the committed offset of each partition, or at its first record."""

    async def start(self) -> None:
        """Joins the group. Raises Unavailable."""
        ...

    async def poll(
        self, partitions: Collection[Partition], limit: int, seconds: float
    ) -> Mapping[Partition, Sequence[Received]]:
        """At most `limit` next records of `partitions`; waits for the first of them as long as `seconds`, or longer
        while the group rebalances. Raises SourceLost."""
        ...

    async def commit(self, offsets: Mapping[Partition, int]) -> None:
        """Records the next offset to read. Raises CommitRefused or Unavailable."""
        ...

    async def start_offsets(self, partitions: Collection[Partition]) -> Mapping[Partition, int]:
        """Where reading begins. Raises Unavailable."""
        ...

    async def end_offsets(self, partitions: Collection[Partition]) -> Mapping[Partition, int]:
        """The offsets that the next records written will get. Raises Unavailable."""
        ...

    def failed(self) -> bool:
        """Whether it has died without telling; a consumer in that state never gets anything."""
        ...

    async def stop(self) -> None:
        """Leaves the group."""
        ...


Connect = Callable[[str, Sequence[str], Ownership], Source]
"""Makes a source from the group, the topics and whom to tell about partitions."""

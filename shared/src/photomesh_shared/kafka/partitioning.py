"""Which partition the records of an owner are in.

The hash is murmur2 of the owner's id as text (`u_SH3wjOGN5E`), as Kafka's own producers compute it for a key. So any
client reproduces it: in Java, ``toPositive(murmur2(ownerId.getBytes(UTF_8))) % partitions``.
"""

from __future__ import annotations

from aiokafka.partitioner import murmur2

__all__ = ["partition_of"]

_POSITIVE = 0x7FFF_FFFF


def partition_of(owner: bytes, partitions: int) -> int:
    """Return the partition of an owner's records in a topic of so many partitions."""
    return int((murmur2(owner) & _POSITIVE) % partitions)

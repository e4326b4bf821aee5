"""Kafka, object storage and the CDN in memory, as post sees them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from photomesh_post.photos.domain import Photo
from photomesh_shared.errors import Unavailable
from photomesh_shared.events import Envelope, Event, Record
from photomesh_shared.object_keys import avatars_prefix

__all__ = ["MemoryCdn", "MemoryLog", "MemoryObjects"]


@dataclass
class MemoryLog:
    """`lost` lets the next acknowledgements get lost: the event is in the log (True) or not."""

    events: list[Envelope[Event]] = field(default_factory=list)
    lost: list[bool] = field(default_factory=list)
    tombstones: list[str] = field(default_factory=list)
    """The keys of things that ended with something else."""

    async def publish(self, envelope: Envelope[Event]) -> None:
        await asyncio.sleep(0)
        if not self.lost:
            self.events.append(envelope)
            return
        if self.lost.pop(0):
            self.events.append(envelope)
        raise Unavailable

    async def publish_many(self, envelopes: Sequence[Envelope[Event]]) -> None:
        for envelope in envelopes:
            await self.publish(envelope)

    async def send(self, records: Sequence[Record]) -> None:
        """The only records that the service produces without an event are tombstones."""
        await asyncio.sleep(0)
        assert all(record.is_tombstone for record in records)
        self.tombstones += [(record.key or b"").decode() for record in records]

    def types(self) -> list[str]:
        return [envelope.data.type_.split(".")[-2] for envelope in self.events]


@dataclass
class MemoryObjects:
    removed: list[int] = field(default_factory=list)
    removed_avatars: list[str] = field(default_factory=list)
    stored_avatars: list[str] | None = None
    """None: one for each account."""

    async def variants(self, photo: Photo) -> Sequence[str]:
        return [variant.key for variant in photo.variants]

    async def avatars(self, account_id: int) -> Sequence[str]:
        stored = self.stored_avatars
        keys = [f"{avatars_prefix(account_id)}secret/150.jpg"] if stored is None else stored
        return [key for key in keys if key not in self.removed_avatars]

    async def remove_avatars(self, keys: Sequence[str]) -> None:
        self.removed_avatars += keys

    async def remove(self, photo: Photo, variants: Sequence[str]) -> None:
        self.removed.append(photo.id)


@dataclass
class MemoryCdn:
    purged: list[str] = field(default_factory=list)

    async def purge(self, keys: Sequence[str]) -> None:
        self.purged += keys

"""Compares a topic with the tables thing by thing; the newer of the two states wins.

Versions are times and never go back, so what has the higher one is what happened last: a topic that has lost records
gets the state of the tables, with its own version, and tables that were restored get the state of the topic. Versions
are raised only where the tables know of an end and not of its version.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Awaitable, Callable
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Protocol

from photomesh_post.republishing.states import Stored
from photomesh_shared.clock import Clock
from photomesh_shared.events import Envelope, Event, Record, decode_or_skip
from photomesh_shared.events.versions import version_at
from photomesh_shared.kafka.publisher import Publisher
from photomesh_shared.kafka.reading.latest import Latest, LatestRecords
from photomesh_shared.kafka.source import Received

__all__ = ["Apply", "Outcome", "Reconciliation", "Store", "Verdict", "verdict_on"]

_BATCH = 50
_EXAMPLES = 10

Apply = Callable[[Envelope[Event]], Awaitable[None]]
"""Applies an event to the tables."""


class Verdict(Enum):
    SAME = auto()
    TOPIC_LACKS_IT = auto()
    TABLES_LACK_IT = auto()


@dataclass(slots=True)
class Outcome:
    """`published`: records that the topic lacked; `applied`: records that the tables lacked. `examples`: the first of
    their keys."""

    things: int = 0
    published: int = 0
    applied: int = 0
    examples: list[str] = field(default_factory=list, compare=False)

    def add_example(self, key: bytes) -> None:
        if len(self.examples) < _EXAMPLES:
            self.examples.append(key.decode())


class Store(Protocol):
    """See `republishing.store.StoredThings`."""

    def of_topic(self, topic: str) -> AsyncIterable[Stored]: ...
    async def current(self, key: bytes, *, above: int) -> Envelope[Event] | None: ...


def verdict_on(stored: Stored, known: Latest | None) -> Verdict:
    """`known`: what the topic says last. What has ended may be gone from it. Two ends are the same, whatever their
    versions: unsaving a post ends its part in collections by an event of each, and raises the version in the tables."""
    if known is None:
        return Verdict.SAME if stored.ended else Verdict.TOPIC_LACKS_IT
    if stored.ended and known.ended:
        return Verdict.SAME
    if stored.version is None:
        return Verdict.TOPIC_LACKS_IT
    if stored.version == known.version:
        return Verdict.SAME
    return Verdict.TOPIC_LACKS_IT if stored.version > known.version else Verdict.TABLES_LACK_IT


class Reconciliation:
    def __init__(
        self,
        store: Store,
        publisher: Publisher,
        apply: Apply,
        clock: Clock,
        *,
        rate: float,
        repair: bool = True,
    ) -> None:
        """`rate`: records a second, at most; `repair`: False only counts."""
        self._store = store
        self._publisher = publisher
        self._apply = apply
        self._clock = clock
        self._rate = rate
        self._repair = repair

    async def run(self, topic: str, read: Callable[[str], AsyncIterable[Received]]) -> Outcome:
        """`read`: the records of a topic. Raises Unavailable; it may be repeated, and then does what is left."""
        began = version_at(self._clock.now())  # what is newer, the running service has written to both
        with LatestRecords.open() as latest:
            async for received in read(topic):
                _add(latest, received.record)
            outcome = Outcome()
            await self._publish(topic, latest, began, outcome)
            await self._catch_up(read(topic), latest, outcome)
            return outcome

    async def _publish(self, topic: str, latest: LatestRecords, began: int, outcome: Outcome) -> None:
        batch: list[tuple[bytes, int]] = []
        async for stored in self._store.of_topic(topic):
            outcome.things += 1
            known = latest.get(stored.key)
            verdict = verdict_on(stored, known)
            if verdict is Verdict.TABLES_LACK_IT:
                latest.mark_older(stored.key)
                continue
            latest.mark_current(stored.key)
            if verdict is Verdict.TOPIC_LACKS_IT and (stored.version or 0) < began:
                batch.append((stored.key, known.version if known else 0))
                if len(batch) == _BATCH:
                    await self._write(batch, outcome)
                    batch.clear()
        await self._write(batch, outcome)

    async def _write(self, batch: list[tuple[bytes, int]], outcome: Outcome) -> None:
        """Publishes the things as they are now."""
        events = []
        for key, above in batch:
            if envelope := await self._store.current(key, above=above):
                events.append(envelope)
                outcome.add_example(key)
        outcome.published += len(events)
        if self._repair:
            await self._publisher.publish_many(events)
            await self._clock.sleep(len(events) / self._rate)

    async def _catch_up(self, records: AsyncIterable[Received], latest: LatestRecords, outcome: Outcome) -> None:
        async for key, envelope in _states(records):
            if latest.store_lacks(key, envelope.entityversion):
                outcome.applied += 1
                outcome.add_example(key)
                if self._repair:
                    await self._apply(envelope)
                    await self._clock.sleep(1 / self._rate)


def _add(latest: LatestRecords, record: Record) -> None:
    """Notes what a record says. A tombstone may be all that says of an end: those of likes under a deleted post are."""
    if record.is_tombstone and record.key is not None:
        latest.add(record.key, int(record.header("ce_entityversion") or 0), ended=True)
    elif envelope := decode_or_skip(record):
        latest.add(envelope.data.record_key().encode(), envelope.entityversion, ended=envelope.data.ends)


async def _states(records: AsyncIterable[Received]) -> AsyncIterable[tuple[bytes, Envelope[Event]]]:
    async for received in records:
        if envelope := decode_or_skip(received.record):
            yield envelope.data.record_key().encode(), envelope

"""What the catalogue says of a topic. `topics` has them all; AsyncAPI and `docs/events.md` are generated from it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

__all__ = [
    "COMPACTION_LAG",
    "COMPACTION_LIMIT",
    "COMPRESSION",
    "DEAD_LETTER_RETENTION",
    "DEAD_LETTER_RETENTION_BYTES",
    "DEFAULT_MAX_RECORD_BYTES",
    "EVENTS",
    "GIB",
    "TOMBSTONE_RETENTION",
    "WHOLE",
    "Topic",
    "dead_letter_topic",
    "segment_ms",
]

DEFAULT_MAX_RECORD_BYTES = 1_048_576
COMPRESSION = "lz4"
"""Brokers compress all topics: every client reads it, and it costs the least CPU on either side."""
COMPACTION_LAG = timedelta(days=7)
"""Nothing younger is compacted: a subscriber that is at most so far behind sees every event."""
COMPACTION_LIMIT = timedelta(days=8)
"""What has been superseded or has ended is compacted away by then."""
TOMBSTONE_RETENTION = timedelta(days=7)
"""Tombstones stay so long after their key has been compacted, so that a slow rebuild does not miss them."""
DEAD_LETTER_RETENTION = timedelta(days=30)
DEAD_LETTER_RETENTION_BYTES = 1 << 30

EVENTS = "Only what happened within the retention."
WHOLE = "Everything, from the earliest record: the latest record of each key is the whole state of its thing."
"""What a new subscriber can build from a topic of events, and from a compacted one."""

_COMPACTED_SEGMENT = timedelta(days=1)
GIB = 1 << 30


@dataclass(frozen=True, kw_only=True)
class Topic:
    """One topic and its guarantees to subscribers."""

    name: str
    summary: str
    owner: str
    """The only deployable that publishes to it (of acknowledgements, several do)."""
    types: tuple[str, ...]
    consumers: tuple[str, ...]
    """Consumer groups of the platform itself; each has a dead-letter topic."""
    key: str
    """What the records' keys are."""
    owner_id: str
    """What partitions are chosen by: the records of one owner are in one partition (`partitioning`)."""
    order: str
    cleanup: Literal["delete", "compact"]
    """`compact`: the latest record of a key is the whole state of one thing, and stays. `delete`: records are events
    that are kept for `retention`."""
    retention: timedelta | None = None
    retention_bytes: int | None = None
    """Of a partition; its oldest records are dropped beyond it, even before `retention`."""
    rebuild: str
    """What a new subscriber can build from the topic, and how."""
    personal_data: str
    freshness: str
    partitions: int = 12
    """Unless the setting `KAFKA_PARTITIONS` has another number for the topic."""
    max_record_bytes: int = DEFAULT_MAX_RECORD_BYTES
    restricted: bool = False
    """Whether the platform's own consumers alone may read it: no user of a subscriber gets the right to."""

    def __post_init__(self) -> None:
        if (self.cleanup == "delete") != (self.retention is not None and self.retention_bytes is not None):
            raise ValueError(f"{self.name}: events need a retention in time and bytes, states must not have any")

    @property
    def is_compacted(self) -> bool:
        return self.cleanup == "compact"

    @property
    def segment_ms(self) -> int:
        """Time after which a segment is closed, in milliseconds.

        Kafka deletes whole segments, and compacts and deletes only closed ones: with its default of seven days, a day
        would become eight.
        """
        return segment_ms(self.retention or _COMPACTED_SEGMENT * 24)

    @property
    def retention_in_words(self) -> str:
        """How long records stay, and why the topic does not grow without bound."""
        if self.retention is None or self.retention_bytes is None:
            return (
                f"every record for {COMPACTION_LAG.days} days; then the latest of each key as long as its thing exists,"
                f" and the others are gone after {COMPACTION_LIMIT.days} days, so the size is that of what exists"
            )
        days = "a day" if self.retention == timedelta(days=1) else f"{self.retention.days} days"
        return f"{days}, and at most {self.retention_bytes // GIB} GiB a partition"

    @property
    def kept_in_short(self) -> str:
        """How long a person's data stays in a record, at most."""
        if self.retention is not None:
            return "1 day" if self.retention == timedelta(days=1) else f"{self.retention.days} days"
        gone, forgotten = COMPACTION_LIMIT.days, (COMPACTION_LIMIT + TOMBSTONE_RETENTION).days
        return f"as long as what it is about exists; {gone} days after a change or the end, its key {forgotten} days"


def segment_ms(retention: timedelta) -> int:
    """Return the length of a segment in milliseconds, so that records outlive `retention` by a 24th of it at most, or
    by an hour."""
    return max(retention / 24, timedelta(hours=1)) // timedelta(milliseconds=1)


def dead_letter_topic(topic: str, group: str) -> str:
    """Return the topic for a group's dead letters of a topic."""
    return f"{topic}.{group}.dlt"

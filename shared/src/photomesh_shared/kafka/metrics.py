"""Prometheus metrics of publishing and consuming."""

from collections.abc import Iterable
from contextlib import suppress

from prometheus_client import Counter, Gauge, Histogram

from photomesh_shared.kafka.source import Partition

__all__ = [
    "CONSUMER_REBALANCES",
    "CONSUMER_RESTARTS",
    "DEAD_LETTERS",
    "HANDLING_SECONDS",
    "IN_FLIGHT",
    "PUBLISHED",
    "PUBLISH_SECONDS",
    "RECORDS",
    "WAITING_FOR_DEPENDENCY",
    "forget_lag",
    "report_lag",
    "start_consumer_series",
    "start_publisher_series",
]

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)

PUBLISHED = Counter("photomesh_published_total", "Records sent to Kafka.", ["topic", "outcome"])
PUBLISH_SECONDS = Histogram("photomesh_publish_seconds", "Time until Kafka acknowledged.", ["topic"], buckets=_SECONDS)

RECORDS = Counter("photomesh_consumer_records_total", "Records processed.", ["group", "type", "outcome"])
HANDLING_SECONDS = Histogram(
    "photomesh_consumer_handling_seconds",
    "Time from the first attempt to the outcome.",
    ["group", "type"],
    buckets=_SECONDS,
)
_LAG = Gauge("photomesh_consumer_lag", "Records written and not yet processed.", ["group", "topic", "partition"])
_END_OFFSET = Gauge(
    "photomesh_consumer_end_offset",
    "Offset of a partition's next record: its rate is that at which records arrive.",
    ["group", "topic", "partition"],
)
_LAG_SECONDS = Gauge(
    "photomesh_consumer_lag_seconds",
    "Age of the oldest record not yet processed.",
    ["group", "topic", "partition"],
)
IN_FLIGHT = Gauge("photomesh_consumer_in_flight", "Records received and not yet processed.", ["group"])
WAITING_FOR_DEPENDENCY = Gauge(
    "photomesh_consumer_waiting_for_dependency", "Records that wait for an unavailable dependency.", ["group"]
)
CONSUMER_REBALANCES = Counter("photomesh_consumer_rebalances_total", "Times partitions were revoked.", ["group"])
CONSUMER_RESTARTS = Counter("photomesh_consumer_restarts_total", "Times the Kafka consumer was replaced.", ["group"])
DEAD_LETTERS = Counter("photomesh_dead_letters_total", "Records sent to dead-letter topics.", ["group", "topic"])


def start_consumer_series(group: str, topics: Iterable[str], types: Iterable[str]) -> None:
    """Initialise the counters that alerts use to 0; a series that appears with its first event shows no increase."""
    for topic in topics:
        DEAD_LETTERS.labels(group, topic)
    for type_ in types:
        RECORDS.labels(group, type_, "ok")
    WAITING_FOR_DEPENDENCY.labels(group)


def start_publisher_series(topics: Iterable[str]) -> None:
    """Initialise the counters of these topics to 0; see `start_consumer_series`."""
    for topic in topics:
        for outcome in ("ok", "failed"):
            PUBLISHED.labels(topic, outcome)


def report_lag(group: str, partition: Partition, end: int, records: int, seconds: float | None) -> None:
    """Report a partition's end offset and lag. `seconds` is the age of the oldest record; None if it was not read."""
    labels = (group, partition.topic, str(partition.number))
    _END_OFFSET.labels(*labels).set(end)
    _LAG.labels(*labels).set(records)
    if seconds is None:
        _remove(_LAG_SECONDS, labels)
    else:
        _LAG_SECONDS.labels(*labels).set(seconds)


def forget_lag(group: str, partition: Partition) -> None:
    """Stop reporting a partition that was revoked."""
    for gauge in (_END_OFFSET, _LAG, _LAG_SECONDS):
        _remove(gauge, (group, partition.topic, str(partition.number)))


def _remove(gauge: Gauge, labels: tuple[str, ...]) -> None:
    with suppress(KeyError):
        gauge.remove(*labels)

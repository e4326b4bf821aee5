"""What Prometheus sees of publishing and consuming."""

from prometheus_client import Counter, Gauge, Histogram

__all__ = [
    "CONSUMER_LAG",
    "CONSUMER_REBALANCES",
    "CONSUMER_RESTARTS",
    "DEAD_LETTERS",
    "HANDLING_SECONDS",
    "IN_FLIGHT",
    "PUBLISHED",
    "PUBLISH_SECONDS",
    "RECORDS",
    "WAITING_FOR_DEPENDENCY",
]

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)

PUBLISHED = Counter("photomesh_published_total", "Records sent to Kafka.", ["topic", "outcome"])
PUBLISH_SECONDS = Histogram("photomesh_publish_seconds", "Until Kafka acknowledged.", ["topic"], buckets=_SECONDS)

RECORDS = Counter("photomesh_consumer_records_total", "Records taken from Kafka.", ["group", "type", "outcome"])
HANDLING_SECONDS = Histogram(
    "photomesh_consumer_handling_seconds",
    "From the first attempt to the outcome.",
    ["group", "type"],
    buckets=_SECONDS,
)
CONSUMER_LAG = Gauge(
    "photomesh_consumer_lag", "Records written and not yet done with.", ["group", "topic", "partition"]
)
IN_FLIGHT = Gauge("photomesh_consumer_in_flight", "Records taken and not yet done with.", ["group"])
WAITING_FOR_DEPENDENCY = Gauge(
    "photomesh_consumer_waiting_for_dependency", "Records that wait for a server to come back.", ["group"]
)
CONSUMER_REBALANCES = Counter("photomesh_consumer_rebalances_total", "Times partitions were taken away.", ["group"])
CONSUMER_RESTARTS = Counter("photomesh_consumer_restarts_total", "Times the Kafka consumer was made anew.", ["group"])
DEAD_LETTERS = Counter("photomesh_dead_letters_total", "Records put aside.", ["group", "topic"])

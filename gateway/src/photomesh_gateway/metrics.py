"""The gateway's own metrics, beside those that every service has."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

__all__ = [
    "BUDGETS_EXHAUSTED",
    "CONCURRENCY_LIMIT",
    "IN_FLIGHT",
    "LIMITED",
    "LIMITING_ALONE",
    "SHED",
    "STREAMS",
    "STREAMS_ENDED",
    "STREAMS_REFUSED",
    "STREAM_PLACES",
    "TOKEN_EXCHANGES",
    "UPSTREAM_FAILURES",
    "UPSTREAM_SECONDS",
    "WAITING",
]

UPSTREAM_SECONDS = Histogram(
    "photomesh_gateway_upstream_seconds",
    "Time from sending a request to a service until the first byte of its response.",
    ["upstream"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
UPSTREAM_FAILURES = Counter(
    "photomesh_gateway_upstream_failures_total",
    "Requests without a complete response from the service.",
    ["upstream", "kind"],
)
LIMITED = Counter("photomesh_gateway_limited_total", "Requests refused by a rate limit, by limit.", ["limit"])
BUDGETS_EXHAUSTED = Counter(
    "photomesh_gateway_budgets_exhausted_total",
    "Requests refused because a budget of the day is exhausted.",
    ["budget", "counted_by"],
)
LIMITING_ALONE = Gauge("photomesh_gateway_limiting_alone", "1 while Redis is unreachable and limits are per process.")
TOKEN_EXCHANGES = Counter(
    "photomesh_gateway_token_exchanges_total",
    "Personal access tokens that were not kept in memory, by outcome: ok, unknown, malformed.",
    ["outcome"],
)
SHED = Counter("photomesh_gateway_shed_total", "Requests refused because too many were in flight.", ["upstream"])
IN_FLIGHT = Gauge("photomesh_gateway_in_flight", "Requests in flight.", ["upstream"])
CONCURRENCY_LIMIT = Gauge(
    "photomesh_gateway_concurrency_limit", "Requests that may be in flight, fewer after time-outs.", ["upstream"]
)
STREAMS = Gauge("photomesh_gateway_streams", "Open streams.")
STREAM_PLACES = Gauge("photomesh_gateway_stream_places", "Streams that may be open.")
STREAMS_ENDED = Counter(
    "photomesh_gateway_streams_ended_total",
    "Streams that ended, by who ended them: service, client, slow (a client that did not read), silent (a service that "
    "sent nothing), failed, drained.",
    ["by"],
)
STREAMS_REFUSED = Counter(
    "photomesh_gateway_streams_refused_total", "Streams refused by a limit: total, account, address.", ["limit"]
)
WAITING = Gauge("photomesh_gateway_waiting", "Requests queued for admission.", ["upstream"])

"""Prometheus metrics of webhooks."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

from photomesh_webhook.sending.rows import Answered

__all__ = ["CIRCUITS_OPEN", "DISABLED", "IN_FLIGHT", "OLDEST_DUE", "ROWS", "count"]

ATTEMPTS = Counter(
    "photomesh_webhook_attempts_total",
    "Requests to endpoints, by what came of them: accepted; failed: another answer; gone: 410; unreachable: no answer;"
    " refused: its address must not be called; withheld: not sent, as the owner may not see it any more.",
    ["outcome"],
)
for _outcome in ("accepted", "failed", "gone", "unreachable", "refused", "withheld"):
    ATTEMPTS.labels(_outcome)
SECONDS = Histogram(
    "photomesh_webhook_attempt_seconds",
    "Duration of a request to an endpoint.",
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15),
)
IN_FLIGHT = Gauge("photomesh_webhook_in_flight", "Requests to endpoints that are being made.")
OLDEST_DUE = Gauge(
    "photomesh_webhook_oldest_due_seconds",
    "How long the endpoint that waits longest has had something due, which nobody works on; 0 if there is none.",
)
CIRCUITS_OPEN = Gauge("photomesh_webhook_circuits_open", "Enabled endpoints that get probes only, as all fails.")
DISABLED = Counter("photomesh_webhook_disabled_total", "Endpoints disabled by the platform, by reason.", ["reason"])
for _reason in ("gone", "failing", "role"):
    DISABLED.labels(_reason)
ROWS = Counter(
    "photomesh_webhook_rows_total",
    "Events that became rows of endpoints: live, or when an endpoint caught up.",
    ["way"],
)
for _way in ("live", "caught_up"):
    ROWS.labels(_way)


def count(answered: Answered) -> None:
    if answered.verdict is None:
        ATTEMPTS.labels("withheld").inc()
        return
    if answered.milliseconds is not None:
        SECONDS.observe(answered.milliseconds / 1000)
    outcome = answered.verdict.outcome.value
    if answered.status is None:
        outcome = "refused" if answered.error == "refused" else "unreachable"
    ATTEMPTS.labels(outcome).inc()

"""Prometheus metrics of pushes."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

__all__ = ["OLDEST_PUSH", "PUSHES", "PUSHES_SKIPPED", "PUSH_SECONDS"]

PUSHES = Counter("photomesh_pushes_total", "Pushes to devices, by what became of them.", ["outcome"])
for _outcome in ("accepted", "gone", "refused", "too_large", "later", "expired", "crowded", "error"):
    PUSHES.labels(_outcome)
PUSHES_SKIPPED = Counter("photomesh_pushes_skipped_total", "Stacks whose news no device was told.", ["reason"])
for _reason in ("unwanted", "streamed", "no_device", "hidden"):
    PUSHES_SKIPPED.labels(_reason)
PUSH_SECONDS = Histogram(
    "photomesh_push_seconds",
    "Duration of a request to a push service.",
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
OLDEST_PUSH = Gauge("photomesh_oldest_due_push_seconds", "How long the oldest push has been due; 0 if none is.")

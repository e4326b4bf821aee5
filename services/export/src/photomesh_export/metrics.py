"""Prometheus metrics of exports."""

from __future__ import annotations

from prometheus_client import Counter, Gauge

__all__ = ["ATTEMPTS", "BYTES", "ENDED", "FAILED_ITEMS", "OLDEST", "RUNNING", "STARTED"]

STARTED = Counter("photomesh_exports_started_total", "Exports begun by accounts.")
ENDED = Counter("photomesh_exports_ended_total", "Exports that ended, by outcome.", ["outcome"])
ATTEMPTS = Counter(
    "photomesh_export_attempts_total", "Attempts of workers at an export that did not end it, by reason.", ["reason"]
)
FAILED_ITEMS = Counter("photomesh_export_failed_items_total", "What is missing in exports, by kind.", ["kind"])
BYTES = Counter("photomesh_export_bytes_total", "Bytes of stored zips.")
RUNNING = Gauge("photomesh_exports_running", "Exports that wait or run.")
OLDEST = Gauge("photomesh_export_oldest_running_seconds", "Age of the oldest export that waits or runs; 0 without one.")

for _outcome in ("completed", "failed", "cancelled"):
    ENDED.labels(_outcome)
for _reason in ("source", "unavailable", "error"):
    ATTEMPTS.labels(_reason)
for _kind in ("section", "original"):
    FAILED_ITEMS.labels(_kind)

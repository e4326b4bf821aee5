"""Prometheus metrics of the fan-out."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

__all__ = ["DEFERRED", "FANOUT_SECONDS", "FOLLOWERS", "TASKS"]

TASKS = Counter("photomesh_feed_tasks_total", "Fan-out tasks published.")
DEFERRED = Gauge("photomesh_feed_deferred_fanouts", "Published posts whose fan-out waits for social-graph.")
FOLLOWERS = Counter("photomesh_feed_fanout_followers_total", "Followers in completed fan-out tasks.", ["outcome"])
FANOUT_SECONDS = Histogram(
    "photomesh_feed_fanout_seconds",
    "Time from publication to the end of a fan-out task.",
    buckets=(0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300, 1800),
)

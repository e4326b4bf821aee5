"""What Prometheus sees of feeds, besides what every service has."""

from __future__ import annotations

from prometheus_client import Counter, Histogram

__all__ = ["FANOUT_SECONDS", "INSERTED", "TASKS"]

TASKS = Counter("photomesh_feed_tasks_total", "Pieces of a fan-out asked for.")
INSERTED = Counter("photomesh_feed_fanout_followers_total", "Followers whom a fan-out has dealt with.", ["outcome"])
FANOUT_SECONDS = Histogram(
    "photomesh_feed_fanout_seconds",
    "From the publication to the end of one piece of its fan-out.",
    buckets=(0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300, 1800),
)

"""What Prometheus sees of feeds being read."""

from __future__ import annotations

from prometheus_client import Counter, Histogram

__all__ = ["IMPRESSIONS", "LOADED", "READS", "REBUILDS", "REBUILD_SECONDS", "SHED"]

READS = Counter(
    "photomesh_feed_reads_total", "Pages of feeds, by where they came from: warm, deep, cold.", ["mode", "source"]
)
REBUILDS = Counter("photomesh_feed_rebuilds_total", "Feeds filled anew, by outcome.", ["outcome"])
REBUILD_SECONDS = Histogram(
    "photomesh_feed_rebuild_seconds",
    "From the first read to the whole list.",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
LOADED = Counter("photomesh_feed_loaded_total", "Things that were not in Redis and were loaded from post.", ["what"])
SHED = Counter("photomesh_feed_shed_total", "Reads turned away because too much was being loaded.")
IMPRESSIONS = Counter("photomesh_feed_impressions_total", "Impressions taken.")

"""Prometheus metrics of reading feeds."""

from __future__ import annotations

from prometheus_client import Counter, Histogram

__all__ = ["IMPRESSIONS", "LOADED", "READS", "REBUILDS", "REBUILD_SECONDS", "SHED"]

READS = Counter("photomesh_feed_reads_total", "Pages read, by source: warm, deep, cold.", ["mode", "source"])
REBUILDS = Counter("photomesh_feed_rebuilds_total", "Feeds rebuilt, by outcome.", ["outcome"])
REBUILD_SECONDS = Histogram(
    "photomesh_feed_rebuild_seconds",
    "Time to fill the list of a cold feed.",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
LOADED = Counter("photomesh_feed_loaded_total", "Entities loaded from post because Redis lacked them.", ["what"])
SHED = Counter("photomesh_feed_shed_total", "Reads shed because too much was being loaded.")
IMPRESSIONS = Counter("photomesh_feed_impressions_total", "Impressions accepted.")

"""Prometheus metrics of reading feeds."""

from __future__ import annotations

from prometheus_client import Counter, Histogram

__all__ = [
    "IMPRESSIONS",
    "LOADED",
    "READS",
    "REBUILDS",
    "REBUILD_SECONDS",
    "SERVED_DROPPED",
    "SERVED_RECORDED",
    "SHED",
    "SUGGESTED",
    "SUGGESTIONS_MISSED",
]

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
SERVED_RECORDED = Counter("photomesh_feed_served_recorded_total", "Orders whose record was published.")
SERVED_DROPPED = Counter(
    "photomesh_feed_served_dropped_total",
    "Orders without a record: `repeated` by an account within seconds, the `queue` was full, or `kafka` failed.",
    ["reason"],
)
for _reason in ("repeated", "queue", "kafka"):
    SERVED_DROPPED.labels(_reason)
SUGGESTED = Counter(
    "photomesh_feed_suggested_total",
    "Suggested posts of pages: `shown`, or `hidden` because the reader may not or does not want to see them now.",
    ["outcome"],
)
SUGGESTIONS_MISSED = Counter(
    "photomesh_feed_suggestions_missed_total",
    "Orders and pages without suggested posts because explore did not respond in time.",
    ["step"],
)
for _outcome in ("shown", "hidden"):
    SUGGESTED.labels(_outcome)
for _step in ("order", "page"):
    SUGGESTIONS_MISSED.labels(_step)

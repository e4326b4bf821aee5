"""Prometheus metrics."""

from __future__ import annotations

from prometheus_client import Counter, Gauge

__all__ = ["INDEX_READY", "STORIES", "SWEEPS_FAILED"]

STORIES = Counter("photomesh_stories_total", "Stories by what became of them.", ["what"])
SWEEPS_FAILED = Counter("photomesh_story_sweeps_failed_total", "Stories that could not be swept, and are tried again.")
INDEX_READY = Gauge("photomesh_story_index_ready", "Whether Redis knows everything; 0: stories answer 503.")

for what in ("published", "deleted", "expired", "viewed", "replied", "reply_deleted"):
    STORIES.labels(what)

"""Prometheus metrics."""

from __future__ import annotations

from prometheus_client import Counter, Gauge

__all__ = ["INDEX_READY", "SCORES_DUE", "SHORT_PAGES", "SHOWN"]

SHOWN = Counter(
    "photomesh_explore_posts_shown_total",
    "Posts shown, also at home, by where they came from.",
    ["source"],
)
SHORT_PAGES = Counter("photomesh_explore_short_pages_total", "Pages with fewer posts than were asked for.")
INDEX_READY = Gauge("photomesh_explore_index_ready", "Whether Redis knows everything; 0: explore answers 503.")
SCORES_DUE = Gauge("photomesh_explore_scores_due", "Posts and trends that wait to be scored.")

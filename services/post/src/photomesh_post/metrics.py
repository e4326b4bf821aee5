"""Prometheus metrics of this service, besides those of every service."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

__all__ = [
    "COMMENTS",
    "COUNTED",
    "DEAD_RUNS",
    "ERASED",
    "ERASURES",
    "LIKES",
    "OLDEST_ERASURE",
    "POSTS",
    "PUBLISHED_AFTER",
    "RETIRED",
    "SAVES",
    "TALLY_CONFLICTS",
]

POSTS = Counter("photomesh_posts_total", "Events of posts produced.", ["event"])
PUBLISHED_AFTER = Histogram(
    "photomesh_post_published_after_seconds",
    "Time from a post's creation to its publication.",
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300, 1800),
)
ERASED = Counter("photomesh_photos_erased_total", "Photos whose objects were removed.")
ERASURES = Counter("photomesh_erasures_total", "Attempts at pending erasures.", ["kind", "outcome"])
OLDEST_ERASURE = Gauge(
    "photomesh_oldest_pending_erasure_seconds", "Age of the oldest pending erasure; 0 if there is none.", ["kind"]
)
for _kind in ("objects", "caches", "post", "comment", "account-posts", "account-engagement"):
    OLDEST_ERASURE.labels(_kind)
    for _outcome in ("ok", "failed", "waiting"):
        ERASURES.labels(_kind, _outcome)
RETIRED = Counter("photomesh_photos_retired_total", "Photos deleted because no post used them in time.", ["stage"])
for _stage in ("unusable", "unused"):
    RETIRED.labels(_stage)
LIKES = Counter("photomesh_likes_total", "Events of likes produced.", ["event"])
COUNTED = Counter("photomesh_counts_published_total", "Events with the counts of a post produced.")
COMMENTS = Counter("photomesh_comments_total", "Events of comments produced.", ["event"])
DEAD_RUNS = Counter(
    "photomesh_dead_comment_runs_removed_total", "Runs of deleted comments whose rows were removed from their thread."
)
TALLY_CONFLICTS = Counter("photomesh_tally_conflicts_total", "Compare-and-set conflicts while counting.")
SAVES = Counter("photomesh_saves_total", "Events of saved posts and collections produced.", ["event"])

"""What Prometheus sees of posts, besides what every service has."""

from __future__ import annotations

from prometheus_client import Counter, Histogram

__all__ = ["COMMENTS", "COUNTED", "ERASED", "LIKES", "POSTS", "PUBLISHED_AFTER", "PURGES", "SAVES", "TALLY_CONFLICTS"]

POSTS = Counter("photomesh_posts_total", "Events of posts written to the log.", ["event"])
PUBLISHED_AFTER = Histogram(
    "photomesh_post_published_after_seconds",
    "From a post's creation to its publication.",
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300, 1800),
)
ERASED = Counter("photomesh_photos_erased_total", "Photos whose objects were removed after their post was deleted.")
PURGES = Counter("photomesh_cdn_purges_total", "Objects purged from a layer of the CDN.", ["outcome"])
LIKES = Counter("photomesh_likes_total", "Events of likes written to the log.", ["event"])
COUNTED = Counter("photomesh_counts_published_total", "Counts of a post's likes and comments that were published.")
COMMENTS = Counter("photomesh_comments_total", "Events of comments written to the log.", ["event"])
TALLY_CONFLICTS = Counter("photomesh_tally_conflicts_total", "Countings that were begun anew: somebody else was first.")
SAVES = Counter("photomesh_saves_total", "Events of saved posts and collections written to the log.", ["event"])

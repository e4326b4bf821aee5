"""Builder of candidates."""

from __future__ import annotations

from photomesh_feed.ranking.features import Candidate, Taste

__all__ = ["NO_TASTE", "candidate"]

NO_TASTE = Taste({})


def candidate(
    post_id: int = 1,
    author_id: int = 1,
    age_hours: float = 1.0,
    *,
    likes: int = 0,
    comments: int = 0,
    hashtags: tuple[str, ...] = (),
    affinity: float = 0.0,
) -> Candidate:
    return Candidate(post_id, author_id, age_hours, likes, comments, hashtags, affinity)

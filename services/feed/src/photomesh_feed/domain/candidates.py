"""Candidates for a ranked feed, as Redis has them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

__all__ = ["StoredCandidate", "StoredCandidates"]


class StoredCandidate(NamedTuple):
    post_id: int
    author_id: int
    likes: int
    comments: int
    hashtags: str
    """Separated by spaces."""
    affinity: float
    """Of the viewer to the author, not decayed: see `affinity`."""


class StoredCandidates(NamedTuple):
    """The newest visible posts of a feed, and what ranking knows of the viewer."""

    outcome: Literal["more", "end", "floor", "cold"]
    """As in `pages.StoredPage`."""
    head: str = ""
    """The newest post of the list; '' if it is empty."""
    last: int = 0
    """The last post that was looked at; 0 if there was none."""
    posts: Sequence[StoredCandidate] = ()
    liked_hashtags: Sequence[str] = ()
    """Of each post that the viewer liked lately, separated by spaces."""
    missing: Sequence[int] = ()
    """Posts without snapshot, which have to be loaded first."""
    impressions: int = 0
    """How many posts the viewer's apps reported as seen, as far as that is known."""

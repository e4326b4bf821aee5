"""Fan-out: whether an author's posts are pushed, and what became of a task."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

__all__ = ["DeferredFanout", "FanoutResult", "PopularityState"]


class DeferredFanout(NamedTuple):
    post_id: int
    author_id: int
    at: datetime
    """When the post was published."""


class PopularityState(NamedTuple):
    known: bool
    """False if popularity has to be compared with social-graph first."""
    pulled: bool
    """Whether readers pull the author's posts because there are too many followers to push to."""


class FanoutResult(NamedTuple):
    """Outcome of one task."""

    active: int
    """Followers who have a feed."""
    inserted: int
    """Feeds that did not have the post."""
    deleted: bool
    """The post is deleted, and nothing was done."""

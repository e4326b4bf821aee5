"""What an account did to a post: liked it, commented on it, saved it, or undid that."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple

__all__ = ["Engagement", "ViewerState"]


@dataclass(frozen=True)
class Engagement:
    kind: Literal["like", "comment", "save"]
    account_id: int
    subject_id: int
    """The post's id, or that of the comment."""
    version: int
    """`entityversion` of the event; what is known with the same or a higher one stays."""
    active: bool
    """False: it was undone."""
    at: datetime
    """When it happened."""
    author_id: int | None = None
    """The author towards whom it counts, if any."""
    points: float = 0.0
    """Affinity that it gives or takes: see `affinity`."""


class ViewerState(NamedTuple):
    """Whether an account likes and saved a post, and the versions of the latest events of either; 0: none."""

    post_id: int
    liked: bool
    like_version: int
    saved: bool
    save_version: int

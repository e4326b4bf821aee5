"""What an account did to a post: liked it, commented on it, saved it, or undid that."""

from __future__ import annotations

from dataclasses import dataclass
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
    author_id: int | None = None
    """The author towards whom it counts, if any."""
    points: float = 0.0
    """Affinity that it gives or takes: see `affinity`."""


class ViewerState(NamedTuple):
    """Those of some posts that an account likes, and those that it saved."""

    liked: set[int]
    saved: set[int]

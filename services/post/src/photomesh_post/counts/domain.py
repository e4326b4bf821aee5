"""Counts of likes and comments. Pure.

A subject is a post or a comment; their ids are of one kind and never meet. A subject's count is kept in partitions,
each with its own count: likes by bucket of accounts, comments by month. Readers sum up copies of these.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

__all__ = ["NO_REACTIONS", "Counts", "PartitionCount", "PartitionRef", "ReactionVersions", "Reactions"]


class PartitionRef(NamedTuple):
    """One partition of a subject's likes (`number`: the bucket) or of a post's comments (`number`: the month)."""

    subject_id: int
    number: int


@dataclass(frozen=True)
class PartitionCount:
    """The count of a partition, to be copied to where readers look. The larger revision is the later."""

    ref: PartitionRef
    count: int
    revision: int


@dataclass(frozen=True)
class Counts:
    """The copied counts of a subject. `version` is that of the latest published ones."""

    by_bucket: Mapping[int, int] = field(default_factory=dict)
    by_month: Mapping[int, int] = field(default_factory=dict)
    version: int = 0

    @property
    def likes(self) -> int:
        return sum(self.by_bucket.values())

    @property
    def comments(self) -> int:
        """Of a post with replies, of a comment its replies."""
        return sum(self.by_month.values())


class ReactionVersions(NamedTuple):
    """The versions of the latest events that reactions contain: of the counts, of the viewer's own like, of the
    viewer's own save. 0 where there was none."""

    counts: int = 0
    like: int = 0
    save: int = 0


@dataclass(frozen=True)
class Reactions:
    """The reactions to a post or a comment that a viewer is shown. `comments` of a post are with replies, of a comment
    its replies. `liked` and `saved`: by the viewer; None where nobody is logged in. Comments cannot be saved."""

    likes: int = 0
    comments: int = 0
    liked: bool | None = None
    saved: bool | None = None
    versions: ReactionVersions = field(default=ReactionVersions(), compare=False)


NO_REACTIONS = Reactions()

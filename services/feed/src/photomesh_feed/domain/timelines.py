"""Author timelines: an author's published posts, newest first, and the exact merge of many of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from itertools import chain
from typing import Literal, NamedTuple, Protocol

from photomesh_feed.domain.order import feed_order, in_feed_order

__all__ = [
    "FEED_POSTS",
    "TIMELINE_POSTS",
    "MergedPosts",
    "TimelineAddition",
    "TimelineHead",
    "TimelineRange",
    "TimelineSlice",
    "TimelineSource",
    "TimelineState",
    "TimelineTrack",
    "merge_certain",
]

FEED_POSTS = 800
"""Length of a feed's list."""
TIMELINE_POSTS = 500
"""Length of a timeline in Redis."""


class TimelineState(Enum):
    """How much of a timeline Redis has. Without gaps in any case: from the newest post on."""

    ABSENT = 0
    PARTIAL = 1
    """Older posts may be in post."""
    COMPLETE = 2


TimelineAddition = Literal["one", "head", "all"]
"""What is known of posts that are added to a timeline: nothing of the others, that they are the newest without gaps,
that the author has no others. Only the latter two begin a timeline that does not exist."""


class TimelineHead(NamedTuple):
    """The newest posts of a timeline in Redis."""

    state: TimelineState
    posts: list[int]


class TimelineRange(NamedTuple):
    """A part of a timeline: the posts after `after` (None: from the newest on)."""

    author_id: int
    after: int | None


class TimelineSlice(NamedTuple):
    """A part of a timeline in Redis; `more`: Redis has more posts after it."""

    state: TimelineState
    more: bool
    posts: list[int]


class TimelineSource(Protocol):
    """The durable store of timelines."""

    async def timelines(self, authors: Sequence[int], *, before: int | None, limit: int) -> Mapping[int, Sequence[int]]:
        """Returns the newest published posts below the id `before`, by author, newest first. An author with fewer than
        `limit` has no others."""
        ...


@dataclass(frozen=True)
class MergedPosts:
    """Posts of several authors, without gaps, and the position after them; None if there are no older ones."""

    posts: Sequence[int]
    after: int | None


@dataclass
class TimelineTrack:
    """The known posts of one author after some position."""

    author_id: int
    posts: list[int] = field(default_factory=list)
    bound: int | None = None
    """The last known position; None: nothing was read yet."""
    ended: bool = False
    """No posts follow after the bound."""


def merge_certain(
    tracks: Sequence[TimelineTrack], after: int | None, count: int
) -> tuple[list[int], list[TimelineTrack]]:
    """Merges the first `count` posts after `after` as far as they are certain. Returns them, and the tracks that must
    be read further before more is certain.

    A post is certain if no track can still yield one before it: each has ended or is known down to the post.
    """
    start = feed_order(after) if after is not None else None
    known = chain.from_iterable(track.posts for track in tracks)
    found = in_feed_order(known if start is None else (post for post in known if feed_order(post) > start))
    last_wanted = feed_order(found[count - 1]) if len(found) >= count else None
    limiting = [
        track
        for track in tracks
        if not track.ended and (track.bound is None or last_wanted is None or feed_order(track.bound) < last_wanted)
    ]
    if any(track.bound is None for track in limiting):
        return [], limiting
    if limiting:
        floor = min(feed_order(track.bound) for track in limiting if track.bound is not None)
        found = [post for post in found if feed_order(post) <= floor]
    return found[:count], limiting

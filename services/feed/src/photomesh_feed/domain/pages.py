"""Pages of a feed: where their posts come from, what they carry, and where the next one begins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from photomesh_feed.domain.suggestions import SuggestedRow, SuggestionReason

__all__ = [
    "AfterPost",
    "AfterRanked",
    "ChosenPosts",
    "FeedList",
    "FeedPage",
    "Gaps",
    "Mode",
    "Position",
    "RankedOrder",
    "Row",
    "Skeleton",
    "StoredPage",
    "SuggestedPosts",
]

Mode = Literal["ranked", "chronological"]


class AfterPost(NamedTuple):
    """Position in the chronological feed: after a post."""

    post_id: int


class AfterRanked(NamedTuple):
    """Position in a ranked order."""

    order: str
    """The order's name."""
    offset: int
    """Of the next entry."""
    continuation: int
    """The post after which the feed goes on chronologically when the order ends; 0 if there are no more posts."""


Position = AfterPost | AfterRanked


class Row(NamedTuple):
    """A post of a page, in the bytes that Redis returned: nothing is parsed that need not be."""

    post_id: bytes
    author_id: bytes
    static: bytes
    """JSON object: see `snapshots`."""
    username: bytes
    display_name: bytes
    avatar_url: bytes
    likes: bytes
    comments: bytes
    liked: bytes
    saved: bytes


@dataclass(frozen=True)
class FeedPage:
    """A page, and the position of the next one; None at the end."""

    rows: Sequence[Row]
    next: Position | None
    request_id: str | None = None
    """Of a page of a ranked order: names the record of what was served."""
    suggestions: Mapping[bytes, SuggestionReason] = field(default_factory=dict)
    """By post id of a row: why it is suggested."""


class FeedList(NamedTuple):
    """Skeleton: the list of the feed, merged with timelines of pulled authors, after a post (None: from the top)."""

    after: int | None
    limit: int


class RankedOrder(NamedTuple):
    """Skeleton: entries of a ranked order. An empty name means the latest order, if it is still current."""

    order: str
    offset: int
    limit: int


class ChosenPosts(NamedTuple):
    """Skeleton: these posts, in this order."""

    post_ids: Sequence[int]


class SuggestedPosts(NamedTuple):
    """Skeleton: these posts, in this order, if their authors are not followed."""

    post_ids: Sequence[int]


Skeleton = FeedList | RankedOrder | ChosenPosts | SuggestedPosts
"""Which posts a page has, and in which order."""


@dataclass(frozen=True)
class Gaps:
    """What Redis lacked to show a page."""

    posts: Sequence[int] = ()
    """Posts without snapshot. They are not on the page."""
    viewer_states: Sequence[int] = ()
    """Posts of which Redis does not know whether the viewer likes and saved them. They are on the page."""
    authors: Sequence[int] = ()
    """Authors without names. Their posts are on the page."""

    def __bool__(self) -> bool:
        return bool(self.posts or self.viewer_states or self.authors)


@dataclass(frozen=True)
class StoredPage:
    """A page as far as Redis has it: skeleton, hydrated, without the posts that the rules hide."""

    outcome: Literal["more", "end", "floor", "cold", "gone"]
    """`more` posts follow; the `end` of the feed or the order; the `floor`, below which only timelines know the posts;
    `cold`: there is no feed; `gone`: there is no such order."""
    rows: Sequence[Row] = ()
    gaps: Gaps = field(default_factory=Gaps)
    floor: int | None = None
    """The post at which the list ends, if it is cut."""
    next: AfterRanked | None = None
    """Of a ranked order."""
    suggested: Sequence[SuggestedRow] = ()
    """Of a ranked order: suggestions that the page has room for. They are no rows yet."""

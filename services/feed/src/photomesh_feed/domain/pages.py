"""What reading is about: places in a feed, posts as rows of a page, and the exact merge of many timelines."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

__all__ = ["MS_BITS", "Follows", "Page", "Row", "Slice", "Track", "exact", "in_order", "order"]

MS_BITS = 22
"""Of an id, below its milliseconds."""


def order(post_id: int) -> tuple[int, int]:
    """What posts are sorted by: the newest millisecond first, ids of one millisecond ascending. An id alone says its
    place, so a cursor is an id."""
    return -(post_id >> MS_BITS), post_id


def in_order(post_ids: Iterable[int]) -> list[int]:
    """Each once, in the order of a feed."""
    return sorted(set(post_ids), key=order)


class Row(NamedTuple):
    """A post as a page shows it, in the bytes that Redis gave: nothing is parsed that is not looked at."""

    post_id: bytes
    author_id: bytes
    static: bytes
    username: bytes
    display_name: bytes
    avatar_url: bytes
    likes: bytes
    comments: bytes
    liked: bytes
    saved: bytes


@dataclass(frozen=True)
class Page:
    """A page, and the last post before the next one; None if there are no more."""

    rows: Sequence[Row]
    after: int | None


@dataclass(frozen=True)
class Follows:
    """Whom somebody follows and mutes, with the versions of the pairs."""

    following: Sequence[tuple[int, int]]
    muted: Sequence[tuple[int, int]]


@dataclass(frozen=True)
class Slice:
    """Posts of several authors, none left out between the first and `after`; None: there are no older ones."""

    posts: Sequence[int]
    after: int | None


@dataclass
class Track:
    """What is known of one author's posts behind some place."""

    author_id: int
    posts: list[int] = field(default_factory=list)
    bound: int | None = None
    """The last post that was seen; None: not even the first was looked for."""
    ended: bool = False
    """There are none behind the bound."""


def exact(tracks: Sequence[Track], after: int | None, count: int) -> tuple[list[int], list[Track]]:
    """The first `count` posts behind `after` as far as they are certain, and the tracks on which more depends.

    A post is certain if no track can still bring one before it: every track has ended or was seen down to there.
    """
    start = order(after) if after is not None else None
    found = in_order(post for track in tracks for post in track.posts if start is None or order(post) > start)
    open_tracks = [track for track in tracks if not track.ended]
    wanted_to = order(found[count - 1]) if len(found) >= count else None
    limiting = [
        track for track in open_tracks if track.bound is None or wanted_to is None or order(track.bound) < wanted_to
    ]
    if any(track.bound is None for track in limiting):
        return [], limiting
    if limiting:
        floor = min(order(track.bound) for track in limiting if track.bound is not None)
        found = [post for post in found if order(post) <= floor]
    return found[:count], limiting

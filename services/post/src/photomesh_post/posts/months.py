"""An author's list of posts, in monthly partitions, and how many of each are published. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from photomesh_post.posts.domain import PostRef, PostStatus

__all__ = ["NEWEST", "Month", "MonthCount", "MonthHead", "MonthPage", "head_of", "months_needed", "months_until"]

NEWEST = 20
"""How many published posts are kept with the count of a month."""


@dataclass(frozen=True)
class Month:
    """A month (202611) in which an author has posts. `published` is None as long as they were never counted."""

    number: int
    published: int | None


@dataclass(frozen=True)
class MonthPage:
    """The published posts among the rows that were read of an author's month, newest first. `whole`: those were all
    rows of the month."""

    published: tuple[int, ...] = ()
    whole: bool = True


@dataclass(frozen=True)
class MonthHead:
    """The newest published posts of a month as they were counted, newest first, at most `NEWEST`; None if the month was
    not counted since they are kept."""

    number: int
    newest: tuple[int, ...] | None


@dataclass(frozen=True)
class MonthCount:
    """How many posts of a month are published, which are the newest of them, and how far the month had come when they
    were counted.

    A post only ever moves on: processing, failed or published, deleted. So the sum of their stages grows with every
    change, and of two counts of one month the one with the larger `progress` is the later. No clock and no lock is
    needed to tell.
    """

    published: int
    progress: int
    newest: tuple[int, ...] = ()

    @classmethod
    def of(cls, refs: Iterable[PostRef | None]) -> MonthCount:
        """`refs` of all posts in the month, newest first; None for a deleted one."""
        progress, published = 0, list[int]()
        for ref in refs:
            progress += _STAGES[ref.status if ref else None]
            if ref and ref.status is PostStatus.PUBLISHED:
                published.append(ref.id)
        return cls(len(published), progress, tuple(published[:NEWEST]))


_STAGES = {PostStatus.PROCESSING: 1, PostStatus.FAILED: 2, PostStatus.PUBLISHED: 3, None: 4}


def months_until(months: Sequence[Month], last: int) -> list[Month]:
    return [month for month in months if month.number <= last]


def months_needed(months: Sequence[Month], last: int, limit: int) -> list[int]:
    """The newest months, up to `last`, that hold `limit` published posts together. `last` itself counts as empty:
    any number of its posts may be newer than the first one wanted. `months` are newest first."""
    numbers: list[int] = []
    posts = 0
    for month in months_until(months, last):
        if posts >= limit:
            break
        numbers.append(month.number)
        posts += (month.published or 0) if month.number < last else 0
    return numbers


def head_of(months: Sequence[MonthHead], limit: int, *, all_months: bool) -> list[int] | None:
    """The newest `limit` published posts, at most `NEWEST`, of an author whose newest months these are, newest first;
    None if these do not say which. `all_months`: the author has no others."""
    newest: list[int] = []
    for month in months:
        if month.newest is None:
            return None
        newest += month.newest
        if len(newest) >= limit:
            return newest[:limit]
    return newest if all_months else None

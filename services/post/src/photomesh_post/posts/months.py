"""An author's list of posts, in monthly partitions, and how many of each are published. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from photomesh_post.posts.domain import PostStatus

__all__ = ["Month", "MonthCount", "MonthPage", "months_needed", "months_until"]


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
class MonthCount:
    """How many posts of a month are published, and how far the month had come when they were counted.

    A post only ever moves on: processing, failed or published, deleted. So the sum of their stages grows with every
    change, and of two counts of one month the one with the larger `progress` is the later. No clock and no lock is
    needed to tell.
    """

    published: int
    progress: int

    @classmethod
    def of(cls, statuses: Iterable[PostStatus | None]) -> MonthCount:
        """`statuses` of all posts in the month; None for a deleted one."""
        stages = [_STAGES[status] for status in statuses]
        return cls(stages.count(_STAGES[PostStatus.PUBLISHED]), sum(stages))


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

"""Rows of deleted comments in their threads, and when they may be removed. Pure.

A deletion blanks a comment's rows rather than removing them, because a replayed creation would restore what is gone.
The row in `comments` stays for ever and says that the comment is deleted, so the one in the thread is not needed for
that: an old creation asks the former before it writes the latter (`CommentEventLog`). It may be removed once no
creation that is still under way can be as old, and then a whole run of deleted comments goes as one range.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import groupby
from typing import NamedTuple

from photomesh_post.comments.domain import ThreadRow
from photomesh_post.tables.rows import month_of
from photomesh_shared.ids import timestamp_of

__all__ = ["DeadRun", "dead_runs", "may_be_removed"]

_KEPT = timedelta(days=7)
"""Longer than a creation may be under way: a day for the repetition of a request, the rest for a consumer that lags."""
_RUN = 100
"""Fewer rows than this in a row are not worth a tombstone."""


class DeadRun(NamedTuple):
    """Deleted comments of a month with no other comment between them: the smallest and the largest id."""

    month: int
    first: int
    last: int


def may_be_removed(comment_id: int, now: datetime) -> bool:
    """Whether the row of a deleted comment may be removed from its thread."""
    return timestamp_of(comment_id) < now - _KEPT


def dead_runs(rows: Iterable[ThreadRow], now: datetime) -> list[DeadRun]:
    """The runs worth removing among consecutive rows of a thread, in either direction."""
    runs = []
    for month, group in groupby(rows, lambda row: month_of(row.id) if _is_dead(row, now) else None):
        if month is not None:
            ids = [row.id for row in group]
            if len(ids) >= _RUN:
                runs.append(DeadRun(month, min(ids), max(ids)))
    return runs


def _is_dead(row: ThreadRow, now: datetime) -> bool:
    return row.entry is None and may_be_removed(row.id, now)

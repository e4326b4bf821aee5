"""How many comments a post has, and a comment replies: which of them are counted. Pure.

A tally is one partition of counted comments: those of a month, each with its replies. What is counted is remembered
comment by comment, so an event that comes again changes nothing, and events may come in any order: a reply before its
parent, a deletion before either. A comment that goes takes its counted replies with it in one step, and a reply that
comes after that is never counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

__all__ = ["Change", "State", "Tallied", "Tally"]


class State(StrEnum):
    AWAITED = "awaited"
    """Nothing but replies to it are known yet."""
    COUNTED = "counted"
    GONE = "gone"


@dataclass(frozen=True)
class Tallied:
    """One comment. `replies`: how many of those to it are counted."""

    state: State
    replies: int = 0


@dataclass(frozen=True)
class Change:
    """That a comment came or went. `root_id` is the comment that it replies to, or itself."""

    comment_id: int
    root_id: int
    gone: bool = False


@dataclass(frozen=True)
class Tally:
    """A post's count in one partition. `rows` are those that were asked for, as far as there are any; `revision` grows
    by one with every change."""

    count: int = 0
    revision: int = 0
    rows: Mapping[int, Tallied] = field(default_factory=dict)

    def after(self, changes: Iterable[Change]) -> Tally:
        """The tally with these changes counted; itself if all of them are."""
        count, rows = self.count, dict(self.rows)
        for change in changes:
            count += _counted(rows, change)
        return self if rows == self.rows else Tally(count, self.revision + 1, rows)


def _counted(rows: dict[int, Tallied], change: Change) -> int:
    """Counts a change in `rows`; by how much the post's count differs."""
    is_reply = change.comment_id != change.root_id
    known = rows.get(change.comment_id, Tallied(State.AWAITED))
    root = rows.get(change.root_id, Tallied(State.AWAITED)) if is_reply else known
    if known.state is State.GONE or (known.state is State.COUNTED and not change.gone):
        return 0
    was_counted = known.state is State.COUNTED and root.state is not State.GONE
    if not is_reply:
        rows[change.root_id] = Tallied(State.GONE) if change.gone else Tallied(State.COUNTED, known.replies)
        return -(was_counted + known.replies) if change.gone else 1
    if root.state is State.GONE:
        rows[change.comment_id] = Tallied(State.GONE)
        return 0
    difference = -int(was_counted) if change.gone else 1
    rows[change.comment_id] = Tallied(State.GONE if change.gone else State.COUNTED)
    rows[change.root_id] = Tallied(root.state, root.replies + difference)
    return difference

"""Which comments are counted. Pure.

A tally is one partition of counted comments: those of a post and a month, each with its replies. It remembers comment
by comment what is counted, so a repeated event changes nothing, and events may arrive in any order: a reply before its
parent, a deletion before either. Deleting a comment uncounts its replies in the same step, and a reply that arrives
after that is never counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from photomesh_post.comments.projection import CommentEvent
from photomesh_post.counts.domain import PartitionRef
from photomesh_post.tables.rows import month_of
from photomesh_shared.events import CommentDeleted

__all__ = ["Change", "State", "Tallied", "Tally", "change_of", "comments_in", "partition_of"]


class State(StrEnum):
    AWAITED = "awaited"
    """Only replies to it have arrived."""
    COUNTED = "counted"
    GONE = "gone"


@dataclass(frozen=True)
class Tallied:
    """One comment. `replies`: how many of its replies are counted."""

    state: State
    replies: int = 0


@dataclass(frozen=True)
class Change:
    """A comment was created or deleted. `root_id` is the comment that it replies to, or itself."""

    comment_id: int
    root_id: int
    gone: bool = False


@dataclass(frozen=True)
class Tally:
    """A post's count in one partition. `rows` are those of the comments that were asked for, as far as there are any;
    `revision` grows by one with every change."""

    count: int = 0
    revision: int = 0
    rows: Mapping[int, Tallied] = field(default_factory=dict)

    def after(self, changes: Iterable[Change]) -> Tally:
        """The tally with these changes counted; itself if all of them are."""
        count, rows = self.count, dict(self.rows)
        for change in changes:
            count += _count(rows, change)
        return self if rows == self.rows else Tally(count, self.revision + 1, rows)


def _count(rows: dict[int, Tallied], change: Change) -> int:
    """Counts a change in `rows`; returns the difference that it makes to the post's count."""
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


def comments_in(changes: Iterable[Change]) -> set[int]:
    """The comments whose rows decide how these changes count."""
    return {comment_id for change in changes for comment_id in (change.comment_id, change.root_id)}


def change_of(event: CommentEvent) -> Change:
    return Change(event.comment_id, event.parent_id or event.comment_id, isinstance(event, CommentDeleted))


def partition_of(post_id: int, change: Change) -> PartitionRef:
    """A reply is in the partition of the comment that it replies to, so that both change in one transaction."""
    return PartitionRef(post_id, month_of(change.root_id))

"""Saved posts and collections. Pure.

A list holds posts. The list of all that an account saved has the account's id, a collection has an id of its own. Their
ids are of one kind and never meet.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from photomesh_post.posts.domain import PostPhotoView
from photomesh_shared.errors import FieldError, InvalidRequest
from photomesh_shared.text import RAW_FACTOR, normalize_line

__all__ = [
    "MAX_COLLECTIONS",
    "MAX_NAME",
    "NEVER",
    "Collection",
    "CollectionView",
    "ListPosition",
    "ListTally",
    "Membership",
    "checked_name",
]

MAX_COLLECTIONS = 100
MAX_NAME = 50  # code points


@dataclass(frozen=True)
class Membership:
    """Whether a post is in a list. `version` is that of the latest event, `removed` that of the latest removal."""

    present: bool = False
    version: int = 0
    removed: int = 0

    def is_at(self, position: ListPosition) -> bool:
        """Whether the post is still where it was put."""
        return self.present and self.version == position.version


NEVER = Membership()


@dataclass(frozen=True, order=True)
class ListPosition:
    """The position of a post in a list: newer ones are larger."""

    version: int
    post_id: int


@dataclass(frozen=True)
class Collection:
    """`posts`: how many are in it, including those that are hidden from its owner or deleted by now."""

    id: int
    name: str
    posts: int = 0


@dataclass(frozen=True)
class CollectionView:
    """`cover`: a photo of the newest post in it that its owner sees."""

    collection: Collection
    cover: PostPhotoView | None = None


@dataclass(frozen=True)
class ListTally:
    """The count of one partition of a collection, one post's membership, and as what that post is counted."""

    count: int = 0
    revision: int = 0
    membership: Membership = NEVER
    counted: bool = False
    counted_version: int = 0

    def with_post_counted(self) -> ListTally:
        """The tally with the post counted as its membership says; itself if it is. Every event makes a revision, even
        if the count stays: a writer that has read the state before it can then not write."""
        if self.counted_version >= self.membership.version:
            return self
        return replace(
            self,
            count=self.count + self.membership.present - self.counted,
            revision=self.revision + 1,
            counted=self.membership.present,
            counted_version=self.membership.version,
        )


def checked_name(name: str) -> str:
    """A collection's name as it is stored: see `normalize_line`. Raises InvalidRequest."""
    try:
        name = normalize_line(name[: RAW_FACTOR * MAX_NAME])
    except ValueError as error:
        raise InvalidRequest(errors=[FieldError("/name", str(error))]) from error
    if not 1 <= len(name) <= MAX_NAME:
        raise InvalidRequest(errors=[FieldError("/name", f"must have 1 to {MAX_NAME} characters")])
    return name

"""Events of saved posts and collections: private to their account.

All events of an account are in the partition of its id, so its saved posts have one writer.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, ClassVar

from pydantic import Field

from photomesh_shared import ids
from photomesh_shared.events.envelope import Event, UtcTime
from photomesh_shared.ids import CollectionId, PostId, UserId
from photomesh_shared.personal import ACTIVITY, CONTENT

__all__ = [
    "CollectionCreated",
    "CollectionDeleted",
    "CollectionPostAdded",
    "CollectionPostRemoved",
    "CollectionRenamed",
    "PostSaved",
    "PostUnsaved",
]

_POST, _GRACE = 382_764_298_916_429_824, 382_764_211_093_504_000
_COLLECTION = 382_764_514_316_943_360
_AT = datetime(2026, 11, 21, 10, 20, tzinfo=UTC)
_LATER = datetime(2026, 11, 21, 10, 30, tzinfo=UTC)


class _OfAccount(Event):
    topic: ClassVar[str] = "saves"

    account_id: UserId = Field(description="The owner; must not be disclosed to others.")

    def partition_key(self) -> str:
        return ids.encode("u", self.account_id)


class _Save(_OfAccount):
    post_id: PostId

    def record_key(self) -> str:
        return f"{ids.encode('u', self.account_id)}:{ids.encode('o', self.post_id)}"

    def subject(self) -> str:
        return f"{ids.encode('u', self.account_id)}.{ids.encode('o', self.post_id)}.saved"


class PostSaved(_Save):
    """An account saved a post. May be published although it already saved the post."""

    type_: ClassVar[str] = "photomesh.post.saved.v1"

    saved_at: Annotated[UtcTime, ACTIVITY]

    @classmethod
    def example(cls) -> PostSaved:
        return cls(account_id=_GRACE, post_id=_POST, saved_at=_AT)


class PostUnsaved(_Save):
    """An account unsaved a post, which also removes it from all of the account's collections; from each by an event of
    its own, except before those were published. May be published although it had not saved the post."""

    type_: ClassVar[str] = "photomesh.post.unsaved.v1"
    ends: ClassVar[bool] = True

    unsaved_at: Annotated[UtcTime, ACTIVITY]

    @classmethod
    def example(cls) -> PostUnsaved:
        return cls(account_id=_GRACE, post_id=_POST, unsaved_at=_LATER)


class _Collection(_OfAccount):
    collection_id: CollectionId

    def record_key(self) -> str:
        return ids.encode("k", self.collection_id)

    def subject(self) -> str:
        return ids.encode("k", self.collection_id)


class CollectionCreated(_Collection):
    """An account created a collection of saved posts."""

    type_: ClassVar[str] = "photomesh.collection.created.v1"

    name: Annotated[str, CONTENT]
    created_at: Annotated[UtcTime, ACTIVITY]

    @classmethod
    def example(cls) -> CollectionCreated:
        return cls(account_id=_GRACE, collection_id=_COLLECTION, name="Lakes", created_at=_AT)


class CollectionRenamed(_Collection):
    """A collection was renamed."""

    type_: ClassVar[str] = "photomesh.collection.renamed.v1"

    name: Annotated[str, CONTENT]
    renamed_at: Annotated[UtcTime, ACTIVITY]

    @classmethod
    def example(cls) -> CollectionRenamed:
        return cls(account_id=_GRACE, collection_id=_COLLECTION, name="Lakes at dusk", renamed_at=_LATER)


class CollectionDeleted(_Collection):
    """A collection was deleted; its posts remain saved."""

    type_: ClassVar[str] = "photomesh.collection.deleted.v1"
    ends: ClassVar[bool] = True

    deleted_at: Annotated[UtcTime, ACTIVITY]

    @classmethod
    def example(cls) -> CollectionDeleted:
        return cls(account_id=_GRACE, collection_id=_COLLECTION, deleted_at=_LATER)


class _CollectionPost(_Collection):
    post_id: PostId

    def record_key(self) -> str:
        return f"{ids.encode('k', self.collection_id)}:{ids.encode('o', self.post_id)}"

    def subject(self) -> str:
        return f"{ids.encode('k', self.collection_id)}.{ids.encode('o', self.post_id)}"


class CollectionPostAdded(_CollectionPost):
    """A saved post was added to a collection. May be published although it was already in it."""

    type_: ClassVar[str] = "photomesh.collection.post-added.v1"

    added_at: Annotated[UtcTime, ACTIVITY]

    @classmethod
    def example(cls) -> CollectionPostAdded:
        return cls(account_id=_GRACE, collection_id=_COLLECTION, post_id=_POST, added_at=_AT)


class CollectionPostRemoved(_CollectionPost):
    """A post was removed from a collection; it remains saved. May be published although it was not in it."""

    type_: ClassVar[str] = "photomesh.collection.post-removed.v1"
    ends: ClassVar[bool] = True

    removed_at: Annotated[UtcTime, ACTIVITY]

    @classmethod
    def example(cls) -> CollectionPostRemoved:
        return cls(account_id=_GRACE, collection_id=_COLLECTION, post_id=_POST, removed_at=_LATER)

"""What accounts keep, and what the events of it mean for the tables. Pure; see `projection` for why rows survive any
order.

A list holds posts: an account's list of all that it keeps has the account's id, a collection its own. Their ids are of
one kind and never meet.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from photomesh_post.posts.domain import ShownPhoto
from photomesh_post.posts.projection import FINAL, RowWrite, month_of
from photomesh_shared.errors import FieldError, InvalidRequest
from photomesh_shared.events import CollectionCreated, CollectionDeleted, CollectionRenamed

__all__ = [
    "LATEST",
    "MAX_COLLECTIONS",
    "MAX_NAME",
    "NEVER",
    "Collection",
    "CollectionView",
    "Kept",
    "ListTally",
    "Place",
    "checked_name",
    "collection_of",
    "collection_rows",
    "kept_of",
    "kept_rows",
    "month_of_version",
    "removed_rows",
]

MAX_COLLECTIONS = 100
MAX_NAME = 50  # code points
LATEST = FINAL
"""No version is as large."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Kept:
    """What a list says of a post. `version` is that of the latest event, `removed` that of the latest removal."""

    kept: bool = False
    version: int = 0
    removed: int = 0


NEVER = Kept()


@dataclass(frozen=True, order=True)
class Place:
    """Of a post in a list: newer ones are larger."""

    version: int
    post_id: int


@dataclass(frozen=True)
class Collection:
    """`posts`: how many are in it, also such as are hidden or gone by now."""

    id: int
    name: str
    posts: int = 0


@dataclass(frozen=True)
class CollectionView:
    """`cover`: a photo of the newest post in it that its owner sees."""

    collection: Collection
    cover: ShownPhoto | None = None


@dataclass(frozen=True)
class ListTally:
    """The count of one partition of a list, what the list says of one post, and as what that post is counted."""

    count: int = 0
    revision: int = 0
    said: Kept = NEVER
    counted: bool = False
    counted_version: int = 0

    def brought_up(self) -> ListTally:
        """With the post counted as the list has it; itself if it is. Each event of it makes one revision, even if the
        count stays: so whoever has read what was before cannot write any more."""
        if self.counted_version >= self.said.version:
            return self
        return replace(
            self,
            count=self.count + self.said.kept - self.counted,
            revision=self.revision + 1,
            counted=self.said.kept,
            counted_version=self.said.version,
        )


def checked_name(name: str) -> str:
    """The name of a collection, composed (NFC) and without white space around it. Raises InvalidRequest."""
    name = unicodedata.normalize("NFC", name).strip()
    if not 1 <= len(name) <= MAX_NAME:
        raise InvalidRequest(errors=[FieldError("/name", f"must have 1 to {MAX_NAME} characters")])
    return name


def month_of_version(version: int) -> int:
    """The bucket of a post in the order of a list: 202611 for November 2026."""
    made = _EPOCH + timedelta(microseconds=version)
    return made.year * 100 + made.month


def kept_rows(list_id: int, post_id: int, version: int) -> list[RowWrite]:
    """That a post is in a list from this version on."""
    month = {"list_id": list_id, "month": month_of_version(version)}
    return [
        RowWrite("saves", _key(list_id, post_id), version, {"kept": True, "version": version}),
        RowWrite("saves_by_time", {**month, "version": version, "post_id": post_id}, version),
        RowWrite("months_by_list", month, version),
    ]


def removed_rows(list_id: int, post_id: int, version: int) -> list[RowWrite]:
    """That a post is not in a list from this version on."""
    cells = {"kept": False, "version": version, "removed": version}
    return [RowWrite("saves", _key(list_id, post_id), version, cells)]


def collection_rows(event: CollectionCreated | CollectionRenamed | CollectionDeleted, version: int) -> list[RowWrite]:
    key = {"account_id": event.account_id, "collection_id": event.collection_id}
    if isinstance(event, CollectionDeleted):
        return [RowWrite("collections", key, FINAL, {"name": "", "deleted": True})]
    return [RowWrite("collections", key, version, {"name": event.name})]


def kept_of(row: Mapping[str, Any]) -> Kept:
    return Kept(bool(row.get("kept")), row.get("version") or 0, row.get("removed") or 0)


def collection_of(row: Mapping[str, Any]) -> Collection | None:
    """None for one that was deleted, and as long as its first event is not known."""
    if row.get("deleted") or not row.get("name"):
        return None
    return Collection(row["collection_id"], row["name"], sum((row.get("posts") or {}).values()))


def _key(list_id: int, post_id: int) -> dict[str, int]:
    return {"list_id": list_id, "month": month_of(post_id), "post_id": post_id}

"""Saved posts and collections: event → rows, row → domain. Pure.

Timestamps are versions of the events, which are microseconds, or FINAL for a deletion.
"""

from __future__ import annotations

from photomesh_post.saves.domain import Collection, Membership
from photomesh_post.tables.rows import FINAL, Row, RowWrite, bucket_of, month_at, month_of
from photomesh_shared.events import CollectionCreated, CollectionDeleted, CollectionRenamed

__all__ = [
    "added_rows",
    "collection_of",
    "collection_rows",
    "key_by_post",
    "membership_of",
    "removed_rows",
    "rows_by_post",
]


def added_rows(list_id: int, post_id: int, version: int, *, account_id: int | None = None) -> list[RowWrite]:
    """A post is in a list from this version on. `account_id`: the owner of a collection."""
    month = {"list_id": list_id, "month": month_at(version)}
    return [
        RowWrite("saves", _key(list_id, post_id), version, {"kept": True, "version": version}),
        RowWrite("saves_by_time", {**month, "version": version, "post_id": post_id}, version),
        RowWrite("months_by_list", month, version),
        *rows_by_post(list_id, post_id, version, account_id or list_id),
    ]


def rows_by_post(list_id: int, post_id: int, version: int, account_id: int) -> list[RowWrite]:
    """The row of a list among those that hold the post; it stays when the post is removed."""
    return [RowWrite("lists_by_post", key_by_post(list_id, post_id), version, {"account_id": account_id})]


def key_by_post(list_id: int, post_id: int) -> dict[str, int]:
    return {"post_id": post_id, "bucket": bucket_of(list_id), "list_id": list_id}


def removed_rows(list_id: int, post_id: int, version: int) -> list[RowWrite]:
    """A post is not in a list from this version on."""
    cells = {"kept": False, "version": version, "removed": version}
    return [RowWrite("saves", _key(list_id, post_id), version, cells)]


def collection_rows(event: CollectionCreated | CollectionRenamed | CollectionDeleted, version: int) -> list[RowWrite]:
    key = {"account_id": event.account_id, "collection_id": event.collection_id}
    if isinstance(event, CollectionDeleted):
        return [RowWrite("collections", key, FINAL, {"name": "", "deleted": True})]
    return [RowWrite("collections", key, version, {"name": event.name})]


def membership_of(row: Row) -> Membership:
    return Membership(bool(row.get("kept")), row.get("version") or 0, row.get("removed") or 0)


def collection_of(row: Row) -> Collection | None:
    """Returns None for a deleted collection, and until its first event has arrived."""
    if row.get("deleted") or not row.get("name"):
        return None
    return Collection(row["collection_id"], row["name"], sum((row.get("posts") or {}).values()))


def _key(list_id: int, post_id: int) -> dict[str, int]:
    return {"list_id": list_id, "month": month_of(post_id), "post_id": post_id}

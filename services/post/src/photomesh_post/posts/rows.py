"""What a row of the tables says: row → domain. Pure; the other half is `projection`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

from pydantic import TypeAdapter

from photomesh_post.posts.domain import STRANGER, Author, Photo, PhotoStatus, Post, PostRef, PostStatus, Standing
from photomesh_shared.events import PhotoMetadata, Place, PostPhoto, Reason, Variant
from photomesh_shared.ids import timestamp_of

__all__ = ["author_of", "metadata_of", "photo_of", "post_of", "ref_of", "standing_of"]

Row = Mapping[str, Any]
Model = TypeVar("Model")
_VARIANTS = TypeAdapter(tuple[Variant, ...])
_PHOTOS = TypeAdapter(tuple[PostPhoto, ...])
_METADATA = TypeAdapter(PhotoMetadata)
_PLACE = TypeAdapter(Place)
_REASON = TypeAdapter(Reason)


def photo_of(row: Row) -> Photo | None:
    """None as long as only its deletion is known, and not whose it is."""
    if row.get("owner_id") is None:
        return None
    return Photo(
        id=row["photo_id"],
        owner_id=row["owner_id"],
        status=PhotoStatus(row["status"]),
        created_at=_time(row.get("uploaded_at")) or timestamp_of(row["photo_id"]),
        deleted=bool(row.get("deleted")),
        reason=_read(_REASON, row.get("reason")),
        width=row.get("width"),
        height=row.get("height"),
        placeholder=row.get("placeholder"),
        variants=_read(_VARIANTS, row.get("variants")) or (),
        raw_bucket=row.get("raw_bucket"),
        raw_key=row.get("raw_key"),
    )


def metadata_of(row: Row) -> PhotoMetadata | None:
    return _read(_METADATA, row.get("camera"))


def post_of(row: Row) -> Post | None:
    """None as long as its first event is not known: a later one may have come before."""
    if row.get("author_id") is None:
        return None
    created_at = _time(row["created_at"])
    assert created_at is not None
    return Post(
        id=row["post_id"],
        author_id=row["author_id"],
        version=row["version"],
        status=PostStatus(row["status"]),
        photo_ids=tuple(row["photo_ids"]),
        caption=row["caption"],
        hashtags=tuple(row["hashtags"]),
        mentions=tuple(row["mentions"]),
        place=_read(_PLACE, row["place"]),
        alt_texts=dict(row["alt_texts"]),
        created_at=created_at,
        edited_at=_time(row.get("edited_at")),
        published_at=_time(row.get("published_at")),
        reason=_read(_REASON, row.get("reason")),
        photos=_read(_PHOTOS, row.get("photos")) or (),
        deleted=bool(row.get("deleted")),
    )


def ref_of(row: Row) -> PostRef | None:
    """None for a deleted post, and for one whose first event is not known."""
    return None if row.get("deleted") or not row.get("status") else PostRef(row["post_id"], PostStatus(row["status"]))


def author_of(user_id: int, row: Row | None) -> Author:
    """An account that nothing is known of is private, to be on the safe side."""
    if row is None:
        return Author(user_id)
    return Author(user_id, row["username"], row["display_name"], row["avatar_url"], row["private"])


def standing_of(row: Row | None) -> Standing:
    """Of the account to the other one of the row."""
    if row is None:
        return STRANGER
    return Standing(follows=bool(row.get("follows")), blocked=bool(row.get("blocks") or row.get("blocked_by")))


def _read(adapter: TypeAdapter[Model], text: str | None) -> Model | None:
    """Fields that a newer version wrote are left out, so that an older one can read beside it."""
    return adapter.validate_json(text, extra="ignore") if text else None


def _time(value: datetime | None) -> datetime | None:
    """Cassandra gives times without a zone, and means UTC."""
    return value.replace(tzinfo=UTC) if value and value.tzinfo is None else value

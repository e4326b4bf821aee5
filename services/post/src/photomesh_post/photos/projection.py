"""Photos: event → rows, row → domain. Pure.

Timestamps are version × 4 + what the event decides: uploaded < failed < rejected < ready. Versions alone would nearly
do; the second part settles what two workers say about the same version of a photo.
"""

from __future__ import annotations

import json

from pydantic import TypeAdapter

from photomesh_post.photos.domain import Photo, PhotoStatus
from photomesh_post.tables.rows import FINAL, Row, RowWrite, decode_json, month_of, utc
from photomesh_shared.events import (
    FOR_POSTS,
    Envelope,
    PhotoFailed,
    PhotoMetadata,
    PhotoReady,
    PhotoRejected,
    PhotoUploaded,
    Reason,
    Variant,
)
from photomesh_shared.ids import timestamp_of

__all__ = ["PhotoEvent", "deleted_rows", "erased_rows", "metadata_of", "photo_of", "rows_by_owner", "rows_of"]

PhotoEvent = PhotoUploaded | PhotoReady | PhotoRejected | PhotoFailed

_RANKS = (PhotoStatus.PROCESSING, PhotoStatus.FAILED, PhotoStatus.REJECTED, PhotoStatus.READY)
_VARIANTS = TypeAdapter(tuple[Variant, ...])
_METADATA = TypeAdapter(PhotoMetadata)
_REASON = TypeAdapter(Reason)


def rows_of(envelope: Envelope[PhotoEvent]) -> list[RowWrite]:
    """The rows that an event writes."""
    event = envelope.data
    metadata: dict[str, object] = {}
    match event:
        case PhotoUploaded():
            status = PhotoStatus.PROCESSING
            cells: dict[str, object] = {
                "raw_bucket": event.bucket,
                "raw_key": event.key,
                "uploaded_at": event.uploaded_at,
            }
        case PhotoReady():
            status = PhotoStatus.READY
            public = () if event.bucket else event.variants
            variants = [variant.model_dump(mode="json") for variant in public]
            cells = {
                "width": event.width,
                "height": event.height,
                "placeholder": event.placeholder,
                "variants": json.dumps(variants, separators=(",", ":")),
            }
            metadata = {
                "camera": event.metadata.model_dump_json(exclude_none=True),
                "content_type": event.content_type,
                "size_bytes": event.size_bytes,
                "sha256": event.sha256,
                "phash": event.phash,
            }
        case PhotoRejected():
            status = PhotoStatus.REJECTED
            cells = {"reason": event.reason.model_dump_json()}
        case PhotoFailed():
            status = PhotoStatus.FAILED
            cells = {"reason": event.reason.model_dump_json()}
    if event.purpose != FOR_POSTS:
        cells["purpose"] = event.purpose
    key = {"photo_id": event.photo_id}
    timestamp = envelope.entityversion * len(_RANKS) + _RANKS.index(status)
    rows = [
        RowWrite("photos", key, timestamp, {"owner_id": event.owner_id, "status": str(status), **cells}),
        *rows_by_owner(event.owner_id, event.photo_id, timestamp),
    ]
    if metadata:
        rows.append(RowWrite("photo_metadata", key, timestamp, metadata))
    return rows


def rows_by_owner(owner_id: int, photo_id: int, timestamp: int) -> list[RowWrite]:
    """The row of a photo in its owner's list."""
    return [
        RowWrite(
            "photos_by_owner", {"owner_id": owner_id, "month": month_of(photo_id), "photo_id": photo_id}, timestamp
        )
    ]


def deleted_rows(photo_id: int) -> list[RowWrite]:
    """The rows that deleting a photo's post writes: no event restores the photo."""
    key = {"photo_id": photo_id}
    blank = {"camera": "{}", "content_type": "", "size_bytes": 0, "sha256": "", "phash": ""}
    return [RowWrite("photos", key, FINAL, {"deleted": True}), RowWrite("photo_metadata", key, FINAL, blank)]


def erased_rows(photo_id: int) -> list[RowWrite]:
    """The rows that a photo's erasure writes once its objects are gone. Where the original was stays known: a
    repeated deletion removes what was written since."""
    blank = {"reason": "", "placeholder": "", "variants": "[]", "erased": True}
    return [RowWrite("photos", {"photo_id": photo_id}, FINAL, blank)]


def photo_of(row: Row) -> Photo | None:
    """Returns None if only the deletion has arrived, which does not name the owner."""
    if row.get("owner_id") is None:
        return None
    return Photo(
        id=row["photo_id"],
        owner_id=row["owner_id"],
        status=PhotoStatus(row["status"]),
        created_at=utc(row.get("uploaded_at")) or timestamp_of(row["photo_id"]),
        deleted=bool(row.get("deleted")),
        reason=decode_json(_REASON, row.get("reason")),
        width=row.get("width"),
        height=row.get("height"),
        placeholder=row.get("placeholder"),
        variants=decode_json(_VARIANTS, row.get("variants")) or (),
        raw_bucket=row.get("raw_bucket"),
        raw_key=row.get("raw_key"),
        erased=bool(row.get("erased")),
        purpose=row.get("purpose") or FOR_POSTS,
    )


def metadata_of(row: Row) -> PhotoMetadata | None:
    return decode_json(_METADATA, row.get("camera"))

"""What each event means for the tables: event → rows to write. Pure.

Every cell carries a timestamp that follows from its event, and the newest wins cell by cell. So events may be applied
in any order and any number of times, by the request that caused them and by the consumer, and the rows end the same.

photos      version × 4 + how much the event decides: uploaded < failed < rejected < ready. Versions alone would
            nearly do; the second part settles what two workers say about the same version of a photo.
posts       the version itself, which is in microseconds.
relations   the version of the pair, which counts what the first did to the second.
deletion    a time that no event reaches, so that a deleted thing stays deleted and its words stay blank. Values are
            overwritten, not removed: a tombstone is forgotten after some days, and then an old event would write again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from photomesh_post.posts.domain import PhotoStatus, PostStatus
from photomesh_shared.events import (
    AccountRegistered,
    AccountUpdated,
    BlockCreated,
    BlockDeleted,
    Envelope,
    Event,
    FollowCreated,
    FollowDeleted,
    PhotoFailed,
    PhotoReady,
    PhotoRejected,
    PhotoUploaded,
    PostCreated,
    PostDeleted,
    PostEdited,
    PostFailed,
    PostPublished,
)
from photomesh_shared.events.envelope import EventModel
from photomesh_shared.ids import timestamp_of

__all__ = ["FINAL", "RowWrite", "month_of", "rows_of"]

FINAL = 253_402_300_799_000_000
"""The last second of the year 9999, in microseconds."""

_RANKS = (PhotoStatus.PROCESSING, PhotoStatus.FAILED, PhotoStatus.REJECTED, PhotoStatus.READY)


@dataclass(frozen=True)
class RowWrite:
    """Cells of one row, and the timestamp that they carry."""

    table: str
    key: Mapping[str, int]
    timestamp: int
    cells: Mapping[str, object] = field(default_factory=dict)


def month_of(post_id: int) -> int:
    """The bucket of a post in its author's list: 202611 for November 2026."""
    made = timestamp_of(post_id)
    return made.year * 100 + made.month


def rows_of(envelope: Envelope[Event]) -> list[RowWrite]:
    """The rows that an event writes. Raises LookupError for an event that has none."""
    version = envelope.entityversion
    match envelope.data:
        case PhotoUploaded() | PhotoReady() | PhotoRejected() | PhotoFailed() as event:
            return _photo_rows(event, version)
        case PostCreated() | PostEdited() | PostPublished() | PostFailed() as event:
            return _post_rows(event, version)
        case PostDeleted() as event:
            return _deleted_rows(event, version)
        case AccountRegistered() | AccountUpdated() as event:
            cells = {name: getattr(event, name) for name in ("username", "display_name", "avatar_url", "private")}
            return [RowWrite("accounts", {"user_id": event.user_id}, version, cells)]
        case FollowCreated() | FollowDeleted() as event:
            pair = {"account_id": event.follower_id, "other_id": event.followee_id}
            return [RowWrite("relations", pair, version, {"follows": isinstance(event, FollowCreated)})]
        case BlockCreated() | BlockDeleted() as event:
            blocks = isinstance(event, BlockCreated)
            pair = {"account_id": event.blocker_id, "other_id": event.blocked_id}
            mirrored = {"account_id": event.blocked_id, "other_id": event.blocker_id}
            # Each of the two cells has one writer, so the version of this pair orders both.
            return [
                RowWrite("relations", pair, version, {"blocks": blocks}),
                RowWrite("relations", mirrored, version, {"blocked_by": blocks}),
            ]
        case other:
            raise LookupError(other.type_)


def _photo_rows(event: PhotoUploaded | PhotoReady | PhotoRejected | PhotoFailed, version: int) -> list[RowWrite]:
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
            cells = {
                "width": event.width,
                "height": event.height,
                "placeholder": event.placeholder,
                "variants": _json(event.variants),
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
    key = {"photo_id": event.photo_id}
    timestamp = version * len(_RANKS) + _RANKS.index(status)
    rows = [RowWrite("photos", key, timestamp, {"owner_id": event.owner_id, "status": str(status), **cells})]
    if metadata:
        rows.append(RowWrite("photo_metadata", key, timestamp, metadata))
    return rows


def _post_rows(event: PostCreated | PostEdited | PostPublished | PostFailed, version: int) -> list[RowWrite]:
    key = {"post_id": event.post_id}
    listed = {"author_id": event.author_id, "month": month_of(event.post_id), **key}
    match event:
        case PostCreated():
            cells = {
                **_words(event),
                "status": str(PostStatus.PROCESSING),
                "author_id": event.author_id,
                "photo_ids": list(event.photo_ids),
                "created_at": event.created_at,
            }
        case PostEdited():
            cells = {**_words(event), "edited_at": event.edited_at}
        case PostPublished():
            cells = {
                "status": str(PostStatus.PUBLISHED),
                "photos": _json(event.photos),
                "published_at": event.published_at,
            }
        case PostFailed():
            cells = {"status": str(PostStatus.FAILED), "reason": event.reason.model_dump_json()}
    rows = [RowWrite("posts", key, version, {**cells, "version": version})]
    if "status" in cells:
        rows.append(RowWrite("posts_by_author", listed, version, {"status": cells["status"]}))
    if isinstance(event, PostCreated):
        month = {"author_id": event.author_id, "month": listed["month"]}
        rows.append(RowWrite("months_by_author", month, version))
    return rows


def _deleted_rows(event: PostDeleted, version: int) -> list[RowWrite]:
    key = {"post_id": event.post_id}
    listed = {"author_id": event.author_id, "month": month_of(event.post_id), **key}
    blank = {"caption": "", "hashtags": [], "mentions": [], "place": "", "alt_texts": {}, "photos": "[]"}
    rows = [
        RowWrite("posts", key, FINAL, {**blank, "version": version, "deleted": True}),
        RowWrite("posts_by_author", listed, FINAL, {"deleted": True}),
    ]
    for photo_id in event.photo_ids:
        rows.append(RowWrite("photos", {"photo_id": photo_id}, FINAL, {"deleted": True}))
        rows.append(
            RowWrite(
                "photo_metadata",
                {"photo_id": photo_id},
                FINAL,
                {"camera": "{}", "content_type": "", "size_bytes": 0, "sha256": "", "phash": ""},
            )
        )
    return rows


def _words(event: PostCreated | PostEdited) -> dict[str, object]:
    described = zip(event.photo_ids, event.alt_texts, strict=True)
    return {
        "caption": event.caption,
        "hashtags": list(event.hashtags),
        "mentions": list(event.mentions),
        "place": event.place.model_dump_json() if event.place else "",
        "alt_texts": {photo_id: text for photo_id, text in described if text},
    }


def _json(models: tuple[EventModel, ...]) -> str:
    return json.dumps([model.model_dump(mode="json") for model in models], separators=(",", ":"))

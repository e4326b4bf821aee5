"""Posts: event → rows, row → domain. Pure.

Timestamps are versions of the post, which are microseconds, or FINAL for a deletion. Each event writes the whole post,
so that a post is complete whichever of its events are known; events from before were partial, and write what they have.
"""

from __future__ import annotations

import json

from pydantic import TypeAdapter

from photomesh_post.photos import projection as photos
from photomesh_post.posts.domain import Post, PostRef, PostStatus
from photomesh_post.tables.rows import FINAL, Row, RowWrite, decode_json, month_of, utc
from photomesh_post.texts.projection import decode_entities, encode_entities
from photomesh_shared.events import (
    Envelope,
    Place,
    PostCreated,
    PostDeleted,
    PostEdited,
    PostFailed,
    PostPhoto,
    PostPublished,
    Reason,
)

__all__ = ["PostEvent", "post_of", "ref_of", "rows_of"]

PostEvent = PostCreated | PostEdited | PostPublished | PostFailed | PostDeleted

_PHOTOS = TypeAdapter(tuple[PostPhoto, ...])
_PLACE = TypeAdapter(Place)
_REASON = TypeAdapter(Reason)


def rows_of(envelope: Envelope[PostEvent]) -> list[RowWrite]:
    """The rows that an event writes."""
    event, version = envelope.data, envelope.entityversion
    if isinstance(event, PostDeleted):
        return _deleted_rows(event, version)
    key = {"post_id": event.post_id}
    cells: dict[str, object]
    match event:
        case PostCreated():
            cells = {
                **_text_cells(event),
                "status": str(PostStatus.PROCESSING),
                "author_id": event.author_id,
                "photo_ids": list(event.photo_ids),
                "created_at": event.created_at,
            }
        case PostEdited():
            cells = {**_text_cells(event), **_creation_cells(event), **_outcome_cells(event)}
        case PostPublished():
            cells = {
                **_text_cells(event),
                "author_id": event.author_id,
                "photo_ids": [photo.photo_id for photo in event.photos],
                "created_at": event.created_at,
                **_outcome_cells(event),
            }
        case PostFailed():
            whole = {**_text_cells(event), **_creation_cells(event)} if event.created_at else {}
            cells = {**whole, "status": str(PostStatus.FAILED), "reason": event.reason.model_dump_json()}
    if not isinstance(event, PostCreated) and event.edited_at:
        cells["edited_at"] = event.edited_at
    rows = [RowWrite("posts", key, version, {**cells, "version": version})]
    month = {"author_id": event.author_id, "month": month_of(event.post_id)}
    if "status" in cells:
        rows.append(RowWrite("posts_by_author", {**month, **key}, version, {"status": cells["status"]}))
    if "created_at" in cells:
        rows.append(RowWrite("months_by_author", month, version))
    return rows


def _creation_cells(event: PostEdited | PostFailed) -> dict[str, object]:
    if event.created_at is None:
        return {}
    return {"author_id": event.author_id, "photo_ids": list(event.photo_ids), "created_at": event.created_at}


def _outcome_cells(event: PostEdited | PostPublished) -> dict[str, object]:
    if event.published_at:
        photos_json = json.dumps([photo.model_dump(mode="json") for photo in event.photos], separators=(",", ":"))
        return {"status": str(PostStatus.PUBLISHED), "photos": photos_json, "published_at": event.published_at}
    assert isinstance(event, PostEdited)
    if event.reason:
        return {"status": str(PostStatus.FAILED), "reason": event.reason.model_dump_json()}
    return {"status": str(PostStatus.PROCESSING)} if event.created_at else {}


def _deleted_rows(event: PostDeleted, version: int) -> list[RowWrite]:
    key = {"post_id": event.post_id}
    listed = {"author_id": event.author_id, "month": month_of(event.post_id), **key}
    blank = {
        "caption": "",
        "hashtags": [],
        "mentions": [],
        "place": "",
        "alt_texts": {},
        "photos": "[]",
        "entities": "",
    }
    return [
        RowWrite("posts", key, FINAL, {**blank, "version": version, "deleted": True}),
        RowWrite("posts_by_author", listed, FINAL, {"deleted": True}),
        *(row for photo_id in event.photo_ids for row in photos.deleted_rows(photo_id)),
    ]


def _text_cells(event: PostCreated | PostEdited | PostPublished | PostFailed) -> dict[str, object]:
    if isinstance(event, PostPublished):
        described = [(photo.photo_id, photo.alt_text) for photo in event.photos]
    else:
        described = list(zip(event.photo_ids, event.alt_texts, strict=True))
    return {
        "caption": event.caption,
        "hashtags": list(event.hashtags),
        "mentions": list(event.mentions),
        "place": event.place.model_dump_json() if event.place else "",
        "entities": encode_entities(event.entities),
        "alt_texts": {photo_id: text for photo_id, text in described if text},
    }


def post_of(row: Row) -> Post | None:
    """Returns None until the first event has arrived: a later one may arrive before it."""
    if row.get("author_id") is None:
        return None
    created_at = utc(row["created_at"])
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
        place=decode_json(_PLACE, row["place"]),
        alt_texts=dict(row["alt_texts"]),
        created_at=created_at,
        edited_at=utc(row.get("edited_at")),
        published_at=utc(row.get("published_at")),
        reason=decode_json(_REASON, row.get("reason")),
        photos=decode_json(_PHOTOS, row.get("photos")) or (),
        entities=decode_entities(row.get("entities"), row["caption"]),
        deleted=bool(row.get("deleted")),
    )


def ref_of(row: Row) -> PostRef | None:
    """Returns None for a deleted post, and until its first event has arrived."""
    return None if row.get("deleted") or not row.get("status") else PostRef(row["post_id"], PostStatus(row["status"]))

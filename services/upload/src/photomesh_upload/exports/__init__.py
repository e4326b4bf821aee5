"""What upload holds of an account, for its export."""

from __future__ import annotations

from photomesh_shared.stores.record_pages import RecordQuery

__all__ = ["RECORDS"]

_IDS = {"upload_id": "up", "photo_id": "p"}

RECORDS = {
    "uploads": RecordQuery(
        "SELECT upload_id, photo_id, status, purpose, filename, content_type, size_bytes, created_at, expires_at,"
        " closed_at, upload_id AS position FROM uploads"
        " WHERE account_id = $1 AND upload_id > $2 ORDER BY upload_id LIMIT $3",
        ids=_IDS,
    ),
    # The file names of uploads are known for as long as the uploads are.
    "originals": RecordQuery(
        "SELECT o.photo_id, o.upload_id, o.purpose, o.content_type, o.size_bytes, o.etag, o.uploaded_at, u.filename,"
        " o.photo_id AS position FROM originals o LEFT JOIN uploads u USING (upload_id)"
        " WHERE o.account_id = $1 AND o.photo_id > $2 ORDER BY o.photo_id LIMIT $3",
        ids=_IDS,
    ),
    "upload_usage": RecordQuery(
        "SELECT day, uploads, bytes, account_id AS position FROM account_usage"
        " WHERE account_id = $1 AND account_id > $2 LIMIT $3"
    ),
}

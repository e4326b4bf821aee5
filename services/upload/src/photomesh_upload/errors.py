"""Problems of uploads.

    NotFound 404         ── UploadNotFound
    Conflict 409         ── UploadIncomplete, UploadCompleted
    Gone 410             ── UploadExpired, UploadAborted
    Unprocessable 422    ── PhotoTooLarge, UnsupportedType, PartsMismatch, SizeMismatch
    TooManyRequests 429  ── QuotaExceeded
    Unavailable 503      ── UploadBusy

WrongRegion (421) and the rest of the tree are in `photomesh_shared.errors`.
"""

from __future__ import annotations

from photomesh_shared.errors import Conflict, Gone, NotFound, TooManyRequests, Unavailable, Unprocessable

__all__ = [
    "PartsMismatch",
    "PhotoTooLarge",
    "QuotaExceeded",
    "SizeMismatch",
    "UnsupportedType",
    "UploadAborted",
    "UploadBusy",
    "UploadCompleted",
    "UploadExpired",
    "UploadIncomplete",
    "UploadNotFound",
]


class UploadNotFound(NotFound):
    """You have no upload with this id. An upload of another account, and one that ended weeks ago, look the same."""

    code, title = "upload-not-found", "There is no such upload"


class UploadIncomplete(Conflict):
    """Parts are missing; `missing_part_numbers` lists them. Send them, then complete the upload again. `POST
    /v1/uploads/{id}/parts` returns new URLs. A URL accepts exactly the announced number of bytes: object storage
    responds 403 to a PUT of another length."""

    code, title = "upload-incomplete", "Parts of the upload are missing"


class UploadCompleted(Conflict):
    """The upload is complete and has become the photo `photo_id`, so it cannot be changed or aborted. To delete the
    photo, delete its post."""

    code, title = "upload-completed", "The upload is already complete"


class UploadExpired(Gone):
    """The upload was not completed before `expires_at`, or its parts were sent again so often that object storage held
    more than twice its size. The parts were deleted. Start a new upload."""

    code, title = "upload-expired", "The upload has expired"


class UploadAborted(Gone):
    """You aborted the upload, and its parts were deleted. Start a new one."""

    code, title = "upload-aborted", "The upload was aborted"


class PhotoTooLarge(Unprocessable):
    """The photo has more than `max_bytes` bytes. Save it as a JPEG of high quality, or scale it down."""

    code, title = "photo-too-large", "The photo is too large"


class UnsupportedType(Unprocessable):
    """Only the types in `allowed_types` are supported. Convert the photo, for example to JPEG."""

    code, title = "unsupported-type", "The type of the file is not supported"


class PartsMismatch(Unprocessable):
    """`parts` does not match object storage: the parts in `part_numbers` are missing from it, listed twice, unknown, or
    have another ETag. List every part once with the ETag from the response to its PUT; `GET /v1/uploads/{id}` shows
    them. If the bytes of a part are wrong, send that part again."""

    code, title = "parts-mismatch", "The parts do not match what was uploaded"


class SizeMismatch(Unprocessable):
    """The size of the upload (`arrived_bytes`) differs from the announced one (`announced_bytes`). Abort the upload and
    start a new one with the right size."""

    code, title = "size-mismatch", "The size differs from the announced one"


class QuotaExceeded(TooManyRequests):
    """Your account has exhausted a quota: `quota` names it (`open_uploads`, `uploads_per_day` or `bytes_per_day`), and
    `limit` is its value. Complete or abort open uploads (`GET /v1/uploads` lists them); daily quotas are reset at
    midnight UTC. `GET /v1/limits` lists all quotas."""

    code, title = "quota-exceeded", "A quota of the account is exhausted"


class UploadBusy(Unavailable):
    """Another request is completing this upload, and takes unusually long. Try again in a few seconds."""

    code, title = "upload-busy", "The upload is being completed"

"""What can be wrong with an upload.

    NotFound 404         ── UploadNotFound
    Conflict 409         ── UploadIncomplete, UploadCompleted
    Gone 410             ── UploadExpired, UploadAborted
    Unprocessable 422    ── PhotoTooLarge, UnsupportedType, PartsMismatch, SizeMismatch
    TooManyRequests 429  ── QuotaExceeded

WrongRegion (421) and the rest of the tree are in `photomesh_shared.errors`.
"""

from __future__ import annotations

from photomesh_shared.errors import Conflict, Gone, NotFound, TooManyRequests, Unprocessable

__all__ = [
    "PartsMismatch",
    "PhotoTooLarge",
    "QuotaExceeded",
    "SizeMismatch",
    "UnsupportedType",
    "UploadAborted",
    "UploadCompleted",
    "UploadExpired",
    "UploadIncomplete",
    "UploadNotFound",
]


class UploadNotFound(NotFound):
    """You have no upload with this id. Somebody else's upload looks the same on purpose, and so does one that ended
    weeks ago."""

    code, title = "upload-not-found", "There is no such upload"


class UploadIncomplete(Conflict):
    """Parts have not arrived yet; `missing_part_numbers` lists them. Send them and complete again. `POST
    /v1/uploads/{id}/parts` gives fresh URLs. A URL takes exactly as many bytes as were announced: to a PUT of another
    length object storage answers 403."""

    code, title = "upload-incomplete", "Parts of the upload are missing"


class UploadCompleted(Conflict):
    """The upload is complete and has become the photo `photo_id`; its bytes can no longer be changed or taken back.
    To be rid of the photo, delete its post."""

    code, title = "upload-completed", "The upload is already complete"


class UploadExpired(Gone):
    """The upload was not completed in time (`expires_at`), and what had arrived was discarded. Begin a new one."""

    code, title = "upload-expired", "The upload has expired"


class UploadAborted(Gone):
    """You aborted the upload, and what had arrived was discarded. Begin a new one."""

    code, title = "upload-aborted", "The upload was aborted"


class PhotoTooLarge(Unprocessable):
    """The photo has more bytes than the platform takes (`max_bytes`). Make it smaller: save it as a JPEG of high
    quality, or scale it down."""

    code, title = "photo-too-large", "The photo is too large"


class UnsupportedType(Unprocessable):
    """The platform takes the types in `allowed_types` only. Convert the photo, for example to JPEG."""

    code, title = "unsupported-type", "The type of the file is not supported"


class PartsMismatch(Unprocessable):
    """The list in `parts` is not what object storage holds: `part_numbers` are left out, listed twice, unknown, or have
    another ETag. List every part once with the ETag from the answer to its PUT; `GET /v1/uploads/{id}` shows them. If
    a part's bytes are wrong, send that part again."""

    code, title = "parts-mismatch", "The parts are not those that arrived"


class SizeMismatch(Unprocessable):
    """What arrived has another size (`arrived_bytes`) than was announced (`announced_bytes`). Abort the upload and
    begin a new one with the true size."""

    code, title = "size-mismatch", "The size is not the one that was announced"


class QuotaExceeded(TooManyRequests):
    """Your account has used up a quota: `quota` says which (`open_uploads`, `uploads_per_day` or `bytes_per_day`), and
    `limit` how much it allows. Open uploads end by being completed or aborted (`GET /v1/uploads` lists them); what
    counts by the day starts again at midnight UTC. `GET /v1/limits` lists the quotas."""

    code, title = "quota-exceeded", "A quota of the account is used up"

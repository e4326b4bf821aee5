"""Uploads and their rules.

Every upload is a multipart upload to object storage, even one of a single part: the URL of a part stops working when
the upload is completed, so no late or repeated PUT can change a photo.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum

from photomesh_shared.errors import FieldError, InvalidRequest
from photomesh_shared.events import FOR_POSTS, FOR_STORIES
from photomesh_shared.limits import ALLOWED_TYPES, MAX_UPLOAD_BYTES, MULTIPART_THRESHOLD, PART_SIZE
from photomesh_shared.object_keys import original_key
from photomesh_shared.text import normalize_line
from photomesh_upload.errors import (
    PartsMismatch,
    PhotoTooLarge,
    QuotaExceeded,
    SizeMismatch,
    UnsupportedType,
    UploadIncomplete,
)

__all__ = [
    "TYPE_ALIASES",
    "CompletedPart",
    "FileInfo",
    "Original",
    "PartUrl",
    "PresignedUrls",
    "Purpose",
    "Quotas",
    "Selection",
    "Status",
    "StoredObject",
    "StoredPart",
    "Upload",
    "Usage",
    "missing_parts",
    "select_parts",
]

TYPE_ALIASES = {"image/heif": "image/heic", "image/jpg": "image/jpeg"}
_OPEN_RETRY_SECONDS = 60


class Purpose(StrEnum):
    """What a photo may be used for."""

    POST = FOR_POSTS
    STORY = FOR_STORIES


class Status(StrEnum):
    OPEN = "open"
    COMPLETED = "completed"
    ABORTED = "aborted"
    EXPIRED = "expired"


@dataclass(frozen=True)
class FileInfo:
    """The file that a client announces."""

    filename: str
    content_type: str
    size_bytes: int

    @classmethod
    def validated(cls, filename: str, content_type: str, size_bytes: int) -> FileInfo:
        """Raises PhotoTooLarge, UnsupportedType, or InvalidRequest for an invalid file name."""
        try:
            seen = normalize_line(filename)
        except ValueError:
            seen = ""
        if not seen:
            detail = "must be a file name without control characters"
            raise InvalidRequest(errors=[FieldError("/filename", detail)])
        if size_bytes > MAX_UPLOAD_BYTES:
            detail = f"must be at most {MAX_UPLOAD_BYTES}"
            raise PhotoTooLarge(errors=[FieldError("/size_bytes", detail)], max_bytes=MAX_UPLOAD_BYTES)
        kind = content_type.strip().lower()
        kind = TYPE_ALIASES.get(kind, kind)
        if kind not in ALLOWED_TYPES:
            detail = f"must be one of {', '.join(ALLOWED_TYPES)}"
            raise UnsupportedType(errors=[FieldError("/content_type", detail)], allowed_types=list(ALLOWED_TYPES))
        return cls(filename, kind, size_bytes)

    @property
    def in_parts(self) -> bool:
        """Whether the client gets a list of parts instead of one URL."""
        return self.size_bytes > MULTIPART_THRESHOLD


@dataclass(frozen=True)
class Upload:
    """`multipart_id` is object storage's id of the upload. `photo_id` is assigned at creation, so that every completion
    yields the same photo."""

    upload_id: int
    account_id: int
    photo_id: int
    file: FileInfo
    multipart_id: str
    created_at: datetime
    expires_at: datetime
    status: Status = Status.OPEN
    part_size: int = PART_SIZE
    purpose: Purpose = Purpose.POST

    @property
    def key(self) -> str:
        """The key of the original in the raw bucket."""
        return original_key(self.upload_id)

    @property
    def part_sizes(self) -> dict[int, int]:
        """Bytes by part number, counting from 1."""
        size, step = self.file.size_bytes, self.part_size
        return {start // step + 1: min(step, size - start) for start in range(0, size, step)}

    @property
    def max_stored_bytes(self) -> int:
        """The bytes that object storage may hold of it, copies of parts that were sent again included."""
        return 2 * self.file.size_bytes + self.part_size

    def status_at(self, now: datetime) -> Status:
        """The effective status: an open upload is expired from `expires_at` on, even before the sweeper marks it."""
        return Status.EXPIRED if self.status is Status.OPEN and now >= self.expires_at else self.status


@dataclass(frozen=True)
class Original:
    """A completed upload's object in the raw bucket, which outlives the upload."""

    photo_id: int
    upload_id: int
    account_id: int
    content_type: str
    size_bytes: int
    etag: str | None
    """None: completed before ETags were recorded."""
    uploaded_at: datetime
    version: int
    """Entity version of upload's latest event about the photo."""
    filename: str
    """Empty once the upload is deleted."""
    purpose: Purpose = Purpose.POST

    @property
    def key(self) -> str:
        """The key in the raw bucket."""
        return original_key(self.upload_id)


@dataclass(frozen=True)
class Selection:
    """Which originals: all conditions apply. Raises ValueError if there is none, for that would be every photo."""

    photo_ids: tuple[int, ...] | None = None
    account_id: int | None = None
    uploaded_before: datetime | None = None

    def __post_init__(self) -> None:
        if self.photo_ids is None and self.account_id is None and self.uploaded_before is None:
            raise ValueError("select photos, an account, or a date")


@dataclass(frozen=True)
class StoredPart:
    """A part as object storage lists it."""

    part_number: int
    etag: str
    size_bytes: int


@dataclass(frozen=True)
class CompletedPart:
    """A part as the client lists it to complete the upload."""

    part_number: int
    etag: str


@dataclass(frozen=True)
class PartUrl:
    part_number: int
    url: str


@dataclass(frozen=True)
class PresignedUrls:
    """Presigned URLs of an upload's parts."""

    upload: Upload
    parts: list[PartUrl]
    expire_at: datetime


@dataclass(frozen=True)
class StoredObject:
    """The object that the parts were joined into."""

    etag: str
    size_bytes: int


def missing_parts(upload: Upload, stored: Sequence[StoredPart]) -> list[int]:
    return sorted(upload.part_sizes.keys() - {part.part_number for part in stored})


def select_parts(upload: Upload, stored: Sequence[StoredPart], listed: Sequence[CompletedPart]) -> list[StoredPart]:
    """Selects the parts to join, in order. `stored` may have several parts of one number, if the client re-sent it.

    The list of the client may be empty for an upload of one part. Raises UploadIncomplete, PartsMismatch or
    SizeMismatch.
    """
    if missing := missing_parts(upload, stored):
        raise UploadIncomplete(missing_part_numbers=missing)
    if len(upload.part_sizes) == 1 and not listed:
        selected = list(dict.fromkeys(part for part in stored if part.part_number == 1))
    else:
        selected = _listed_parts(upload, stored, listed)
    if any(part.size_bytes != upload.part_sizes[part.part_number] for part in selected):
        raise SizeMismatch(
            announced_bytes=upload.file.size_bytes, arrived_bytes=sum(part.size_bytes for part in selected)
        )
    return selected


def _listed_parts(upload: Upload, stored: Sequence[StoredPart], listed: Sequence[CompletedPart]) -> list[StoredPart]:
    by_etag = {(part.part_number, part.etag): part for part in stored}
    numbers = [part.part_number for part in listed]
    wrong = {part.part_number for part in listed if (part.part_number, part.etag) not in by_etag}
    wrong |= {number for number in numbers if numbers.count(number) > 1}
    wrong |= upload.part_sizes.keys() ^ set(numbers)
    if wrong:
        raise PartsMismatch(part_numbers=sorted(wrong))
    return sorted((by_etag[part.part_number, part.etag] for part in listed), key=lambda part: part.part_number)


@dataclass(frozen=True)
class Usage:
    """What an account uses, including the new upload."""

    open_uploads: int
    uploads_today: int
    bytes_today: int


@dataclass(frozen=True)
class Quotas:
    """Quotas of one account. Days are UTC. An upload counts from its creation, however it ends."""

    open_uploads: int
    uploads_per_day: int
    bytes_per_day: int

    def check(self, usage: Usage, now: datetime) -> None:
        """Raises QuotaExceeded."""
        tomorrow = datetime.combine(now.astimezone(UTC).date() + timedelta(days=1), time(), UTC)
        midnight = int((tomorrow - now).total_seconds()) + 1
        for quota, used, limit, retry_after in (
            ("open_uploads", usage.open_uploads, self.open_uploads, _OPEN_RETRY_SECONDS),
            ("uploads_per_day", usage.uploads_today, self.uploads_per_day, midnight),
            ("bytes_per_day", usage.bytes_today, self.bytes_per_day, midnight),
        ):
            if used > limit:
                raise QuotaExceeded(headers={"Retry-After": str(retry_after)}, quota=quota, limit=limit)

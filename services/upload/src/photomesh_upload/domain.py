"""Uploads and their rules. Pure: no clock, no I/O.

Every upload is a multipart upload to the object store, also one of a single part: a URL for a part stops working the
moment the upload is completed, so no late or repeated PUT can touch a photo.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum

from photomesh_shared.errors import FieldError, InvalidRequest
from photomesh_shared.limits import ALLOWED_TYPES, MAX_UPLOAD_BYTES, MULTIPART_THRESHOLD, PART_SIZE
from photomesh_shared.object_keys import original_key
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
    "Announcement",
    "NamedPart",
    "Part",
    "PartUrl",
    "Quotas",
    "Status",
    "StoredObject",
    "Upload",
    "Urls",
    "Usage",
    "choose_parts",
    "missing_parts",
]

TYPE_ALIASES = {"image/heif": "image/heic", "image/jpg": "image/jpeg"}
_UNPRINTABLE = {"Cc", "Cs", "Zl", "Zp"}  # control characters, halves of surrogate pairs, line and paragraph separators
_OPEN_RETRY_SECONDS = 60


class Status(StrEnum):
    OPEN = "open"
    COMPLETED = "completed"
    ABORTED = "aborted"
    EXPIRED = "expired"


@dataclass(frozen=True)
class Announcement:
    """What a client says it will upload."""

    filename: str
    content_type: str
    size_bytes: int

    @classmethod
    def checked(cls, filename: str, content_type: str, size_bytes: int) -> Announcement:
        """Raises PhotoTooLarge, UnsupportedType, or InvalidRequest for a name that no file has."""
        if not filename.strip() or any(unicodedata.category(character) in _UNPRINTABLE for character in filename):
            detail = "must be a file's name, without control characters"
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
        """Whether the client is given a list of parts, rather than one URL."""
        return self.size_bytes > MULTIPART_THRESHOLD


@dataclass(frozen=True)
class Upload:
    """One upload. `multipart_id` is the object store's name for it; `photo_id` is given out at the beginning, so that
    every completion of this upload means the same photo."""

    upload_id: int
    account_id: int
    photo_id: int
    announced: Announcement
    multipart_id: str
    created_at: datetime
    expires_at: datetime
    status: Status = Status.OPEN
    part_size: int = PART_SIZE

    @property
    def key(self) -> str:
        """The object's key. Nothing of the client's is in it."""
        return original_key(self.upload_id)

    @property
    def part_sizes(self) -> dict[int, int]:
        """Bytes by part number, counting from 1."""
        size, step = self.announced.size_bytes, self.part_size
        return {start // step + 1: min(step, size - start) for start in range(0, size, step)}

    def status_at(self, now: datetime) -> Status:
        """An upload is expired from `expires_at` on, whether or not the sweeper has come by."""
        return Status.EXPIRED if self.status is Status.OPEN and now >= self.expires_at else self.status


@dataclass(frozen=True)
class Part:
    """A part as the object store lists it."""

    part_number: int
    etag: str
    size_bytes: int


@dataclass(frozen=True)
class NamedPart:
    """A part as the client names it when it completes."""

    part_number: int
    etag: str


@dataclass(frozen=True)
class PartUrl:
    part_number: int
    url: str


@dataclass(frozen=True)
class Urls:
    """Presigned URLs of an upload, which work until `expire_at`."""

    upload: Upload
    parts: list[PartUrl]
    expire_at: datetime


@dataclass(frozen=True)
class StoredObject:
    """The finished object."""

    etag: str
    size_bytes: int


def missing_parts(upload: Upload, arrived: Sequence[Part]) -> list[int]:
    return sorted(upload.part_sizes.keys() - {part.part_number for part in arrived})


def choose_parts(upload: Upload, arrived: Sequence[Part], named: Sequence[NamedPart]) -> list[Part]:
    """The parts to join, in order. `arrived` may hold several of one number, if the client sent it again.

    For an upload of one part the client need not name it. Raises UploadIncomplete, PartsMismatch or SizeMismatch.
    """
    if missing := missing_parts(upload, arrived):
        raise UploadIncomplete(missing_part_numbers=missing)
    if len(upload.part_sizes) == 1 and not named:
        chosen = list(dict.fromkeys(part for part in arrived if part.part_number == 1))
    else:
        chosen = _named_parts(upload, arrived, named)
    if any(part.size_bytes != upload.part_sizes[part.part_number] for part in chosen):
        raise SizeMismatch(
            announced_bytes=upload.announced.size_bytes, arrived_bytes=sum(part.size_bytes for part in chosen)
        )
    return chosen


def _named_parts(upload: Upload, arrived: Sequence[Part], named: Sequence[NamedPart]) -> list[Part]:
    held = {(part.part_number, part.etag): part for part in arrived}
    numbers = [part.part_number for part in named]
    wrong = {part.part_number for part in named if (part.part_number, part.etag) not in held}
    wrong |= {number for number in numbers if numbers.count(number) > 1}
    wrong |= upload.part_sizes.keys() ^ set(numbers)
    if wrong:
        raise PartsMismatch(part_numbers=sorted(wrong))
    return sorted((held[part.part_number, part.etag] for part in named), key=lambda part: part.part_number)


@dataclass(frozen=True)
class Usage:
    """What an account has used, the upload in question included."""

    open_uploads: int
    uploads_today: int
    bytes_today: int


@dataclass(frozen=True)
class Quotas:
    """What one account may use. Days are UTC. An upload counts when it is begun, whatever becomes of it."""

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

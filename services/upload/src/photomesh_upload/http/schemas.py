"""Request and response models."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field, JsonValue, field_validator

from photomesh_shared.events import UtcTime
from photomesh_shared.http.schemas import RequestBody, Url, examples
from photomesh_shared.ids import PhotoId, UploadId
from photomesh_shared.limits import ALLOWED_TYPES, MAX_UPLOAD_BYTES, PART_SIZE
from photomesh_upload.domain import (
    TYPE_ALIASES,
    CompletedPart,
    PartUrl,
    PresignedUrls,
    Purpose,
    Status,
    StoredPart,
    Upload,
    missing_parts,
)

__all__ = [
    "PartUrls",
    "PartUrlsCreate",
    "UploadComplete",
    "UploadCompletion",
    "UploadCreate",
    "UploadDetails",
    "UploadSummary",
    "UploadUrls",
]

_MAX_PARTS = -(-MAX_UPLOAD_BYTES // PART_SIZE)
_URL = "https://storage.example/raw/up_8aB3x9Q2/original?uploadId=4f2a&partNumber={}&X-Amz-Algorithm=AWS4-HMAC-SHA256"
_LARGE: dict[str, JsonValue] = {
    "id": "up_8aB3x9Q2",
    "presigned_url": None,
    "parts": [
        {"part_number": 1, "presigned_url": _URL.format(1), "size_bytes": PART_SIZE},
        {"part_number": 2, "presigned_url": _URL.format(2), "size_bytes": 757_120},
    ],
    "headers": {"Content-Type": "image/jpeg"},
    "part_size": PART_SIZE,
    "urls_expire_at": "2026-11-21T11:00:00Z",
    "expires_at": "2026-11-22T10:00:00Z",
    "region": "local",
}
_SMALL = _LARGE | {"presigned_url": _URL.format(1), "parts": None}
_SUMMARY: dict[str, JsonValue] = {
    "id": "up_8aB3x9Q2",
    "status": "open",
    "filename": "IMG_0042.JPG",
    "content_type": "image/jpeg",
    "purpose": "post",
    "size_bytes": 6_000_000,
    "part_size": PART_SIZE,
    "photo_id": None,
    "created_at": "2026-11-21T10:00:00Z",
    "expires_at": "2026-11-22T10:00:00Z",
    "region": "local",
}
_ETAG = "9b2cf535f27731c974343645a3985328"


class UploadCreate(RequestBody):
    model_config = examples(
        {"filename": "IMG_0042.JPG", "size_bytes": 3_481_203, "content_type": "image/jpeg"},
        {"filename": "IMG_0043.JPG", "size_bytes": 2_100_408, "content_type": "image/jpeg", "purpose": "story"},
    )

    filename: str = Field(
        min_length=1,
        max_length=255,
        description="For display only; no control characters. It does not affect where the photo is stored.",
    )
    size_bytes: int = Field(
        ge=1, strict=True, description="The exact size of the file.", json_schema_extra={"maximum": MAX_UPLOAD_BYTES}
    )
    content_type: str = Field(
        min_length=1,
        max_length=100,
        description="The type of the file. Processing detects the actual type from its bytes.",
        json_schema_extra={"enum": [*ALLOWED_TYPES, *TYPE_ALIASES]},
    )
    purpose: Purpose = Field(
        Purpose.POST,
        description="`post`: the photo is for a post or an avatar. `story`: for a story; its sizes are private, and it "
        "can be in no post and no avatar.",
    )


class PresignedPart(BaseModel):
    part_number: int
    presigned_url: Url
    size_bytes: int = Field(description="The exact length of the PUT; object storage refuses any other.")

    @classmethod
    def of(cls, upload: Upload, part: PartUrl) -> PresignedPart:
        size = upload.part_sizes[part.part_number]
        return cls(part_number=part.part_number, presigned_url=part.url, size_bytes=size)


class UploadUrls(BaseModel):
    """Has `presigned_url` for a file of up to 5 MB, and `parts` for a larger one."""

    model_config = examples(_SMALL, _LARGE)

    id: UploadId
    presigned_url: Url | None = Field(description="PUT the whole file here, if it has up to 5 MB.")
    parts: list[PresignedPart] | None = Field(
        description="PUT each part to its URL, in any order or in parallel, and keep the ETag of each response."
    )
    headers: dict[str, str] = Field(description="Headers of each PUT.")
    part_size: int = Field(description="The size of each part but the last.")
    urls_expire_at: UtcTime = Field(description="When these URLs expire; `POST …/parts` returns new ones.")
    expires_at: UtcTime = Field(description="When the upload expires unless it is completed.")
    region: str = Field(description="The region of the upload; all its requests go there.")

    @classmethod
    def of(cls, urls: PresignedUrls, region: str) -> UploadUrls:
        upload = urls.upload
        whole = not upload.file.in_parts
        return cls(
            id=upload.upload_id,
            presigned_url=urls.parts[0].url if whole else None,
            parts=None if whole else [PresignedPart.of(upload, part) for part in urls.parts],
            headers={"Content-Type": upload.file.content_type},
            part_size=upload.part_size,
            urls_expire_at=urls.expire_at,
            expires_at=upload.expires_at,
            region=region,
        )


class PartUrlsCreate(RequestBody):
    model_config = examples({"part_numbers": [2]})

    part_numbers: list[Annotated[int, Field(strict=True, ge=1)]] = Field(
        min_length=1, max_length=_MAX_PARTS, description="Counting from 1. A file that is not split has one part."
    )


class PartUrls(BaseModel):
    model_config = examples(
        {
            "parts": [{"part_number": 2, "presigned_url": _URL.format(2), "size_bytes": 757_120}],
            "headers": {"Content-Type": "image/jpeg"},
            "urls_expire_at": "2026-11-21T12:30:00Z",
        }
    )

    parts: list[PresignedPart]
    headers: dict[str, str]
    urls_expire_at: UtcTime

    @classmethod
    def of(cls, urls: PresignedUrls) -> PartUrls:
        return cls(
            parts=[PresignedPart.of(urls.upload, part) for part in urls.parts],
            headers={"Content-Type": urls.upload.file.content_type},
            urls_expire_at=urls.expire_at,
        )


class SentPart(RequestBody):
    part_number: int = Field(ge=1, strict=True)
    etag: str = Field(
        min_length=1, max_length=200, description="From the response to the part's PUT, with or without quotes."
    )

    @field_validator("etag")
    @classmethod
    def _unquoted(cls, etag: str) -> str:
        return etag.strip('"')


class UploadComplete(RequestBody):
    model_config = examples({"parts": [{"part_number": 1, "etag": _ETAG}]})

    parts: list[SentPart] | None = Field(
        None, max_length=_MAX_PARTS, description="All parts. May be omitted for a file that is not split."
    )

    def listed(self) -> list[CompletedPart]:
        return [CompletedPart(part.part_number, part.etag) for part in self.parts or ()]


class UploadCompletion(BaseModel):
    model_config = examples({"photo_id": "p_8aB3x9Q5", "status": "processing"})

    photo_id: PhotoId
    status: str = Field(description="The status of the photo; `GET /v1/photos/{photo_id}` shows its further changes.")


class UploadedPart(BaseModel):
    part_number: int
    etag: str | None = Field(description="Null if the parts have been joined.")
    size_bytes: int


class UploadSummary(BaseModel):
    model_config = examples(_SUMMARY)

    id: UploadId
    status: str = Field(description="`open`, `completed`, `aborted` or `expired`.")
    filename: str
    content_type: str
    purpose: str = Field(description="`post` or `story`: what the photo may be used for. More may be added.")
    size_bytes: int
    part_size: int
    photo_id: PhotoId | None = Field(description="The photo, once the upload is completed.")
    created_at: UtcTime
    expires_at: UtcTime
    region: str

    @classmethod
    def of(cls, upload: Upload, region: str) -> UploadSummary:
        return cls(
            id=upload.upload_id,
            status=upload.status,
            filename=upload.file.filename,
            content_type=upload.file.content_type,
            purpose=upload.purpose,
            size_bytes=upload.file.size_bytes,
            part_size=upload.part_size,
            photo_id=upload.photo_id if upload.status is Status.COMPLETED else None,
            created_at=upload.created_at,
            expires_at=upload.expires_at,
            region=region,
        )


class UploadDetails(UploadSummary):
    model_config = examples(
        _SUMMARY
        | {
            "parts": [{"part_number": 1, "etag": _ETAG, "size_bytes": PART_SIZE}],
            "missing_part_numbers": [2],
        }
    )

    parts: list[UploadedPart] = Field(description="The stored parts; empty unless the upload is open.")
    missing_part_numbers: list[int] = Field(description="The parts to send; if empty, complete the upload.")

    @classmethod
    def with_parts(cls, upload: Upload, stored: list[StoredPart], region: str) -> UploadDetails:
        latest = {part.part_number: part for part in stored}
        return cls(
            **UploadSummary.of(upload, region).model_dump(),
            parts=[
                UploadedPart(part_number=part.part_number, etag=part.etag or None, size_bytes=part.size_bytes)
                for part in latest.values()
            ],
            missing_part_numbers=missing_parts(upload, stored) if upload.status is Status.OPEN else [],
        )

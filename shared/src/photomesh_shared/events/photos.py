"""Events of photos, from the completed upload to one terminal state: ready, rejected or failed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, ClassVar

from pydantic import Field, NaiveDatetime, WithJsonSchema

from photomesh_shared import ids
from photomesh_shared.events.envelope import Event, EventModel, UtcTime
from photomesh_shared.ids import PhotoId, UploadId, UserId
from photomesh_shared.personal import ACTIVITY, CONTENT, DEVICE, NOT_PERSONAL

__all__ = [
    "FOR_POSTS",
    "FOR_STORIES",
    "CameraTime",
    "PhotoFailed",
    "PhotoMetadata",
    "PhotoReady",
    "PhotoRejected",
    "PhotoReprocessRequested",
    "PhotoRetentionElapsed",
    "PhotoUploaded",
    "Reason",
    "Variant",
]

_PHOTO, _UPLOAD, _OWNER = 382_764_231_807_565_824, 382_764_210_936_709_120, 382_764_105_932_316_672

FOR_POSTS, FOR_STORIES = "post", "story"
"""Purposes of photos. One for stories is in no post and no avatar, and the other way round."""

CameraTime = Annotated[
    NaiveDatetime,
    WithJsonSchema(
        {
            "type": "string",
            "pattern": r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?$",
            "description": "Local time of the camera's clock; cameras rarely record a time zone.",
        }
    ),
]


class Reason(EventModel):
    """Why a photo or a post failed, for programs and for people."""

    code: Annotated[str, NOT_PERSONAL] = Field(
        description="Kebab case. More may be added: for an unknown code, show the message."
    )
    message: Annotated[str, NOT_PERSONAL] = Field(description="What happened: a sentence for the owner.")
    fix: Annotated[str, NOT_PERSONAL] = Field(description="What the owner can do: a sentence.")
    retryable: Annotated[bool, NOT_PERSONAL] = Field(description="Whether uploading the same photo again may succeed.")


class Variant(EventModel):
    """One size of a photo."""

    size: Annotated[int, NOT_PERSONAL] = Field(
        description="Maximum length of the longer side in pixels: 1080, 640, 320 or 150."
    )
    width: Annotated[int, NOT_PERSONAL]
    height: Annotated[int, NOT_PERSONAL]
    size_bytes: Annotated[int, NOT_PERSONAL]
    content_type: Annotated[str, NOT_PERSONAL]
    key: Annotated[str, CONTENT] = Field(
        description="Object key in the variants bucket; the public URL is the CDN's URL plus this key. Of a photo for "
        "stories: key in the private `bucket`."
    )


class PhotoMetadata(EventModel):
    """Metadata written by the camera, without the location."""

    camera_make: Annotated[str | None, DEVICE] = None
    camera_model: Annotated[str | None, DEVICE] = None
    lens: Annotated[str | None, DEVICE] = None
    taken_at: Annotated[CameraTime | None, ACTIVITY] = None
    focal_length_mm: Annotated[float | None, DEVICE] = None
    aperture: Annotated[float | None, DEVICE] = Field(default=None, description="The f-number.")
    exposure: Annotated[str | None, DEVICE] = Field(
        default=None, description="In seconds, such as 1/250 or 2.5.", examples=["1/250"]
    )
    iso: Annotated[int | None, DEVICE] = None


class _Photo(Event):
    photo_id: PhotoId
    upload_id: UploadId
    owner_id: UserId
    purpose: Annotated[str, NOT_PERSONAL] = Field(
        FOR_POSTS,
        description="What the photo may be used for: `post` (also for avatars) or `story`. More may be added. Events "
        "from before do not have it, and are of photos for posts.",
    )

    def partition_key(self) -> str:
        return ids.encode("u", self.owner_id)

    def subject(self) -> str:
        return ids.encode("p", self.photo_id)


class _RawPhoto(_Photo):
    region: Annotated[str, NOT_PERSONAL] = Field(description="The region whose raw bucket holds the photo.")
    bucket: Annotated[str, NOT_PERSONAL]
    key: Annotated[str, CONTENT] = Field(description="Object key in the raw bucket.")
    etag: Annotated[str, CONTENT] = Field(
        description="The object's ETag when the upload was completed, without quotes."
    )
    size_bytes: Annotated[int, NOT_PERSONAL]
    content_type: Annotated[str, NOT_PERSONAL] = Field(
        description="As declared by the client; `photo_ready` has the detected type."
    )
    filename: Annotated[str, CONTENT]
    uploaded_at: Annotated[UtcTime, ACTIVITY]


def _raw_example() -> dict[str, object]:
    return {
        "photo_id": _PHOTO,
        "upload_id": _UPLOAD,
        "owner_id": _OWNER,
        "region": "local",
        "bucket": "raw",
        "key": "up_SCNIxAhyb2/original",
        "etag": "9b2cf535f27731c974343645a3985328",
        "size_bytes": 3_481_203,
        "content_type": "image/jpeg",
        "filename": "IMG_0042.JPG",
        "uploaded_at": datetime(2026, 11, 21, 10, 10, tzinfo=UTC),
    }


class PhotoUploaded(_RawPhoto):
    """An upload was completed. The photo's first event: `entityversion` is 1."""

    type_: ClassVar[str] = "photomesh.photo.uploaded.v1"
    topic: ClassVar[str] = "photos_uploaded"

    @classmethod
    def example(cls) -> PhotoUploaded:
        return cls.model_validate(_raw_example())


class PhotoReprocessRequested(_RawPhoto):
    """An operator requested that a photo be reprocessed."""

    type_: ClassVar[str] = "photomesh.photo.reprocess-requested.v1"
    topic: ClassVar[str] = "photos_reprocess"

    requested_at: Annotated[UtcTime, NOT_PERSONAL]

    @classmethod
    def example(cls) -> PhotoReprocessRequested:
        return cls.model_validate(_raw_example() | {"requested_at": datetime(2026, 12, 1, 4, 0, tzinfo=UTC)})


class PhotoReady(_Photo):
    """All sizes of a photo are stored: public ones, unless the photo is for stories. No field contains the location."""

    type_: ClassVar[str] = "photomesh.photo.ready.v1"
    topic: ClassVar[str] = "photo_ready"

    content_type: Annotated[str, NOT_PERSONAL] = Field(description="Type of the raw photo, detected from its bytes.")
    width: Annotated[int, NOT_PERSONAL] = Field(description="Of the upright photo, in pixels.")
    height: Annotated[int, NOT_PERSONAL] = Field(description="Of the upright photo, in pixels.")
    size_bytes: Annotated[int, NOT_PERSONAL] = Field(description="Of the raw photo.")
    sha256: Annotated[str, CONTENT] = Field(description="Of the raw photo, in hex.", pattern="^[0-9a-f]{64}$")
    phash: Annotated[str, CONTENT] = Field(
        description="64-bit perceptual hash of the upright photo, in hex.", pattern="^[0-9a-f]{16}$"
    )
    placeholder: Annotated[str, CONTENT] = Field(description="A ThumbHash, in base64.")
    variants: tuple[Variant, ...] = Field(description="From the largest to the smallest; photos are never enlarged.")
    bucket: Annotated[str | None, NOT_PERSONAL] = Field(
        None,
        description="The private bucket with the sizes of a photo for stories: nobody gets them without a signed URL. "
        "Null: they are public.",
    )
    metadata: PhotoMetadata
    processed_at: Annotated[UtcTime, NOT_PERSONAL]

    @classmethod
    def example(cls) -> PhotoReady:
        return cls(
            photo_id=_PHOTO,
            upload_id=_UPLOAD,
            owner_id=_OWNER,
            content_type="image/jpeg",
            width=4032,
            height=3024,
            size_bytes=3_481_203,
            sha256="9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            phash="c3d1e0f09a8b5c27",
            placeholder="3OcRJYB4d3h/iIeHeEh3eIhw+j2w",
            variants=(
                _variant(1080, 1080, 810, 182_110),
                _variant(640, 640, 480, 71_020),
                _variant(320, 320, 240, 21_480),
                _variant(150, 150, 113, 6_204),
            ),
            metadata=PhotoMetadata(
                camera_make="Canon",
                camera_model="EOS R6",
                lens="RF24-105mm F4 L IS USM",
                taken_at=datetime(2026, 11, 20, 17, 3, 5),  # noqa: DTZ001 - the camera's own clock
                focal_length_mm=35.0,
                aperture=4.0,
                exposure="1/250",
                iso=400,
            ),
            processed_at=datetime(2026, 11, 21, 10, 10, 1, 250_000, tzinfo=UTC),
        )


def _variant(size: int, width: int, height: int, size_bytes: int) -> Variant:
    return Variant(
        size=size,
        width=width,
        height=height,
        size_bytes=size_bytes,
        content_type="image/jpeg",
        key=f"{ids.encode('p', _PHOTO)}/Zk3vQ0m1fR7eT2yU/{size}.jpg",
    )


class PhotoRejected(_Photo):
    """The photo was rejected because of its content: damaged, too large, or not a photo."""

    type_: ClassVar[str] = "photomesh.photo.rejected.v1"
    topic: ClassVar[str] = "photo_rejected"

    reason: Reason
    rejected_at: Annotated[UtcTime, NOT_PERSONAL]

    @classmethod
    def example(cls) -> PhotoRejected:
        return cls(
            photo_id=_PHOTO,
            upload_id=_UPLOAD,
            owner_id=_OWNER,
            reason=Reason(
                code="truncated",
                message="The photo is incomplete: its data ends too early.",
                fix="Export the photo again and upload the new file.",
                retryable=False,
            ),
            rejected_at=datetime(2026, 11, 21, 10, 10, 1, tzinfo=UTC),
        )


class PhotoFailed(_Photo):
    """The photo could not be processed, and there are no retries left."""

    type_: ClassVar[str] = "photomesh.photo.failed.v1"
    topic: ClassVar[str] = "photo_failed"

    reason: Reason
    failed_at: Annotated[UtcTime, NOT_PERSONAL]

    @classmethod
    def example(cls) -> PhotoFailed:
        return cls(
            photo_id=_PHOTO,
            upload_id=_UPLOAD,
            owner_id=_OWNER,
            reason=Reason(
                code="internal",
                message="Something went wrong on our side while processing the photo.",
                fix="Upload the photo again.",
                retryable=True,
            ),
            failed_at=datetime(2026, 11, 21, 10, 12, tzinfo=UTC),
        )


class PhotoRetentionElapsed(_Photo):
    """A photo's upload was completed so long ago that it is to be erased, unless a post uses it. Each stage is a
    separate entity, so `entityversion` is 1."""

    type_: ClassVar[str] = "photomesh.photo.retention-elapsed.v1"
    topic: ClassVar[str] = "photos_uploaded"

    stage: Annotated[str, NOT_PERSONAL] = Field(
        description="`unusable`: only photos that were rejected or failed are to be erased; `unused`: all that no post "
        "uses. More may be added."
    )
    uploaded_at: Annotated[UtcTime, ACTIVITY]

    def subject(self) -> str:
        return f"{super().subject()}.retention.{self.stage}"

    @classmethod
    def example(cls) -> PhotoRetentionElapsed:
        uploaded_at = datetime(2026, 10, 22, 10, 10, tzinfo=UTC)
        return cls(photo_id=_PHOTO, upload_id=_UPLOAD, owner_id=_OWNER, stage="unused", uploaded_at=uploaded_at)

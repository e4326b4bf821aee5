"""Types, limits, rejection reasons and results of the pipeline. Pure."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from photomesh_shared.limits import (
    MAX_DIMENSION,
    MAX_PIXELS,
    MAX_PIXELS_PROGRESSIVE,
    MAX_UPLOAD_BYTES,
    VARIANT_SIZES,
)

__all__ = [
    "MAX_DIMENSION",
    "MAX_PIXELS",
    "MAX_PIXELS_PROGRESSIVE",
    "MAX_UPLOAD_BYTES",
    "PIPELINE_VERSION",
    "REASONS",
    "VARIANT_SIZES",
    "Camera",
    "EncodedVariant",
    "PhotoType",
    "Processed",
    "Reason",
    "Rejected",
    "Rejection",
    "fit",
    "variant_token",
]

PIPELINE_VERSION = 2
"""Increases when variants change: the new ones get new names, because the old ones are cached for ever."""


class PhotoType(StrEnum):
    """The accepted types, as sniffed from the bytes."""

    JPEG = "image/jpeg"
    PNG = "image/png"
    WEBP = "image/webp"
    AVIF = "image/avif"
    HEIC = "image/heic"

    @property
    def disposable(self) -> bool:
        """Whether a photo of this type gets a decoder process of its own.

        AVIF and HEIC decoders have the largest attack surface and the most memory errors in their history.
        """
        return self in (PhotoType.AVIF, PhotoType.HEIC)


@dataclass(frozen=True)
class Reason:
    """Why a photo was rejected or failed. `retryable`: the same file may succeed if uploaded again."""

    code: str
    message: str
    fix: str
    retryable: bool = False


_EXPORT_AGAIN = "Export the photo again, or take the original file, and upload that."

REASONS: Mapping[str, Reason] = MappingProxyType(
    {
        reason.code: reason
        for reason in (
            Reason("empty", "The file has no bytes.", "Choose the photo again and upload it.", retryable=True),
            Reason(
                "unsupported-type",
                "The file is not a JPEG, PNG, WebP, AVIF or HEIC photo, whatever its name says.",
                "Save the photo as a JPEG and upload that.",
            ),
            Reason(
                "too-large",
                f"The file is larger than {MAX_UPLOAD_BYTES // 1_000_000} MB.",
                "Save the photo in a smaller size or at a lower quality.",
            ),
            Reason(
                "too-many-pixels",
                f"The photo has more pixels than we take: {MAX_PIXELS // 1_000_000} megapixels, or "
                f"{MAX_PIXELS_PROGRESSIVE // 1_000_000} if it must be decoded whole (WebP, AVIF, HEIC, progressive "
                f"JPEG, interlaced PNG), and {MAX_DIMENSION:,} along a side.",
                "Make the photo smaller before you upload it.",
            ),
            Reason("truncated", "The photo is incomplete: its data ends too early.", _EXPORT_AGAIN),
            Reason("corrupt", "The photo is damaged and cannot be decoded.", _EXPORT_AGAIN),
            Reason(
                "animated",
                "The file is an animation, and only still photos are taken.",
                "Save one picture of it as a JPEG or PNG and upload that.",
            ),
            Reason(
                "too-complex",
                "Decoding the photo takes more time or memory than any ordinary photo does.",
                "Save the photo as an ordinary JPEG and upload that.",
            ),
            Reason(
                "over-budget",
                "Your photos of the last day took more time to process than we give to one account.",
                "Upload the photo again tomorrow, or save it as an ordinary JPEG first.",
                retryable=True,
            ),
            Reason(
                "missing",
                "The uploaded file is no longer there.",
                "Upload the photo again.",
                retryable=True,
            ),
            Reason(
                "replaced",
                "The file was replaced after its upload was completed.",
                "Upload the photo again.",
                retryable=True,
            ),
            Reason(
                "internal",
                "Something went wrong on our side while processing the photo.",
                "Upload the photo again.",
                retryable=True,
            ),
        )
    }
)
"""All reasons. `internal` belongs to `photo_failed`, all others to `photo_rejected`."""


class Rejection(Exception):
    """The photo cannot be accepted. `detail` is for logs only."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(code, detail)
        self.reason = REASONS[code]
        self.detail = detail


@dataclass(frozen=True)
class Camera:
    """Public camera metadata: no location and no serial numbers."""

    make: str | None = None
    model: str | None = None
    lens: str | None = None
    taken_at: str | None = None
    """ISO 8601 without a time zone, by the camera's clock."""
    focal_length_mm: float | None = None
    aperture: float | None = None
    exposure: str | None = None
    """In seconds: 1/250 or 2.5."""
    iso: int | None = None


@dataclass(frozen=True)
class EncodedVariant:
    """One public size, as a JPEG."""

    size: int
    width: int
    height: int
    jpeg: bytes


@dataclass(frozen=True)
class Processed:
    """A processed photo. `width` and `height` are those of the upright original."""

    type: PhotoType
    width: int
    height: int
    size_bytes: int
    sha256: str
    phash: str
    placeholder: str
    variants: tuple[EncodedVariant, ...]
    camera: Camera
    private: dict[str, object]
    """All EXIF data, with the location: JSON, for the owner only."""
    seconds: Mapping[str, float]
    """Duration of each stage."""
    decoder_seconds: float = 0.0
    """How long it kept a decoder busy."""


@dataclass(frozen=True)
class Rejected:
    """A rejected photo."""

    reason: Reason
    detail: str = ""
    type: PhotoType | None = None
    decoder_seconds: float = 0.0
    """How long it kept a decoder busy."""


def fit(width: int, height: int, size: int) -> tuple[int, int]:
    """Returns the dimensions that fit a square of `size`; never larger than the picture, at least 1."""
    longer = max(width, height)
    if longer <= size:
        return width, height
    return max(1, round(width * size / longer)), max(1, round(height * size / longer))


def variant_token(secret: str, photo_id: int) -> str:
    """Returns the unguessable part of an object key; the same each time this pipeline version processes the photo."""
    message = f"variants:{PIPELINE_VERSION}:{photo_id}".encode()
    digest = hmac.digest(secret.encode(), message, hashlib.sha256)
    return base64.urlsafe_b64encode(digest[:15]).decode()

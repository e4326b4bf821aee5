"""Reads what a decoding process answered, and believes none of it unseen: a photo may have taken the process over.

What passes is of the right kind, length and number. That the pictures are those of the photo, nobody can check.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, StringConstraints, ValidationError

from photomesh_media_worker.domain import (
    MAX_DIMENSION,
    MAX_UPLOAD_BYTES,
    REASONS,
    VARIANT_SIZES,
    Camera,
    EncodedVariant,
    PhotoType,
    Processed,
    Rejected,
)

__all__ = ["MAX_HEADER_BYTES", "MAX_PICTURE_BYTES", "Failed", "Implausible", "decode_outcome"]

MAX_HEADER_BYTES = 4 * 1024 * 1024
MAX_PICTURE_BYTES = 4 * 3 * VARIANT_SIZES[0] ** 2
"""Together; a JPEG is never larger than its pixels."""


class Implausible(Exception):
    """The answer is none that the pipeline gives."""


class Failed(Exception):
    """The pipeline raised an exception, whose traceback this is."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


_Side = Annotated[int, Field(ge=1, le=MAX_DIMENSION)]
_Text = Annotated[str, StringConstraints(max_length=100)]
_Stage = Annotated[str, StringConstraints(pattern="^(header|decode|variants|hashes|metadata)$")]
_Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


def _time(text: str) -> str:
    if datetime.fromisoformat(text).isoformat() != text:
        raise ValueError("a time in another form")
    return text


class _Camera(_Model):
    make: _Text | None
    model: _Text | None
    lens: _Text | None
    taken_at: Annotated[str, StringConstraints(max_length=19), AfterValidator(_time)] | None
    focal_length_mm: _Positive | None
    aperture: _Positive | None
    exposure: Annotated[str, StringConstraints(pattern=r"^[0-9./]{1,16}$")] | None
    iso: Annotated[int, Field(gt=0)] | None


class _Variant(_Model):
    size: int
    width: _Side
    height: _Side
    bytes: Annotated[int, Field(gt=0, le=MAX_PICTURE_BYTES)]


class _Ready(_Model):
    type: PhotoType
    width: _Side
    height: _Side
    size_bytes: Annotated[int, Field(gt=0, le=MAX_UPLOAD_BYTES)]
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    phash: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")]
    placeholder: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9+/]{20,60}={0,2}$")]
    private: dict[_Text, JsonValue]
    seconds: dict[_Stage, Annotated[float, Field(ge=0, le=3600)]]
    camera: _Camera
    variants: Annotated[list[_Variant], Field(min_length=len(VARIANT_SIZES), max_length=len(VARIANT_SIZES))]


class _Rejected(_Model):
    code: str
    detail: Annotated[str, StringConstraints(max_length=200)]
    type: PhotoType | None


class _Answer(_Model):
    ready: _Ready | None = None
    rejected: _Rejected | None = None
    failed: Annotated[str, StringConstraints(max_length=2000)] | None = None


def decode_outcome(header: bytes, pictures: bytes) -> Processed | Rejected:
    """Raises Implausible, or Failed."""
    try:
        values = json.loads(header, parse_constant=_no_constant)
        json.dumps(values, ensure_ascii=False).encode()  # halves of surrogates would fail when they are stored
        answer = _Answer.model_validate(values)
    except (ValidationError, ValueError, RecursionError) as error:
        raise Implausible(str(error)[:500]) from error
    if answer.failed is not None:
        raise Failed(answer.failed)
    if answer.rejected is not None:
        return _rejected(answer.rejected, pictures)
    if answer.ready is not None:
        return _processed(answer.ready, pictures)
    raise Implausible("neither ready nor rejected")


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _rejected(answer: _Rejected, pictures: bytes) -> Rejected:
    reason = REASONS.get(answer.code)
    if reason is None or pictures:
        raise Implausible(f"rejected for {answer.code}, with {len(pictures)} bytes")
    return Rejected(reason, answer.detail, answer.type)


def _processed(answer: _Ready, pictures: bytes) -> Processed:
    variants: list[EncodedVariant] = []
    at = 0
    for size, variant in zip(VARIANT_SIZES, answer.variants, strict=True):
        jpeg = pictures[at : at + variant.bytes]
        at += variant.bytes
        if variant.size != size or max(variant.width, variant.height) > size or not jpeg.startswith(b"\xff\xd8\xff"):
            raise Implausible(f"no picture of size {size}")
        variants.append(EncodedVariant(size, variant.width, variant.height, jpeg))
    if at != len(pictures):
        raise Implausible("pictures of another length")
    return Processed(
        type=answer.type,
        width=answer.width,
        height=answer.height,
        size_bytes=answer.size_bytes,
        sha256=answer.sha256,
        phash=answer.phash,
        placeholder=answer.placeholder,
        variants=tuple(variants),
        camera=Camera(**answer.camera.model_dump()),
        private={**answer.private},
        seconds=answer.seconds,
    )

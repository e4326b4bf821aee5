"""What a header parser finds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from photomesh_media_worker.colour import ColourSpace

__all__ = ["Header", "HeaderParser", "Rectangle"]


@dataclass(frozen=True)
class Rectangle:
    """Pixels, from the top left."""

    left: int
    top: int
    width: int
    height: int


@dataclass(frozen=True)
class Header:
    """`width` and `height` are as stored, before any rotation or cropping."""

    width: int
    height: int
    whole: bool
    """The decoder has to hold the whole picture: progressive, interlaced, or a format without lines."""
    exif: bytes | None = None
    """Without the `Exif` prefix; None also where only the decoder finds it (WebP)."""
    icc: bytes | None = None
    """Only where the parser reads it (JPEG); the other decoders return it themselves."""
    colour: ColourSpace | None = None
    """What the container states beside or instead of an ICC profile, unless the profile takes precedence."""
    colour_channels: int = 3
    terminated: bool = True
    """Whether the end marker is there (JPEG, PNG)."""
    clean_aperture: Rectangle | None = None
    """What the owner left of the picture when cropping (AVIF; the decoder of HEIC applies it by itself)."""
    exif_type_at: int | None = None
    """Where the type of the EXIF item is written (AVIF, HEIC)."""


HeaderParser = Callable[[bytes], Header]

"""What a header parser finds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Header", "HeaderParser"]


@dataclass(frozen=True)
class Header:
    """`width` and `height` are as stored, before any rotation."""

    width: int
    height: int
    whole: bool
    """The decoder has to hold the whole picture: progressive, interlaced, or a format without lines."""
    exif: bytes | None = None
    """Only where the parser meets it anyway (JPEG); the other decoders hand it out themselves."""
    icc: bytes | None = None
    primaries: int | None = None
    """Colour primaries by their number in ITU-T H.273, where the container states them (AVIF, HEIC)."""
    colour_channels: int = 3


HeaderParser = Callable[[bytes], Header]

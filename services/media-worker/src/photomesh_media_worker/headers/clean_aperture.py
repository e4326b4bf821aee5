"""The clean aperture: the part of a picture that its owner left when cropping (ISO/IEC 14496-12, 12.1.4)."""

from __future__ import annotations

import math
from fractions import Fraction

from photomesh_media_worker.domain import Rejection
from photomesh_media_worker.headers.boxes import Cursor
from photomesh_media_worker.headers.header import Rectangle

__all__ = ["clean_aperture"]


def clean_aperture(cursor: Cursor, width: int, height: int) -> Rectangle:
    """Reads the content of a box `clap` of a picture of this size, in whole pixels.

    What lies outside the picture is left out, as libheif does. Raises Rejection `corrupt` if nothing remains, or the
    numbers are none: what was cropped away must not be published for want of an understanding.
    """
    horizontal, vertical, x, y = (_fraction(cursor, signed=number >= 2) for number in range(4))
    left, right = _span(horizontal, x, width)
    top, bottom = _span(vertical, y, height)
    if left >= right or top >= bottom:
        raise Rejection("corrupt", "a clean aperture outside the picture")
    return Rectangle(left, top, right - left, bottom - top)


def _fraction(cursor: Cursor, *, signed: bool) -> Fraction:
    numerator, denominator = int.from_bytes(cursor.take(4), signed=signed), cursor.number(4)
    if not denominator:
        raise Rejection("corrupt", "a clean aperture without a denominator")
    return Fraction(numerator, denominator)


def _span(size: Fraction, offset: Fraction, full: int) -> tuple[int, int]:
    """The first pixel that lies inside as a whole, and the one behind the last. `offset` is that of the centres."""
    centre = offset + Fraction(full - 1, 2)
    first, last = math.ceil(centre - (size - 1) / 2), math.floor(centre + (size - 1) / 2)
    return max(0, first), min(full, last + 1)

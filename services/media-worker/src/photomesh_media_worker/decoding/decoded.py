"""What a decoder returns, and what the decoders share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from photomesh_media_worker import raster
from photomesh_media_worker.colour import ADOBE_RGB, SRGB, icc_profile
from photomesh_media_worker.domain import Rejection
from photomesh_media_worker.headers import Header
from photomesh_media_worker.metadata.exif import Exif, is_adobe_rgb, orientation
from photomesh_media_worker.raster import Raster

__all__ = ["Decoded", "check_size", "decoder_errors", "scaled", "with_stated_colour"]


@dataclass(frozen=True)
class Decoded:
    """A decoded picture; its colour, unless that is sRGB, is an ICC profile attached to it.

    `image` may still be lazy: damage shows when it is settled. `width` and `height` are those of the original, before
    `orientation` (as EXIF numbers it, 1–8) is applied.
    """

    image: Raster
    width: int
    height: int
    orientation: int
    exif: Exif


def scaled(image: Raster, header: Header, exif: Exif) -> Decoded:
    """For decoders that scale while decoding: the header has the original's size."""
    size = header.width, header.height
    return Decoded(with_stated_colour(image, header, exif), *size, orientation(exif, size), exif)


def with_stated_colour(image: Raster, header: Header, exif: Exif) -> Raster:
    """Attaches the profile of what the header, or else the camera, states in numbers.

    A profile in the file takes precedence over the camera's word, and has had its say where the header states nothing.
    """
    space = header.colour
    if space is None and is_adobe_rgb(exif) and not raster.has_profile(image):
        space = ADOBE_RGB
    if space is None or image.interpretation == "cmyk":
        return image
    return raster.with_profile(image, None if space == SRGB else icc_profile(space, grey=image.bands < 3))


def check_size(size: tuple[int, int], header: Header) -> None:
    """Raises Rejection `corrupt` if the decoder found more pixels than the header that was checked."""
    if size[0] * size[1] > header.width * header.height:
        raise Rejection("corrupt", "larger than the header says")


@contextmanager
def decoder_errors() -> Iterator[None]:
    """Maps what Pillow and pillow-heif raise on a bad file to Rejection."""
    try:
        yield
    except (ValueError, SyntaxError, EOFError, RuntimeError, OSError, LookupError, TypeError) as error:
        code = "too-complex" if "Memory allocation" in str(error) else "corrupt"
        raise Rejection(code, str(error)) from error

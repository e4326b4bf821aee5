"""What a decoder returns, and what the decoders share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from photomesh_media_worker import raster
from photomesh_media_worker.domain import Rejection
from photomesh_media_worker.headers import Header
from photomesh_media_worker.metadata.exif import orientation_of
from photomesh_media_worker.raster import Raster

__all__ = ["Decoded", "check_size", "decoder_errors", "with_header_size", "with_own_size"]


@dataclass(frozen=True)
class Decoded:
    """A decoded picture. `image` may still be lazy: damage shows when it is settled. `width` and `height` are those of
    the original, before `orientation` (EXIF, 1–8) is applied."""

    image: Raster
    width: int
    height: int
    orientation: int
    exif: bytes | None


def with_header_size(image: Raster, header: Header, exif: bytes | None) -> Decoded:
    """For decoders that scale while decoding: the header has the original's size."""
    orientation = orientation_of(exif, stored=(header.width, header.height))
    return Decoded(image, header.width, header.height, orientation, exif)


def with_own_size(array: raster.Pixels, icc: bytes | None, orientation: int, exif: bytes | None) -> Decoded:
    """For decoders that return all pixels."""
    array = array if array.ndim == 3 else array[:, :, np.newaxis]
    return Decoded(raster.from_pixels(array, icc=icc), array.shape[1], array.shape[0], orientation, exif)


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

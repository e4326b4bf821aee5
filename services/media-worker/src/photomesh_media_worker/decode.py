"""One strict decode per photo, at the smallest scale that serves the largest size.

JPEG   libjpeg-turbo by `simplejpeg`, scaled while decoding; libvips for CMYK
PNG    libvips, line by line
WebP   libvips, scaled while decoding
AVIF   libavif and dav1d, by Pillow (2.3 times as fast as libvips' libaom)
HEIC   libheif and libde265, by pillow-heif
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import pillow_heif
import simplejpeg
from PIL import AvifImagePlugin, Image

from photomesh_media_worker import heif_limits, raster
from photomesh_media_worker.domain import MAX_PIXELS_PROGRESSIVE, PhotoType, Rejection
from photomesh_media_worker.exif import orientation_of
from photomesh_media_worker.headers import Header
from photomesh_media_worker.raster import Raster

__all__ = ["Decoded", "decode"]

_MARGIN = 1.25
"""How much larger than the wanted size a scaled decode stays, so that the last step is a good resampling filter.
Measured on camera photos: 50 dB or more to the picture from a full decode; without the margin 45 dB."""

Image.MAX_IMAGE_PIXELS = None  # the header has been checked already
AvifImagePlugin.DEFAULT_MAX_THREADS = 1
pillow_heif.options.DECODE_THREADS = 1
pillow_heif.options.THUMBNAILS = False
pillow_heif.options.DEPTH_IMAGES = False
pillow_heif.options.AUX_IMAGES = False
heif_limits.lower(max_pixels=MAX_PIXELS_PROGRESSIVE * 9 // 8)  # codecs pad pictures to whole blocks


@dataclass(frozen=True)
class Decoded:
    """`image` may still be lazy: damage shows when it is settled. `width` and `height` are those of the original,
    before `orientation` turns it."""

    image: Raster
    width: int
    height: int
    orientation: int
    exif: bytes | None


def decode(kind: PhotoType, data: bytes, header: Header, *, size: int) -> Decoded:
    """The picture, at least `_MARGIN` × `size` along its longer side if the original is. Raises Rejection."""
    return _DECODERS[kind](data, header, _reduction(header, size))


def _reduction(header: Header, size: int) -> int:
    """1, 2, 4 or 8: the powers of two are those for which decoders have fast kernels."""
    ratio = max(header.width, header.height) / (size * _MARGIN)
    return next((by for by in (8, 4, 2) if ratio >= by), 1)


def _jpeg(data: bytes, header: Header, reduction: int) -> Decoded:
    if header.colour_channels == 4:
        return _with_header_size(raster.load_jpeg(data, shrink=reduction), header, header.exif)
    try:
        image = raster.from_pixels(_decode_jpeg(data, header, reduction), icc=header.icc)
    except ValueError as error:
        message = str(error)
        if not _TOLERABLE.search(message):
            codes = {"Premature end": "truncated", "Insufficient memory": "too-complex"}
            code = next((code for start, code in codes.items() if message.startswith(start)), "corrupt")
            raise Rejection(code, message) from error
        image = raster.load_jpeg(data, shrink=reduction)
    return _with_header_size(image, header, header.exif)


_TOLERABLE = re.compile(
    "Unknown Adobe color transform|unknown JFIF revision|Invalid SOS parameters for sequential|extraneous bytes"
    "|Could not determine subsampling"
)
"""What libjpeg-turbo warns of, or simplejpeg cannot do, and yet is a whole photo. Only the first warning is told, and
behind it the file may still be cut: libvips decodes such files, which takes them but not cut ones."""


def _decode_jpeg(data: bytes, header: Header, reduction: int) -> raster.Pixels:
    array: raster.Pixels = simplejpeg.decode_jpeg(
        data,
        colorspace="GRAY" if header.colour_channels == 1 else "RGB",
        min_width=header.width // reduction,
        min_height=header.height // reduction,
        strict=True,
    )
    return array


def _png(data: bytes, header: Header, reduction: int) -> Decoded:
    image = raster.load_png(data)
    return _with_header_size(image, header, raster.exif_data(image))


def _webp(data: bytes, header: Header, reduction: int) -> Decoded:
    image = raster.load_webp(data, scale=1 / reduction)
    return _with_header_size(image, header, raster.exif_data(image))


def _avif(data: bytes, header: Header, reduction: int) -> Decoded:
    with _decoder_faults(), AvifImagePlugin.AvifImageFile(io.BytesIO(data)) as picture:
        if picture.n_frames > 1:
            raise Rejection("animated")
        _check_size(picture.size, header)
        exif = picture.info.get("exif")
        icc = picture.info.get("icc_profile")
        # The decoder behind Pillow's picture: a Pillow image and an array of it would be two more copies of all pixels.
        frame, *_ = picture._decoder.get_frame(0)
        array = np.frombuffer(frame, np.uint8).reshape(picture.height, picture.width, len(picture.mode))
    # libavif turns nothing; Pillow states the container's own rotation, which overrules the camera's, as orientation.
    return _with_own_size(array, icc, orientation_of(exif), exif)


def _heic(data: bytes, header: Header, reduction: int) -> Decoded:
    with _decoder_faults():
        picture = pillow_heif.open_heif(data, convert_hdr_to_8bit=True)
        _check_size(picture.size, header)
        exif = picture.info.get("exif")
        icc = picture.info.get("icc_profile")
        array = np.asarray(picture)
    # libheif has turned the picture as the container says; the camera's orientation must not turn it again.
    return _with_own_size(array, icc, 1, exif)


@contextmanager
def _decoder_faults() -> Iterator[None]:
    try:
        yield
    except (ValueError, SyntaxError, EOFError, RuntimeError, OSError, LookupError, TypeError) as error:
        code = "too-complex" if "Memory allocation" in str(error) else "corrupt"
        raise Rejection(code, str(error)) from error


def _check_size(size: tuple[int, int], header: Header) -> None:
    if size[0] * size[1] > header.width * header.height:
        raise Rejection("corrupt", "larger than the header says")


def _with_header_size(image: Raster, header: Header, exif: bytes | None) -> Decoded:
    orientation = orientation_of(exif, stored=(header.width, header.height))
    return Decoded(image, header.width, header.height, orientation, exif)


def _with_own_size(array: raster.Pixels, icc: bytes | None, orientation: int, exif: bytes | None) -> Decoded:
    array = array if array.ndim == 3 else array[:, :, np.newaxis]
    return Decoded(raster.from_pixels(array, icc=icc), array.shape[1], array.shape[0], orientation, exif)


_DECODERS: dict[PhotoType, Callable[[bytes, Header, int], Decoded]] = {
    PhotoType.JPEG: _jpeg,
    PhotoType.PNG: _png,
    PhotoType.WEBP: _webp,
    PhotoType.AVIF: _avif,
    PhotoType.HEIC: _heic,
}

"""JPEG: libjpeg-turbo by simplejpeg, scaled while decoding; libvips for CMYK and for what libjpeg warns of.

Every warning of libjpeg counts as damage, except those that concern no pixel. Of several it reports only the first, so
a picture with such a warning is looked at more closely: see `headers.jpeg_scans`.
"""

from __future__ import annotations

import re

import simplejpeg

from photomesh_media_worker import raster
from photomesh_media_worker.decoding.decoded import Decoded, scaled
from photomesh_media_worker.domain import Rejection
from photomesh_media_worker.headers import Header, check_scans, padded
from photomesh_media_worker.metadata.exif import read_exif
from photomesh_media_worker.raster import Raster

__all__ = ["decode_jpeg"]

_END = b"\xff\xd9"
_HARMLESS = re.compile(
    "Unknown Adobe color transform|unknown JFIF revision|Invalid SOS parameters for sequential|extraneous bytes"
    "|Could not determine subsampling"
)
"""Warnings that concern no pixel, and the one thing that simplejpeg cannot do."""


def decode_jpeg(data: bytes, header: Header, reduction: int) -> Decoded:
    """Raises Rejection."""
    if not header.terminated:
        data += _END
        check_scans(data)
    try:
        image = _cmyk(data, reduction) if header.colour_channels == 4 else _strictly(data, header, reduction)
    except Rejection as rejection:
        if not _HARMLESS.search(rejection.detail):
            raise
        check_scans(data)
        image = _whole(raster.load_jpeg(data, shrink=reduction), data, reduction)
    return scaled(image, header, read_exif(header.exif))


def _strictly(data: bytes, header: Header, reduction: int) -> Raster:
    """Raises Rejection for any warning."""
    try:
        pixels: raster.Pixels = simplejpeg.decode_jpeg(
            data,
            colorspace="GRAY" if header.colour_channels == 1 else "RGB",
            min_width=header.width // reduction,
            min_height=header.height // reduction,
            strict=True,
        )
    except ValueError as error:
        message = str(error)
        codes = {"Premature end": "truncated", "Insufficient memory": "too-complex"}
        code = next((code for start, code in codes.items() if message.startswith(start)), "corrupt")
        raise Rejection(code, message) from error
    return raster.from_pixels(pixels, icc=header.icc)


def _cmyk(data: bytes, reduction: int) -> Raster:
    """libvips' strictness ends before the last lines."""
    return _whole(raster.load_jpeg(data, shrink=reduction, strict=True), data, reduction)


def _whole(image: Raster, data: bytes, reduction: int) -> Raster:
    """Settles a picture. Raises Rejection if it needs more data than there is."""
    image = raster.settle(image)
    if not raster.equal(image, raster.settle(raster.load_jpeg(padded(data), shrink=reduction))):
        raise Rejection("corrupt", "picture data is missing")
    return image

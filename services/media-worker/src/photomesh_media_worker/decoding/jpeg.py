"""JPEG: libjpeg-turbo by simplejpeg, scaled while decoding; libvips for CMYK and for what simplejpeg refuses."""

from __future__ import annotations

import re

import simplejpeg

from photomesh_media_worker import raster
from photomesh_media_worker.decoding.decoded import Decoded, with_header_size
from photomesh_media_worker.domain import Rejection
from photomesh_media_worker.headers import Header

__all__ = ["decode_jpeg"]

_TOLERABLE = re.compile(
    "Unknown Adobe color transform|unknown JFIF revision|Invalid SOS parameters for sequential|extraneous bytes"
    "|Could not determine subsampling"
)
"""Warnings of libjpeg-turbo, and an inability of simplejpeg, that concern no pixel. Only the first warning is reported,
and behind it the file may still be cut: libvips decodes such files, which accepts them but not cut ones."""


def decode_jpeg(data: bytes, header: Header, reduction: int) -> Decoded:
    """Raises Rejection."""
    if header.colour_channels == 4:
        return with_header_size(raster.load_jpeg(data, shrink=reduction), header, header.exif)
    try:
        image = raster.from_pixels(_decode(data, header, reduction), icc=header.icc)
    except ValueError as error:
        message = str(error)
        if not _TOLERABLE.search(message):
            codes = {"Premature end": "truncated", "Insufficient memory": "too-complex"}
            code = next((code for start, code in codes.items() if message.startswith(start)), "corrupt")
            raise Rejection(code, message) from error
        image = raster.load_jpeg(data, shrink=reduction)
    return with_header_size(image, header, header.exif)


def _decode(data: bytes, header: Header, reduction: int) -> raster.Pixels:
    array: raster.Pixels = simplejpeg.decode_jpeg(
        data,
        colorspace="GRAY" if header.colour_channels == 1 else "RGB",
        min_width=header.width // reduction,
        min_height=header.height // reduction,
        strict=True,
    )
    return array

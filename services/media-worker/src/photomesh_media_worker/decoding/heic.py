"""HEIC: libheif and libde265, by pillow-heif."""

from __future__ import annotations

import numpy as np
import pillow_heif

from photomesh_media_worker import raster
from photomesh_media_worker.decoding import heif_limits
from photomesh_media_worker.decoding.decoded import Decoded, check_size, decoder_errors, with_stated_colour
from photomesh_media_worker.domain import MAX_PIXELS_PROGRESSIVE, Rejection
from photomesh_media_worker.headers import Header
from photomesh_media_worker.metadata.exif import read_exif

__all__ = ["decode_heic"]

pillow_heif.options.DECODE_THREADS = 1
pillow_heif.options.THUMBNAILS = False
pillow_heif.options.DEPTH_IMAGES = False
pillow_heif.options.AUX_IMAGES = False
heif_limits.lower(max_pixels=MAX_PIXELS_PROGRESSIVE * 9 // 8)  # codecs pad pictures to whole blocks

_MODES = {"L", "I;16", "RGB", "RGBA", "RGBa"}
"""Greyscale of more than 8 bits stays 16-bit whatever is asked for; `a` is alpha with which colours are multiplied."""


def decode_heic(data: bytes, header: Header, reduction: int) -> Decoded:
    """Raises Rejection."""
    with decoder_errors():
        picture = pillow_heif.open_heif(data, convert_hdr_to_8bit=True)
        check_size(picture.size, header)
        if picture.mode not in _MODES:
            raise Rejection("unsupported-type", f"HEIC of mode {picture.mode}")
        icc = picture.info.get("icc_profile")
        array = np.asarray(picture)
    exif = read_exif(header.exif)
    image = raster.from_pixels(array, icc=icc, premultiplied=picture.mode == "RGBa")
    if not icc:
        image = with_stated_colour(image, header, exif)
    # libheif has cropped and rotated as the container says; the camera's orientation must not rotate it again.
    return Decoded(image, image.width, image.height, 1, exif)

"""HEIC: libheif and libde265, by pillow-heif."""

from __future__ import annotations

import numpy as np
import pillow_heif

from photomesh_media_worker.decoding import heif_limits
from photomesh_media_worker.decoding.decoded import Decoded, check_size, decoder_errors, with_own_size
from photomesh_media_worker.domain import MAX_PIXELS_PROGRESSIVE
from photomesh_media_worker.headers import Header

__all__ = ["decode_heic"]

pillow_heif.options.DECODE_THREADS = 1
pillow_heif.options.THUMBNAILS = False
pillow_heif.options.DEPTH_IMAGES = False
pillow_heif.options.AUX_IMAGES = False
heif_limits.lower(max_pixels=MAX_PIXELS_PROGRESSIVE * 9 // 8)  # codecs pad pictures to whole blocks


def decode_heic(data: bytes, header: Header, reduction: int) -> Decoded:
    """Raises Rejection."""
    with decoder_errors():
        picture = pillow_heif.open_heif(data, convert_hdr_to_8bit=True)
        check_size(picture.size, header)
        exif = picture.info.get("exif")
        icc = picture.info.get("icc_profile")
        array = np.asarray(picture)
    # libheif has rotated the picture as the container says; the camera's orientation must not rotate it again.
    return with_own_size(array, icc, 1, exif)

"""AVIF: libavif and dav1d, by Pillow (2.3 times as fast as libvips with libaom)."""

from __future__ import annotations

import io

import numpy as np
from PIL import AvifImagePlugin

from photomesh_media_worker.decoding.decoded import Decoded, check_size, decoder_errors, with_own_size
from photomesh_media_worker.domain import Rejection
from photomesh_media_worker.headers import Header
from photomesh_media_worker.metadata.exif import orientation_of

__all__ = ["decode_avif"]

AvifImagePlugin.DEFAULT_MAX_THREADS = 1


def decode_avif(data: bytes, header: Header, reduction: int) -> Decoded:
    """Raises Rejection."""
    with decoder_errors(), AvifImagePlugin.AvifImageFile(io.BytesIO(data)) as picture:
        if picture.n_frames > 1:
            raise Rejection("animated")
        check_size(picture.size, header)
        exif = picture.info.get("exif")
        icc = picture.info.get("icc_profile")
        # The decoder behind Pillow's picture: a Pillow image and an array of it would be two more copies of all pixels.
        frame, *_ = picture._decoder.get_frame(0)
        array = np.frombuffer(frame, np.uint8).reshape(picture.height, picture.width, len(picture.mode))
    # libavif rotates nothing; Pillow states the container's rotation, which overrules the camera's, as orientation.
    return with_own_size(array, icc, orientation_of(exif), exif)

"""AVIF: libavif and dav1d, by Pillow (2.3 times as fast as libvips with libaom)."""

from __future__ import annotations

import numpy as np
from PIL import _avif

from photomesh_media_worker import raster
from photomesh_media_worker.decoding.decoded import Decoded, check_size, decoder_errors, with_stated_colour
from photomesh_media_worker.domain import Rejection
from photomesh_media_worker.headers import Header
from photomesh_media_worker.metadata.exif import read_exif

__all__ = ["decode_avif"]

_CHANNELS = {"L": 1, "LA": 2, "RGB": 3, "RGBA": 4}


def decode_avif(data: bytes, header: Header, reduction: int) -> Decoded:
    """Raises Rejection."""
    if header.exif_type_at is not None:
        # libavif refuses a picture for unreadable EXIF data, which we read by ourselves: the item is of no type now.
        data = data[: header.exif_type_at] + b"none" + data[header.exif_type_at + 4 :]
    with decoder_errors():
        # The decoder behind Pillow's plugin: a Pillow image and an array of it would be two more copies of all pixels.
        decoder = _avif.AvifDecoder(data, "auto", 1)
        (width, height), frames, mode, icc, _exif, orientation, _xmp = decoder.get_info()
        if frames > 1:
            raise Rejection("animated")
        check_size((width, height), header)
        frame, *_ = decoder.get_frame(0)
        array: raster.Pixels = np.frombuffer(frame, np.uint8).reshape(height, width, _CHANNELS[mode])
    if crop := header.clean_aperture:  # libavif applies nothing by itself; cropping comes before rotation
        array = array[crop.top : crop.top + crop.height, crop.left : crop.left + crop.width]
    exif = read_exif(header.exif)
    image = raster.from_pixels(array, icc=icc)
    if icc is None:
        image = with_stated_colour(image, header, exif)
    # The container's rotation is what counts (ISO/IEC 23008-12, 6.5.10): the camera's orientation states it once more.
    return Decoded(image, array.shape[1], array.shape[0], orientation, exif)

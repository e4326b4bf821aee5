"""PNG: libvips, line by line."""

from __future__ import annotations

from photomesh_media_worker import raster
from photomesh_media_worker.decoding.decoded import Decoded, with_header_size
from photomesh_media_worker.headers import Header

__all__ = ["decode_png"]


def decode_png(data: bytes, header: Header, reduction: int) -> Decoded:
    """Raises Rejection."""
    image = raster.load_png(data)
    return with_header_size(image, header, raster.exif_data(image))

"""WebP: libvips, scaled while decoding."""

from __future__ import annotations

from photomesh_media_worker import raster
from photomesh_media_worker.decoding.decoded import Decoded, with_header_size
from photomesh_media_worker.headers import Header

__all__ = ["decode_webp"]


def decode_webp(data: bytes, header: Header, reduction: int) -> Decoded:
    """Raises Rejection."""
    image = raster.load_webp(data, scale=1 / reduction)
    return with_header_size(image, header, raster.exif_data(image))

"""WebP: libvips, scaled while decoding."""

from __future__ import annotations

from photomesh_media_worker import raster
from photomesh_media_worker.decoding.decoded import Decoded, scaled
from photomesh_media_worker.headers import Header
from photomesh_media_worker.metadata.exif import read_exif

__all__ = ["decode_webp"]


def decode_webp(data: bytes, header: Header, reduction: int) -> Decoded:
    """Raises Rejection."""
    image = raster.load_webp(data, scale=1 / reduction)
    return scaled(image, header, read_exif(raster.exif_data(image)))

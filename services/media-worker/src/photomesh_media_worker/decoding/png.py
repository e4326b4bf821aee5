"""PNG: libvips, line by line."""

from __future__ import annotations

from photomesh_media_worker import raster
from photomesh_media_worker.decoding.decoded import Decoded, scaled
from photomesh_media_worker.headers import Header
from photomesh_media_worker.metadata.exif import read_exif

__all__ = ["decode_png"]


def decode_png(data: bytes, header: Header, reduction: int) -> Decoded:
    """Raises Rejection."""
    image = raster.load_png(data)
    return scaled(image, header, read_exif(header.exif or raster.exif_data(image)))

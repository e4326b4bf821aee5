"""One strict decode per photo, at the smallest scale that serves the largest size. One module per format."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from photomesh_media_worker.decoding.avif import decode_avif
from photomesh_media_worker.decoding.decoded import Decoded
from photomesh_media_worker.decoding.heic import decode_heic
from photomesh_media_worker.decoding.jpeg import decode_jpeg
from photomesh_media_worker.decoding.png import decode_png
from photomesh_media_worker.decoding.webp import decode_webp
from photomesh_media_worker.domain import PhotoType
from photomesh_media_worker.headers import Header

__all__ = ["Decoded", "decode"]

_MARGIN = 1.25
"""How much larger than the wanted size a scaled decode stays, so that the last step is a good resampling filter.
Measured on camera photos: 50 dB or more to the picture from a full decode; without the margin 45 dB."""

_DECODERS: Mapping[PhotoType, Callable[[bytes, Header, int], Decoded]] = {
    PhotoType.JPEG: decode_jpeg,
    PhotoType.PNG: decode_png,
    PhotoType.WEBP: decode_webp,
    PhotoType.AVIF: decode_avif,
    PhotoType.HEIC: decode_heic,
}


def decode(kind: PhotoType, data: bytes, header: Header, *, size: int) -> Decoded:
    """Returns the picture, at least `_MARGIN` × `size` along its longer side if the original is. Raises Rejection."""
    return _DECODERS[kind](data, header, _reduction(header, size))


def _reduction(header: Header, size: int) -> int:
    """1, 2, 4 or 8: the powers of two are those for which decoders have fast kernels."""
    ratio = max(header.width, header.height) / (size * _MARGIN)
    return next((by for by in (8, 4, 2) if ratio >= by), 1)

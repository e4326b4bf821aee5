"""What a file's own header says, read before any decoder sees the file.

Decoders trust the header: a file of two kilobytes that claims 65,500 × 65,500 pixels makes them ask for gigabytes. So
the type, the dimensions, how the picture is stored and whether the file ends too early are read here, in a few
microseconds of plain Python that allocates nothing.
"""

from photomesh_media_worker.domain import PhotoType
from photomesh_media_worker.headers.header import Header, HeaderParser
from photomesh_media_worker.headers.isobmff import parse_isobmff
from photomesh_media_worker.headers.jpeg import parse_jpeg
from photomesh_media_worker.headers.jpeg_scans import check_scans, padded
from photomesh_media_worker.headers.png import parse_png
from photomesh_media_worker.headers.sniff import SNIFF_BYTES, sniff
from photomesh_media_worker.headers.webp import parse_webp

__all__ = ["SNIFF_BYTES", "Header", "check_scans", "padded", "read_header", "sniff"]

_PARSERS: dict[PhotoType, HeaderParser] = {
    PhotoType.JPEG: parse_jpeg,
    PhotoType.PNG: parse_png,
    PhotoType.WEBP: parse_webp,
    PhotoType.AVIF: parse_isobmff,
    PhotoType.HEIC: parse_isobmff,
}


def read_header(kind: PhotoType, data: bytes) -> Header:
    """The header of a file of this type. Raises Rejection: truncated, corrupt, animated, unsupported-type."""
    return _PARSERS[kind](data)

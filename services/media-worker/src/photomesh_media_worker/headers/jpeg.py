"""JPEG: walks the marker segments up to the first scan (ITU-T T.81, annex B)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from photomesh_media_worker.domain import Rejection
from photomesh_media_worker.headers.header import Header

__all__ = ["DHT", "DRI", "EOI", "FRAMES", "PROGRESSIVE", "RESTARTS", "SOS", "Segment", "parse_jpeg", "segments"]

_BASELINE, _EXTENDED, PROGRESSIVE = 0xC0, 0xC1, 0xC2
DHT = 0xC4
FRAMES = {*range(0xC0, 0xD0)} - {DHT, 0xC8, 0xCC}  # JPG and DAC share the range with DHT
RESTARTS = range(0xD0, 0xD8)
_STANDALONE = {0x01, *RESTARTS}
_SOI, EOI, SOS, DRI, _APP1, _APP2 = 0xD8, 0xD9, 0xDA, 0xDD, 0xE1, 0xE2
_EXIF, _ICC = b"Exif\0\0", b"ICC_PROFILE\0"
_MAX_SEGMENTS = 10_000
"""Before the first scan. 50 MB of metadata in full segments are 800."""
_MAX_SCANS = 100
"""Of a progressive JPEG. Encoders write about ten; each costs a pass over the whole picture, however few its bytes."""

_MARKER = re.compile(rb"\xff[^\x00\xff]")
"""The end of any number of fill bytes, and the marker's code. What is none of these is skipped, as libjpeg does."""

Segment = tuple[int, int, int, bytes]
"""The marker's code, where it begins, where the next thing begins, and the segment's content."""


def parse_jpeg(data: bytes) -> Header:
    """Bytes after the end marker are common (Samsung, Panasonic, multi-picture files) and are ignored, and so are those
    between segments."""
    frame: bytes | None = None
    marker_of_frame = 0
    exif: bytes | None = None
    icc: dict[int, bytes] = {}
    for marker, _, at, body in segments(data, 2):
        if marker in (_SOI, EOI):
            raise Rejection("corrupt", f"marker {marker:#x} before the first scan")
        if marker == SOS:
            first_scan, components = at, body[:1]
            break
        if marker in FRAMES:
            if frame is not None:
                raise Rejection("corrupt", "two frame headers")
            frame, marker_of_frame = body, marker
        elif marker == _APP1 and body.startswith(_EXIF) and exif is None:
            exif = body[len(_EXIF) :]
        elif marker == _APP2 and body.startswith(_ICC) and len(body) > 14:
            icc[body[12]] = body[14:]
    else:
        raise Rejection("truncated", "no scan")
    if frame is None:
        raise Rejection("corrupt", "a scan without a frame header")
    height, width, channels = _frame(frame, marker_of_frame)
    # A scan of fewer components than the frame has means several scans: the coefficients of all are kept until the end.
    whole = marker_of_frame == PROGRESSIVE or components < bytes([channels])
    if whole and data.count(b"\xff\xda", first_scan) > _MAX_SCANS:
        raise Rejection("too-complex", "too many scans")
    profile = b"".join(icc[n] for n in sorted(icc)) or None
    terminated = data.find(b"\xff\xd9", first_scan) >= 0
    return Header(width, height, whole, exif, profile, colour_channels=channels, terminated=terminated)


def segments(data: bytes, at: int, *, limit: int = _MAX_SEGMENTS) -> Iterator[Segment]:
    """Every marker from `at` on, with its segment if it has one. Ends where no marker follows.

    Raises Rejection: `truncated` if a segment is cut, `too-complex` for more than `limit`.
    """
    for _ in range(limit):
        found = _MARKER.search(data, at)
        if found is None:
            return
        marker, body_at = data[found.end() - 1], found.end()
        if marker in _STANDALONE or marker in (_SOI, EOI):
            at = body_at
            yield marker, found.start(), at, b""
            continue
        length = int.from_bytes(data[body_at : body_at + 2])
        at = body_at + length
        if body_at + 2 > len(data) or at > len(data):
            raise Rejection("truncated", "a segment is cut")
        if length < 2:
            raise Rejection("corrupt", "a segment without a length")
        yield marker, found.start(), at, data[body_at + 2 : at]
    raise Rejection("too-complex", "too many segments")


def _frame(body: bytes, marker: int) -> tuple[int, int, int]:
    """Height, width, number of components."""
    if marker not in (_BASELINE, _EXTENDED, PROGRESSIVE) or len(body) < 6:
        raise Rejection("unsupported-type", f"JPEG process {marker:#x}")
    if body[0] != 8:
        raise Rejection("unsupported-type", f"{body[0]} bits per sample")
    height, width, channels = int.from_bytes(body[1:3]), int.from_bytes(body[3:5]), body[5]
    if not height or not width or channels not in (1, 3, 4):
        raise Rejection("corrupt", f"{width} × {height}, {channels} components")
    return height, width, channels

"""JPEG: walks the marker segments up to the first scan (ITU-T T.81, annex B)."""

from __future__ import annotations

from photomesh_media_worker.domain import Rejection
from photomesh_media_worker.headers.header import Header

__all__ = ["parse_jpeg"]

_BASELINE, _EXTENDED, _PROGRESSIVE = 0xC0, 0xC1, 0xC2
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}  # DHT, JPG and DAC share the range
_STANDALONE = {0x01, *range(0xD0, 0xD8)}
_SOI, _EOI, _SOS, _APP1, _APP2 = 0xD8, 0xD9, 0xDA, 0xE1, 0xE2
_EXIF, _ICC = b"Exif\0\0", b"ICC_PROFILE\0"
_MAX_SCANS = 100
"""Of a progressive JPEG. Encoders write about ten; each costs a pass over the whole picture, however few its bytes."""


def parse_jpeg(data: bytes) -> Header:
    """Trailing bytes after the end marker are common (Samsung, Panasonic, multi-picture files) and are ignored."""
    frame: bytes | None = None
    marker_of_frame = 0
    exif: bytes | None = None
    icc: dict[int, bytes] = {}
    at = 2
    while True:
        marker, at = _next_marker(data, at)
        if marker in _STANDALONE:
            continue
        if marker in (_SOI, _EOI):
            raise Rejection("corrupt", f"marker {marker:#x} before the first scan")
        body, at = _segment(data, at)
        if marker == _SOS:
            break
        if marker in _FRAMES:
            if frame is not None:
                raise Rejection("corrupt", "two frame headers")
            frame, marker_of_frame = body, marker
        elif marker == _APP1 and body.startswith(_EXIF) and exif is None:
            exif = body[len(_EXIF) :]
        elif marker == _APP2 and body.startswith(_ICC) and len(body) > 14:
            icc[body[12]] = body[14:]
    if frame is None:
        raise Rejection("corrupt", "a scan without a frame header")
    height, width, channels = _frame(frame, marker_of_frame)
    if data.find(b"\xff\xd9", at) < 0:
        raise Rejection("truncated", "no end marker")
    # A scan of fewer components than the frame has means several scans: the coefficients of all are kept until the end.
    whole = marker_of_frame == _PROGRESSIVE or not body or body[0] < channels
    if whole and data.count(b"\xff\xda", at) > _MAX_SCANS:
        raise Rejection("too-complex", "too many scans")
    profile = b"".join(icc[n] for n in sorted(icc)) or None
    return Header(width, height, whole, exif, profile, colour_channels=channels)


def _next_marker(data: bytes, at: int) -> tuple[int, int]:
    if at >= len(data):
        raise Rejection("truncated", "no scan")
    if data[at] != 0xFF:
        raise Rejection("corrupt", f"no marker at {at}")
    while at < len(data) and data[at] == 0xFF:  # any number of fill bytes
        at += 1
    if at >= len(data):
        raise Rejection("truncated", "no scan")
    return data[at], at + 1


def _segment(data: bytes, at: int) -> tuple[bytes, int]:
    length = int.from_bytes(data[at : at + 2])
    end = at + length
    if at + 2 > len(data) or end > len(data):
        raise Rejection("truncated", "a segment is cut")
    if length < 2:
        raise Rejection("corrupt", "a segment without a length")
    return data[at + 2 : end], end


def _frame(body: bytes, marker: int) -> tuple[int, int, int]:
    if marker not in (_BASELINE, _EXTENDED, _PROGRESSIVE) or len(body) < 6:
        raise Rejection("unsupported-type", f"JPEG process {marker:#x}")
    if body[0] != 8:
        raise Rejection("unsupported-type", f"{body[0]} bits per sample")
    height, width, channels = int.from_bytes(body[1:3]), int.from_bytes(body[3:5]), body[5]
    if not height or not width or channels not in (1, 3, 4):
        raise Rejection("corrupt", f"{width} × {height}, {channels} components")
    return height, width, channels

"""WebP: the RIFF container and the dimensions in the picture's own bit stream (RFC 9649)."""

from __future__ import annotations

from photomesh_media_worker.domain import Rejection
from photomesh_media_worker.headers.header import Header

__all__ = ["parse_webp"]

_MAX_CHUNKS = 10_000


def parse_webp(data: bytes) -> Header:
    """The dimensions are the largest that any part of the file claims: canvas or picture."""
    end = 8 + int.from_bytes(data[4:8], "little")
    if end > len(data):
        raise Rejection("truncated", "shorter than the container says")
    sizes: list[tuple[int, int]] = []
    frames = pictures = 0
    at = 12
    for _ in range(_MAX_CHUNKS):
        if at + 8 > end:
            break
        kind, length = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        body = data[at + 8 : min(at + 24, end)]
        if at + 8 + length > end:
            raise Rejection("corrupt", f"chunk {kind!r} is longer than the container")
        if kind == b"VP8X" and len(body) >= 10:
            sizes.append((1 + int.from_bytes(body[4:7], "little"), 1 + int.from_bytes(body[7:10], "little")))
        elif kind == b"ANMF" and len(body) >= 12:
            frames += 1
            sizes.append((1 + int.from_bytes(body[6:9], "little"), 1 + int.from_bytes(body[9:12], "little")))
        elif kind in (b"VP8 ", b"VP8L"):
            pictures += 1
            sizes.append(_bitstream(kind, body))
        at += 8 + length + (length & 1)
    else:
        raise Rejection("too-complex", "too many chunks")
    if frames > 1:
        raise Rejection("animated")
    if not frames and not pictures:
        raise Rejection("corrupt", "no picture")
    return Header(max(w for w, _ in sizes), max(h for _, h in sizes), whole=True)


def _bitstream(kind: bytes, body: bytes) -> tuple[int, int]:
    if kind == b"VP8 " and len(body) >= 10 and body[3:6] == b"\x9d\x01\x2a":
        width, height = (int.from_bytes(body[at : at + 2], "little") & 0x3FFF for at in (6, 8))
    elif kind == b"VP8L" and len(body) >= 5 and body[0] == 0x2F:
        bits = int.from_bytes(body[1:5], "little")
        width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    else:
        raise Rejection("corrupt", "no picture header")
    if not width or not height:
        raise Rejection("corrupt", "a picture without pixels")
    return width, height

"""PNG: walks the chunks to the end one, which a decoder that has all its lines no longer looks for."""

from __future__ import annotations

import struct

from photomesh_media_worker.domain import Rejection
from photomesh_media_worker.headers.header import Header

__all__ = ["parse_png"]

_MAX_CHUNKS = 100_000  # 50 MB in chunks of 8 KB, which is what libpng writes, are 6,000
_HEAD = struct.Struct(">I4s")


def parse_png(data: bytes) -> Header:
    width = height = interlace = 0
    has_pixels = False
    at = 8
    for number in range(_MAX_CHUNKS):
        if at + 12 > len(data):
            raise Rejection("truncated", "no end chunk")
        length, kind = _HEAD.unpack_from(data, at)
        if at + 12 + length > len(data):
            raise Rejection("truncated", f"chunk {kind!r} is cut")
        if number == 0:
            if kind != b"IHDR" or length != 13:
                raise Rejection("corrupt", "no header chunk")
            width, height, interlace = struct.unpack_from(">II4xB", data, at + 8)
        elif kind == b"acTL" and length >= 4 and int.from_bytes(data[at + 8 : at + 12]) > 1:
            raise Rejection("animated")
        elif kind == b"IDAT":
            has_pixels = True
        elif kind == b"IEND":
            if not has_pixels or not width or not height:
                raise Rejection("corrupt", "no picture")
            return Header(width, height, whole=interlace != 0)
        at += 12 + length
    raise Rejection("too-complex", "too many chunks")

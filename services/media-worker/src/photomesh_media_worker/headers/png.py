"""PNG: walks the chunks (PNG, third edition), all of them: a decoder that has its lines looks no further."""

from __future__ import annotations

import struct
from collections.abc import Mapping

from photomesh_media_worker.colour import SRGB, Chromaticities, ColourSpace, of_cicp, of_png
from photomesh_media_worker.domain import Rejection
from photomesh_media_worker.headers.header import Header

__all__ = ["parse_png"]

_MAX_CHUNKS = 100_000  # 50 MB in chunks of 8 KB, which is what libpng writes, are 6,000
_HEAD = struct.Struct(">I4s")
_COLOUR_CHUNKS = {b"cICP", b"iCCP", b"sRGB", b"gAMA", b"cHRM"}
_GAMMAS = (0.1, 10.0)
"""What is outside was not meant."""


def parse_png(data: bytes) -> Header:
    """A missing end chunk takes no pixel away, nor does the end of any other chunk behind the picture."""
    width = height = interlace = 0
    has_pixels = False
    exif: bytes | None = None
    colour: dict[bytes, bytes] = {}
    at = 8
    for number in range(_MAX_CHUNKS):
        length, kind = _HEAD.unpack_from(data, at) if at + 8 <= len(data) else (0, b"")
        if at + 12 + length > len(data) or kind == b"IEND":
            if kind != b"IEND" and (kind == b"IDAT" or not has_pixels):
                raise Rejection("truncated", f"chunk {kind!r} is cut")
            if not has_pixels or not width or not height:
                raise Rejection("corrupt", "no picture")
            return Header(width, height, interlace != 0, exif, colour=_colour(colour), terminated=kind == b"IEND")
        body = at + 8
        if number == 0:
            if kind != b"IHDR" or length != 13:
                raise Rejection("corrupt", "no header chunk")
            width, height, interlace = struct.unpack_from(">II4xB", data, body)
        elif kind == b"acTL" and length >= 4 and int.from_bytes(data[body : body + 4]) > 1:
            raise Rejection("animated")
        elif kind == b"IDAT":
            has_pixels = True
        elif kind == b"eXIf":
            exif = exif or data[body : body + length]
        elif kind in _COLOUR_CHUNKS and not has_pixels:
            colour.setdefault(kind, data[body : body + min(length, 32)])
        at = body + length + 4
    raise Rejection("too-complex", "too many chunks")


def _colour(chunks: Mapping[bytes, bytes]) -> ColourSpace | None:
    """What is stated, in the order of precedence (PNG, third edition, 4.3). An ICC profile is the decoder's to read."""
    cicp = chunks.get(b"cICP", b"")
    if len(cicp) == 4 and (space := of_cicp(cicp[0], cicp[1])):
        return space
    if b"iCCP" in chunks:
        return None
    if b"sRGB" in chunks:
        return SRGB
    return of_png(_gamma(chunks.get(b"gAMA", b"")), _chromaticities(chunks.get(b"cHRM", b"")))


def _gamma(chunk: bytes) -> float | None:
    gamma = int.from_bytes(chunk) / 100_000 if len(chunk) == 4 else 0.0
    return gamma if _GAMMAS[0] <= gamma <= _GAMMAS[1] else None


def _chromaticities(chunk: bytes) -> Chromaticities | None:
    if len(chunk) != 32:
        return None
    white, red, green, blue = ((x / 100_000, y / 100_000) for x, y in struct.iter_unpack(">II", chunk))
    return Chromaticities(red, green, blue, white)

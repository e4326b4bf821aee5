"""AVIF and HEIC: the boxes of ISO/IEC 14496-12 and 23008-12, as far as a still picture needs them.

Two things make a file "cut": a top-level box that ends beyond the file, and an item (a tile, the EXIF data) whose
bytes lie beyond it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from photomesh_media_worker.domain import Rejection
from photomesh_media_worker.headers.header import Header

__all__ = ["parse_isobmff"]

_MAX_BOXES = 20_000
_MAX_EXTENTS = 20_000
_SEQUENCE_BRANDS = {b"avis", b"hevc", b"hevx", b"hevm", b"hevs", b"msf1"}


class _Cursor:
    """Reads big-endian numbers from a part of the file. Raises Rejection at its end."""

    def __init__(self, data: bytes, start: int, end: int) -> None:
        self.data, self.at, self.end = data, start, end

    def take(self, count: int) -> bytes:
        if self.at + count > self.end:
            raise Rejection("corrupt", "a box is shorter than its content")
        self.at += count
        return self.data[self.at - count : self.at]

    def number(self, count: int) -> int:
        return int.from_bytes(self.take(count))

    @property
    def left(self) -> int:
        return self.end - self.at


@dataclass(frozen=True)
class _Box:
    kind: bytes
    start: int
    end: int


class _Boxes:
    """Walks boxes, and counts them over the whole file: nesting must not multiply work."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._left = _MAX_BOXES

    def within(self, start: int, end: int, *, cut: str) -> Iterator[_Box]:
        """`cut` is the reason for a box that ends beyond `end`."""
        at = start
        while at < end:
            self._left -= 1
            if self._left < 0:
                raise Rejection("too-complex", "too many boxes")
            if end - at < 8:
                raise Rejection(cut, "a box header is cut")
            size, kind, body = int.from_bytes(self._data[at : at + 4]), self._data[at + 4 : at + 8], at + 8
            if not kind.isascii() or not kind.decode().isprintable():
                return  # not a box: something was appended to the file
            if size == 1:
                size, body = int.from_bytes(self._data[at + 8 : at + 16]), at + 16
            elif size == 0:
                size = end - at
            if at + size > end:
                raise Rejection(cut, f"box {kind!r} is cut")
            if at + size < body:
                raise Rejection("corrupt", f"box {kind!r} is shorter than its header")
            yield _Box(kind, body, at + size)
            at += size


def parse_isobmff(data: bytes) -> Header:
    boxes = _Boxes(data)
    top = list(boxes.within(0, len(data), cut="truncated"))
    if data[8:12] in _SEQUENCE_BRANDS and any(box.kind == b"moov" for box in top):
        raise Rejection("animated")
    meta = next((box for box in top if box.kind == b"meta"), None)
    if meta is None:
        raise Rejection("truncated" if len(top) < 2 else "corrupt", "no description of the picture")
    parts = {box.kind: box for box in boxes.within(meta.start + 4, meta.end, cut="corrupt")}
    if not parts.keys() >= {b"pitm", b"iloc", b"iprp"}:
        raise Rejection("corrupt", "no primary picture")
    _check_extents(data, parts[b"iloc"])
    properties = {box.kind: box for box in boxes.within(parts[b"iprp"].start, parts[b"iprp"].end, cut="corrupt")}
    if b"ipco" not in properties:
        raise Rejection("corrupt", "no properties")
    return _from_properties(data, boxes, properties[b"ipco"])


def _from_properties(data: bytes, boxes: _Boxes, container: _Box) -> Header:
    """The largest dimensions that any picture in the file claims, tiles, thumbnails and masks included."""
    width = height = 0
    primaries: int | None = None
    for box in boxes.within(container.start, container.end, cut="corrupt"):
        cursor = _Cursor(data, box.start, box.end)
        if box.kind == b"ispe":
            cursor.take(4)
            width, height = max(width, cursor.number(4)), max(height, cursor.number(4))
        elif box.kind == b"colr" and cursor.left >= 6 and cursor.take(4) == b"nclx" and primaries is None:
            primaries = cursor.number(2)
    if not width or not height:
        raise Rejection("corrupt", "no dimensions")
    return Header(width, height, whole=True, primaries=primaries)


def _check_extents(data: bytes, iloc: _Box) -> None:
    """Every item's bytes lie inside the file (ISO/IEC 14496-12, 8.11.3)."""
    cursor = _Cursor(data, iloc.start, iloc.end)
    version = cursor.number(1)
    cursor.take(3)
    sizes = cursor.number(2)
    offset_size, length_size, base_size, index_size = (sizes >> shift & 15 for shift in (12, 8, 4, 0))
    extents_left = _MAX_EXTENTS  # an extent may take no bytes, so the box's length bounds nothing
    for _ in range(cursor.number(2 if version < 2 else 4)):
        cursor.take(2 if version < 2 else 4)
        method = cursor.number(2) & 15 if version > 0 else 0
        cursor.take(2)
        base = cursor.number(base_size)
        extents = cursor.number(2)
        extents_left -= extents
        if extents_left < 0:
            raise Rejection("too-complex", "too many extents")
        for _ in range(extents):
            if version > 0:
                cursor.take(index_size)
            offset, length = cursor.number(offset_size), cursor.number(length_size)
            if method == 0 and base + offset + length > len(data):
                raise Rejection("truncated", "an item lies beyond the end of the file")

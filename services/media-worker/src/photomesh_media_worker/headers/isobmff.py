"""AVIF and HEIC: the items of the container, their properties, and where their bytes lie (ISO/IEC 23008-12, HEIF).

Only what must be known before a decoder sees the file, or what the decoders do not report.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from photomesh_media_worker.colour import ColourSpace, of_cicp
from photomesh_media_worker.domain import Rejection
from photomesh_media_worker.headers.boxes import Box, Boxes, Cursor
from photomesh_media_worker.headers.clean_aperture import clean_aperture
from photomesh_media_worker.headers.header import Header, Rectangle

__all__ = ["parse_isobmff"]

_MAX_EXTENTS = 20_000
_MAX_ASSOCIATIONS = 100_000
_SEQUENCE_BRANDS = {b"avis", b"hevc", b"hevx", b"hevm", b"hevs", b"msf1"}
_IN_FILE, _IN_META = 0, 1  # the construction methods of an item


@dataclass(frozen=True)
class _Extent:
    """Bytes of an item, by their place in the file or in the box `idat`."""

    method: int
    offset: int
    length: int


def parse_isobmff(data: bytes) -> Header:
    """The dimensions are the largest that any picture in the file claims, tiles, thumbnails and masks included."""
    boxes = Boxes(data)
    top = boxes.top()
    if data[8:12] in _SEQUENCE_BRANDS and any(box.kind == b"moov" for box in top):
        raise Rejection("animated")
    meta = next((box for box in top if box.kind == b"meta"), None)
    if meta is None:
        cut = not top or top[-1].end < len(data)
        raise Rejection("truncated" if cut or len(top) < 2 else "corrupt", "no description of the picture")
    parts = {box.kind: box for box in boxes.within(meta.start + 4, meta.end)}
    if not parts.keys() >= {b"pitm", b"iloc", b"iprp"}:
        raise Rejection("corrupt", "no primary picture")
    extents = _locations(boxes.cursor(parts[b"iloc"]), file_length=len(data))
    width, height, colour, aperture = _properties(boxes, parts[b"iprp"], primary=_primary(boxes, parts[b"pitm"]))
    exif_item = _exif_item(boxes, parts[b"iinf"]) if b"iinf" in parts else None
    return Header(
        width,
        height,
        whole=True,
        exif=_exif(data, extents.get(exif_item.identifier, ()), parts.get(b"idat")) if exif_item else None,
        colour=colour,
        clean_aperture=aperture,
        exif_type_at=exif_item.type_at if exif_item else None,
    )


def _primary(boxes: Boxes, pitm: Box) -> int:
    cursor = boxes.cursor(pitm)
    version = cursor.number(1)
    cursor.take(3)
    return cursor.number(2 if version == 0 else 4)


def _locations(cursor: Cursor, *, file_length: int) -> Mapping[int, Sequence[_Extent]]:
    """Where each item's bytes lie (ISO/IEC 14496-12, 8.11.3). Raises Rejection `truncated` if not inside the file."""
    version = cursor.number(1)
    cursor.take(3)
    sizes = cursor.number(2)
    offset_size, length_size, base_size, index_size = (sizes >> shift & 15 for shift in (12, 8, 4, 0))
    extents_left = _MAX_EXTENTS  # an extent may take no bytes, so the box's length bounds nothing
    locations: dict[int, list[_Extent]] = {}
    for _ in range(cursor.number(2 if version < 2 else 4)):
        item = cursor.number(2 if version < 2 else 4)
        method = cursor.number(2) & 15 if version > 0 else _IN_FILE
        cursor.take(2)
        base = cursor.number(base_size)
        count = cursor.number(2)
        extents_left -= count
        if extents_left < 0:
            raise Rejection("too-complex", "too many extents")
        extents = locations.setdefault(item, [])
        for _ in range(count):
            if version > 0:
                cursor.take(index_size)
            offset, length = base + cursor.number(offset_size), cursor.number(length_size)
            if method == _IN_FILE and offset + length > file_length:
                raise Rejection("truncated", "an item lies beyond the end of the file")
            extents.append(_Extent(method, offset, length))
    return locations


def _properties(boxes: Boxes, iprp: Box, *, primary: int) -> tuple[int, int, ColourSpace | None, Rectangle | None]:
    """Width and height; what is stated of the primary picture's colour, and how it is cropped."""
    properties: list[Box] = []
    numbers: list[int] = []
    for box in boxes.within(iprp.start, iprp.end):
        if box.kind == b"ipco":
            properties += boxes.within(box.start, box.end)
        elif box.kind == b"ipma":
            numbers += _associations(boxes.cursor(box), primary)
    own = [properties[number - 1] for number in numbers if 1 <= number <= len(properties)]
    width, height = _largest(boxes, properties)
    # A few encoders state the colour of the tiles and not that of the picture which they make up.
    colour = _colour(boxes, own) or _colour(boxes, properties)
    size = _largest(boxes, own) if any(box.kind == b"ispe" for box in own) else (width, height)
    crop = next((box for box in own if box.kind == b"clap"), None)
    return width, height, colour, clean_aperture(boxes.cursor(crop), *size) if crop else None


def _colour(boxes: Boxes, properties: Sequence[Box]) -> ColourSpace | None:
    for box in properties:
        cursor = boxes.cursor(box)
        if box.kind == b"colr" and cursor.left >= 8 and cursor.take(4) == b"nclx":
            return of_cicp(cursor.number(2), cursor.number(2))
    return None


def _largest(boxes: Boxes, properties: Sequence[Box]) -> tuple[int, int]:
    width = height = 0
    for box in properties:
        if box.kind == b"ispe":
            cursor = boxes.cursor(box)
            cursor.take(4)
            width, height = max(width, cursor.number(4)), max(height, cursor.number(4))
    if not width or not height:
        raise Rejection("corrupt", "no dimensions")
    return width, height


def _associations(cursor: Cursor, item: int) -> list[int]:
    """The numbers, from 1 on, of an item's properties (ISO/IEC 23008-12, 9.3.1)."""
    version = cursor.number(1)
    wide = cursor.number(3) & 1
    found: list[int] = []
    associations_left = _MAX_ASSOCIATIONS
    for _ in range(cursor.number(4)):
        identifier = cursor.number(2 if version < 1 else 4)
        count = cursor.number(1)
        associations_left -= 1 + count
        if associations_left < 0:
            raise Rejection("too-complex", "too many associations")
        numbers = [cursor.number(2) & 0x7FFF if wide else cursor.number(1) & 0x7F for _ in range(count)]
        if identifier == item:
            found += numbers
    return found


@dataclass(frozen=True)
class _ExifItem:
    identifier: int
    type_at: int


def _exif_item(boxes: Boxes, iinf: Box) -> _ExifItem | None:
    """The first item of EXIF data (ISO/IEC 14496-12, 8.11.6)."""
    cursor = boxes.cursor(iinf)
    version = cursor.number(1)
    cursor.take(3 + (2 if version == 0 else 4))
    for box in boxes.within(cursor.at, iinf.end):
        entry = boxes.cursor(box)
        if box.kind != b"infe" or (version := entry.number(1)) < 2:
            continue
        entry.take(3)
        identifier = entry.number(2 if version == 2 else 4)
        entry.take(2)
        if entry.take(4) == b"Exif":
            return _ExifItem(identifier, entry.at - 4)
    return None


def _exif(data: bytes, extents: Sequence[_Extent], idat: Box | None) -> bytes | None:
    """Behind a number that says how many bytes more come before the data (ISO/IEC 23008-12, A.2.1)."""
    if sum(extent.length for extent in extents) > len(data):
        return None  # the same bytes many times over
    parts = []
    for extent in extents:
        start = extent.offset + (idat.start if extent.method == _IN_META and idat else 0)
        parts.append(data[start : start + extent.length])
    payload = b"".join(parts)
    start = 4 + int.from_bytes(payload[:4])
    return payload[start:] or None

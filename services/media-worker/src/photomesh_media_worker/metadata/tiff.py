"""TIFF directories, as EXIF data consists of them, entry by entry: one that is damaged takes no other with it.

After TIFF 6.0, section 2, and Exif 3.0, which adds text in UTF-8. Nothing is read twice, and what a file can make this
do is bounded: by the number of entries in a directory and by the length of a value.
"""

from __future__ import annotations

import codecs
import struct
from collections.abc import Mapping
from fractions import Fraction
from typing import Literal

__all__ = ["Directory", "Tiff", "Value", "open_tiff"]

Number = int | float | Fraction
Value = Number | str | bytes | tuple[Number | None, ...]
"""One number, several, text, or bytes that mean something to their maker alone. None is a fraction without a value."""
Directory = Mapping[int, Value]

_MAX_ENTRIES = 1_000
_MAX_TEXT = 4_096
_MAX_VALUES = 64
"""A table of hundreds of numbers is a maker's secret, not information."""

_ASCII, _RATIONAL, _UNDEFINED, _SIGNED_RATIONAL, _UTF8 = 2, 5, 7, 10, 129
_NUMBERS = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 11: "f", 12: "d", 13: "I"}
_FRACTIONS = {_RATIONAL: "II", _SIGNED_RATIONAL: "ii"}
_BYTES = (_ASCII, _UNDEFINED, _UTF8)


class Tiff:
    """A block of EXIF data whose head makes sense."""

    def __init__(self, data: bytes, order: Literal["<", ">"]) -> None:
        self._data = data
        self._order = order

    def first_directory(self) -> Directory:
        return self.directory(self._number(4, 4))

    def directory(self, at: object) -> Directory:
        """The entries at this offset that can be read; none if there is no directory. Of two alike, the first."""
        if not isinstance(at, int) or not 8 <= at <= len(self._data) - 2:
            return {}
        entries: dict[int, Value] = {}
        for number in range(min(self._number(at, 2), _MAX_ENTRIES)):
            entry = at + 2 + 12 * number
            if entry + 12 > len(self._data):
                break
            value = self._value(entry)
            if value is not None:
                entries.setdefault(self._number(entry, 2), value)
        return entries

    def _value(self, entry: int) -> Value | None:
        """The value of an entry; None if its type is unknown, or its place outside the data."""
        kind, count = self._number(entry + 2, 2), self._number(entry + 4, 4)
        form = _NUMBERS.get(kind) or _FRACTIONS.get(kind) or ("s" if kind in _BYTES else None)
        if form is None or not count:
            return None
        size = struct.calcsize("<" + form)
        at = entry + 8 if count * size <= 4 else self._number(entry + 8, 4)
        if at + count * size > len(self._data):
            return None
        if kind in _BYTES:
            raw = self._data[at : at + min(count, _MAX_TEXT)]
            return raw if kind == _UNDEFINED else _text(raw)
        if count > _MAX_VALUES:
            return None
        numbers = struct.unpack_from(f"{self._order}{form * count}", self._data, at)
        values: tuple[Number | None, ...] = numbers
        if kind in _FRACTIONS:
            pairs = zip(numbers[::2], numbers[1::2], strict=True)
            values = tuple(Fraction(above, below) if below else None for above, below in pairs)
        return values if len(values) > 1 else values[0]

    def _number(self, at: int, size: int) -> int:
        return int.from_bytes(self._data[at : at + size], "little" if self._order == "<" else "big")


def open_tiff(data: bytes | None) -> Tiff | None:
    """None if this is no TIFF data."""
    data = (data or b"").removeprefix(b"Exif\0\0")
    if len(data) < 8 or data[2:4] not in (b"*\0", b"\0*"):
        return None
    match data[:2]:
        case b"II":
            return Tiff(data, "<")
        case b"MM":
            return Tiff(data, ">")
        case _:
            return None


def _text(raw: bytes) -> str:
    """UTF-8, as phones write it although only Exif 3.0 allows it; else Latin-1, as cameras used to."""
    cut = len(raw) == _MAX_TEXT
    raw = raw.partition(b"\0")[0]
    try:
        return codecs.getincrementaldecoder("utf-8")().decode(raw, final=not cut)
    except UnicodeDecodeError:
        return raw.decode("latin-1")

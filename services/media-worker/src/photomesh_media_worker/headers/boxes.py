"""Boxes of the ISO base media file format (ISO/IEC 14496-12), read with bounds on everything that a file may claim."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from photomesh_media_worker.domain import Rejection

__all__ = ["Box", "Boxes", "Cursor"]

_MAX_BOXES = 20_000


class Cursor:
    """Reads big-endian numbers from a part of the file. Raises Rejection `corrupt` at its end."""

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
class Box:
    """`start` and `end` are those of the content."""

    kind: bytes
    start: int
    end: int


class Boxes:
    """Walks boxes, and counts them over the whole file: nesting must not multiply work."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._left = _MAX_BOXES

    def top(self) -> list[Box]:
        """The whole boxes of the file. What follows them is ignored: something cut, or something appended."""
        return list(self._walk(0, len(self._data), top=True))

    def within(self, start: int, end: int) -> Iterator[Box]:
        """The boxes inside another one. Raises Rejection `corrupt` if one is cut."""
        return self._walk(start, end, top=False)

    def cursor(self, box: Box) -> Cursor:
        return Cursor(self._data, box.start, box.end)

    def _walk(self, start: int, end: int, *, top: bool) -> Iterator[Box]:
        at = start
        while at < end:
            self._left -= 1
            if self._left < 0:
                raise Rejection("too-complex", "too many boxes")
            size, kind, body = int.from_bytes(self._data[at : at + 4]), self._data[at + 4 : at + 8], at + 8
            if size == 1:
                size, body = int.from_bytes(self._data[at + 8 : at + 16]), at + 16
            elif size == 0:
                size = end - at
            if at + size > end or at + size < body or not (kind.isascii() and kind.decode().isprintable()):
                if top:
                    return
                raise Rejection("corrupt", f"box {kind!r} is cut")
            yield Box(kind, body, at + size)
            at += size

"""Photos on disk: the original and four sizes, made while the client waits."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

import pyvips

__all__ = ["SIZES", "Folder", "NotAPhoto", "Stored"]

SIZES = (1080, 640, 320, 150)


class NotAPhoto(ValueError):
    """libvips cannot read it."""


@dataclass(frozen=True)
class Stored:
    width: int
    height: int


class Folder:
    def __init__(self, path: Path) -> None:
        self._path = path

    async def add(self, photo_id: int, data: bytes) -> Stored:
        """Stores a photo and its sizes, on a thread. Raises NotAPhoto."""
        return await asyncio.to_thread(self._add, photo_id, data)

    def file(self, photo_id: int, size: int) -> Path:
        return self._path / f"{photo_id}-{size}.jpg"

    def _add(self, photo_id: int, data: bytes) -> Stored:
        try:
            header = pyvips.Image.new_from_buffer(data, "")
            (self._path / f"{photo_id}-original").write_bytes(data)
            for size in SIZES:
                small = pyvips.Image.thumbnail_buffer(data, size, height=size, size="down")
                self.file(photo_id, size).write_bytes(small.jpegsave_buffer(Q=82, strip=True))
        except pyvips.Error as error:
            raise NotAPhoto(str(error)) from error
        return Stored(header.width, header.height)

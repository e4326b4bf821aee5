"""Files of an export that are made from its sections."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from photomesh_export.domain import Export, ExportSection

__all__ = ["Document", "Documents", "Item", "SectionReader", "SectionSource", "array", "encoded"]

Item = dict[str, Any]


@dataclass(frozen=True)
class Document:
    """`name` is the path in the zip."""

    name: str
    chunks: AsyncIterator[bytes]


class Documents(Protocol):
    def of(self, export: Export, now: datetime) -> AsyncIterator[Document]:
        """Yield the documents, each of which is to be read before the next."""
        ...


class SectionSource(Protocol):
    """See `objects.ExportsBucket`."""

    async def get_chunk(self, key: str) -> bytes: ...


class SectionReader:
    """Reads what was collected of an export, a chunk at a time."""

    def __init__(self, source: SectionSource, export: Export, sections: Sequence[ExportSection]) -> None:
        self._source = source
        self._export = export
        self.sections = {section.name: section for section in sections}

    async def lines(self, name: str) -> AsyncGenerator[list[bytes], None]:
        """Yield the items of a section as JSON, a chunk at a time."""
        section = self.sections.get(name)
        for number in range(section.chunks if section else 0):
            yield (await self._source.get_chunk(self._export.chunk_key(name, number))).splitlines()

    async def items(self, name: str) -> AsyncGenerator[Item, None]:
        async for lines in self.lines(name):
            for line in lines:
                yield json.loads(line)

    async def batches(self, name: str, size: int) -> AsyncGenerator[list[Item], None]:
        async for lines in self.lines(name):
            for start in range(0, len(lines), size):
                yield [json.loads(line) for line in lines[start : start + size]]


def encoded(value: object) -> bytes:
    """Return JSON for people to read, in UTF-8 as it is."""
    return json.dumps(value, ensure_ascii=False, indent=2).encode() + b"\n"


async def array(
    batches: AsyncIterator[list[bytes]], before: bytes = b"[", after: bytes = b"]\n"
) -> AsyncIterator[bytes]:
    """Yield a JSON array of items that are JSON already, one in each line."""
    yield before
    first = True
    async for lines in batches:
        if lines:
            yield (b"\n" if first else b",\n") + b",\n".join(lines)
            first = False
    yield b"\n" + after

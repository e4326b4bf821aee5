"""Collects the sections of an export: reads them page by page, and stores their items."""

from __future__ import annotations

import json
from dataclasses import replace

from photomesh_export.domain import ExportFile, ExportSection, Lease, SectionState, file_of
from photomesh_export.metrics import FAILED_ITEMS
from photomesh_export.running.protocols import Objects, RunStore, Sections
from photomesh_shared.failpoints import declare, failpoint
from photomesh_shared.internal_api.export import MAX_ITEMS, SECTIONS

__all__ = ["AFTER_CHECKPOINT", "AFTER_CHUNK", "ORIGINALS", "Collector"]

ORIGINALS = "originals"
"""The section whose items are photos."""
AFTER_CHUNK = declare("export.after_chunk", "items are stored, the checkpoint is not")
AFTER_CHECKPOINT = declare("export.after_checkpoint", "items and checkpoint are stored")

_SECTIONS = {section.name: section for section in SECTIONS}


class Collector:
    def __init__(self, store: RunStore, sections: Sections, objects: Objects, *, chunk_bytes: int) -> None:
        """`chunk_bytes`: items are stored when they are so large together, and a page more at most."""
        self._store = store
        self._sections = sections
        self._objects = objects
        self._chunk_bytes = chunk_bytes

    async def collect(self, lease: Lease, section: ExportSection) -> None:
        """Collect a section from its checkpoint on. Raises SourceUnavailable, Unavailable, or LeaseLost."""
        while section.state is SectionState.PENDING:
            section = await self._collect_chunk(lease, section)

    async def give_up(self, lease: Lease, section: ExportSection, problem: str) -> None:
        """Leave the rest of a section out."""
        await self._store.save_section(lease, replace(section, state=SectionState.FAILED, problem=problem))
        FAILED_ITEMS.labels("section").inc()

    async def _collect_chunk(self, lease: Lease, section: ExportSection) -> ExportSection:
        lines: list[bytes] = []
        files: list[ExportFile] = []
        size, position, at_end = 0, section.position, False
        while not at_end and size < self._chunk_bytes:
            page = await self._sections.page(_SECTIONS[section.name], lease.export.account_id, position, MAX_ITEMS)
            new = [_line(item) for item in page.items]
            lines += new
            size += sum(map(len, new))
            position, at_end = page.next_cursor, page.next_cursor is None
            if section.name == ORIGINALS:
                files += [file_of(item) for item in page.items]
        if lines:
            # A repeat after a crash writes the same object again.
            await self._objects.put_chunk(lease.export.chunk_key(section.name, section.chunks), b"".join(lines))
        await failpoint(AFTER_CHUNK)
        collected = replace(
            section,
            state=SectionState.COLLECTED if at_end else SectionState.PENDING,
            position=position,
            items=section.items + len(lines),
            bytes=section.bytes + size,
            chunks=section.chunks + bool(lines),
        )
        await self._store.save_section(lease, collected, files)
        await failpoint(AFTER_CHECKPOINT)
        return collected


def _line(item: object) -> bytes:
    return json.dumps(item, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass") + b"\n"

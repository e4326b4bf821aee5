"""The documents of an export, and the manifest that lists them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Collection, Sequence
from datetime import datetime
from typing import Any, Protocol

from photomesh_export.coverage import LEFT_OUT
from photomesh_export.documents import formats, pages
from photomesh_export.documents.document import Document, Item, SectionReader, SectionSource, array, encoded
from photomesh_export.domain import Export, ExportFile, ExportPart, ExportSection, SectionState
from photomesh_shared import ids
from photomesh_shared.internal_api.export import SECTIONS

__all__ = ["Archive", "ArchiveStore"]

_VERSION = 1


class ArchiveStore(Protocol):
    """See `store.runs.ExportRuns`."""

    async def sections(self, export_id: int) -> list[ExportSection]: ...
    async def failed_files(self, export_id: int) -> list[ExportFile]: ...
    async def sizes(self, export_id: int) -> list[tuple[int, int]]: ...
    async def parts(self, export_id: int) -> list[ExportPart]: ...
    async def names(self, export_id: int, numbers: Collection[int]) -> dict[int, str]: ...


class Archive:
    """Implements `document.Documents`."""

    def __init__(self, store: ArchiveStore, source: SectionSource, *, public_url: str) -> None:
        self._store = store
        self._source = source
        self._public_url = public_url

    async def of(self, export: Export, now: datetime) -> AsyncGenerator[Document, None]:
        """Yield the documents, each of which is to be read before the next: JSON, pages, other formats, manifest."""
        sections = await self._store.sections(export.id)
        reader = SectionReader(self._source, export, sections)
        failed = await self._store.failed_files(export.id)
        manifest = _manifest(export, sections, failed, len(await self._store.sizes(export.id)), now)
        for section in SECTIONS:
            if section.name in reader.sections:
                yield Document(f"data/{section.name}.json", array(reader.lines(section.name)))

        async def names(photo_ids: Collection[str]) -> dict[str, str]:
            numbers = {ids.decode("p", photo_id): photo_id for photo_id in photo_ids}
            found = await self._store.names(export.id, numbers)
            return {numbers[number]: name for number, name in found.items()}

        nothing: Item = {}
        profile = await anext(reader.items("profile"), nothing)
        async for document in pages.documents(reader, profile, manifest, names):
            yield document
        async for document in formats.documents(reader, profile, names, public_url=self._public_url):
            yield document
        yield Document("manifest.json", _once(encoded(manifest)))


async def _once(content: bytes) -> AsyncIterator[bytes]:
    yield content


def _manifest(
    export: Export, sections: Sequence[ExportSection], failed: Sequence[ExportFile], originals: int, now: datetime
) -> dict[str, Any]:
    described = {section.name: section for section in SECTIONS}
    failures = [
        {"what": f"data/{one.name}.json", "problem": f"only a part of it: {one.problem}"}
        for one in sections
        if one.state is SectionState.FAILED
    ]
    failures += [{"what": one.name, "problem": one.problem or ""} for one in failed]
    return {
        "format": "photomesh-export",
        "version": _VERSION,
        "account_id": ids.encode("u", export.account_id),
        "requested_at": _time(export.created_at),
        "made_at": _time(now),
        "sections": [
            {
                "name": one.name,
                "title": described[one.name].title,
                "description": described[one.name].description,
                "file": f"data/{one.name}.json",
                "items": one.items,
                "complete": one.state is SectionState.COLLECTED,
            }
            for one in sections
            if one.name in described
        ],
        "originals": {"folder": "originals", "files": originals, "failed": len(failed)},
        "failed": failures,
        "not_included": [{"what": what, "why": why} for what, why in LEFT_OUT.items()],
    }


def _time(time: datetime) -> str:
    return time.isoformat(timespec="seconds").replace("+00:00", "Z")

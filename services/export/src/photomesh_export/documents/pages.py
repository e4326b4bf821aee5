"""Pages to read without a network: `index.html`, and one for each section. Templates escape every value."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from typing import Any

import jinja2

from photomesh_export.documents.document import Document, Item, SectionReader
from photomesh_shared.internal_api.export import SECTIONS

__all__ = ["Names", "documents"]

Names = Callable[[Collection[str]], Awaitable[Mapping[str, str]]]
"""Returns the file names of photos, by id; only of those that are there."""

_BATCH = 200
_IMAGES = (".jpg", ".jpeg", ".png", ".webp", ".avif", ".gif")


def _shown(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


_ENVIRONMENT = jinja2.Environment(
    loader=jinja2.PackageLoader("photomesh_export.documents"),
    autoescape=True,
    enable_async=True,
    trim_blocks=True,
    lstrip_blocks=True,
)
_ENVIRONMENT.filters["shown"] = _shown


async def documents(
    reader: SectionReader, profile: Item, manifest: Mapping[str, Any], names: Names
) -> AsyncIterator[Document]:
    yield Document("index.html", _rendered("index.html.j2", profile=profile, manifest=manifest))
    for section in SECTIONS:
        if section.name in reader.sections:
            rows = _rows(reader, section.name, names)
            yield Document(f"pages/{section.name}.html", _rendered("section.html.j2", section=section, rows=rows))


async def _rows(reader: SectionReader, name: str, names: Names) -> AsyncIterator[tuple[Item, list[tuple[str, bool]]]]:
    """Yield items without empty members, and the photos of each: path, and whether a browser shows it."""
    async for items in reader.batches(name, _BATCH):
        wanted = {photo_id for item in items for photo_id in _photos(name, item)}
        found = await names(wanted) if wanted else {}
        for item in items:
            files = [found[photo_id] for photo_id in _photos(name, item) if photo_id in found]
            shown = {key: value for key, value in item.items() if value not in (None, "", [], {})}
            yield shown, [(f"../{file}", file.endswith(_IMAGES)) for file in files]


def _photos(section: str, item: Item) -> list[str]:
    match section:
        case "posts":
            return list(item.get("photo_ids") or ())
        case "originals" | "photos":
            return [item["photo_id"]] if item.get("photo_id") else []
        case _:
            return []


async def _rendered(template: str, **values: object) -> AsyncIterator[bytes]:
    async for text in _ENVIRONMENT.get_template(template).generate_async(**values):
        yield text.encode()

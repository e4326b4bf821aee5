"""Response models."""

from __future__ import annotations

from pydantic import BaseModel, Field, JsonValue

from photomesh_export import domain
from photomesh_export.service import ExportView, Link
from photomesh_shared.events import UtcTime
from photomesh_shared.http.schemas import RequestBody, Url, examples
from photomesh_shared.internal_api.export import SECTIONS

__all__ = ["Export", "ExportCreate"]

_TITLES = {section.name: section.title for section in SECTIONS}
_PART: dict[str, JsonValue] = {
    "number": 1,
    "filename": "photomesh-u_8aB3x9Q2-2026-11-27-1.zip",
    "size_bytes": 104_857_600,
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "url": "https://storage.example/exports/u_8aB3x9Q2/parts/0001.zip?X-Amz-Algorithm=AWS4-HMAC-SHA256",
    "url_expires_at": "2026-11-27T10:20:00Z",
}
_COMPLETED: dict[str, JsonValue] = {
    "state": "completed",
    "created_at": "2026-11-27T10:00:00Z",
    "ended_at": "2026-11-27T10:05:00Z",
    "expires_at": "2026-12-04T10:05:00Z",
    "next_at": "2026-11-28T10:00:00Z",
    "sections": [{"name": "posts", "title": "Posts", "state": "collected", "items": 42}],
    "originals": 57,
    "originals_failed": 0,
    "parts_planned": 1,
    "parts": [_PART],
}
_RUNNING: dict[str, JsonValue] = _COMPLETED | {
    "state": "collecting",
    "ended_at": None,
    "expires_at": None,
    "next_at": None,
    "parts_planned": 0,
    "parts": [],
}


class ExportCreate(RequestBody):
    """Your password, and a code of your second factor if you have one."""

    model_config = examples({"password": "correct horse battery"})

    password: str = Field(
        max_length=1_000, description="Your current password.", json_schema_extra={"format": "password"}
    )
    code: str | None = Field(None, max_length=40, description="Of your second factor, if your account has one.")


class ExportSection(BaseModel):
    """A kind of records, which is one file of the export."""

    name: str = Field(description="Its name, and that of its file.")
    title: str
    state: str = Field(
        description="`pending`, `collected`, or `failed`: it could not be read after several attempts, and is left out."
    )
    items: int = Field(description="Records collected so far.")


class ExportPart(BaseModel):
    """A zip file."""

    number: int
    filename: str
    size_bytes: int
    sha256: str = Field(description="Checksum of the file, in hexadecimal.")
    url: Url = Field(description="GET it here; no token is needed, so anybody with the link can.")
    url_expires_at: UtcTime = Field(description="Then, get the export again for a new link.")

    @classmethod
    def of(cls, link: Link) -> ExportPart:
        return cls(
            number=link.part.number,
            filename=link.filename,
            size_bytes=link.part.size_bytes,
            sha256=link.part.sha256,
            url=link.url,
            url_expires_at=link.expires_at,
        )


class Export(BaseModel):
    model_config = examples(_COMPLETED, _RUNNING)

    state: str = Field(
        description="`queued`, `collecting` (records), `packing` (photos and zip files), `completed`, `failed`,"
        " `cancelled`, or `expired`: completed, and deleted since. More may be added."
    )
    created_at: UtcTime
    ended_at: UtcTime | None = Field(description="Null while it runs.")
    expires_at: UtcTime | None = Field(description="When its files are deleted, once it is completed.")
    next_at: UtcTime | None = Field(description="When the next one may begin; null while this one runs.")
    sections: list[ExportSection]
    originals: int = Field(description="Photos found so far.")
    originals_failed: int = Field(description="Of those, the ones that could not be read; the manifest lists them.")
    parts_planned: int = Field(description="How many zip files there will be; 0 until everything is collected.")
    parts: list[ExportPart] = Field(description="The zip files, once the export is completed.")

    @classmethod
    def of(cls, view: ExportView) -> Export:
        progress = view.progress
        export = progress.export
        return cls(
            state=str(export.state),
            created_at=export.created_at,
            ended_at=export.ended_at,
            expires_at=export.expires_at if export.state is domain.State.COMPLETED else None,
            next_at=view.next_at,
            sections=[
                ExportSection(
                    name=one.name, title=_TITLES.get(one.name, one.name), state=str(one.state), items=one.items
                )
                for one in progress.sections
            ],
            originals=progress.originals,
            originals_failed=progress.originals_failed,
            parts_planned=progress.parts_planned,
            parts=[ExportPart.of(link) for link in view.links],
        )

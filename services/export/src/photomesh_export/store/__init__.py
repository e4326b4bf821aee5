"""Exports in PostgreSQL. Here: rows as domain objects.

accounts   what accounts do and see
runs       what workers do, under a lease
upkeep     deletion of what is over, erasure, and figures
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from photomesh_export.domain import Export, ExportFile, ExportPart, ExportSection, SectionState, State

if TYPE_CHECKING:
    import asyncpg

__all__ = ["EXPORT", "export_of", "file_of_row", "part_of", "section_of"]

EXPORT = "id, account_id, prefix, state, created_at, ended_at, expires_at, attempts"
"""What `export_of` needs."""


def export_of(row: asyncpg.Record) -> Export:
    return Export(
        id=row["id"],
        account_id=row["account_id"],
        prefix=row["prefix"],
        state=State(row["state"]),
        created_at=row["created_at"],
        ended_at=row["ended_at"],
        expires_at=row["expires_at"],
        attempts=row["attempts"],
    )


def section_of(row: asyncpg.Record) -> ExportSection:
    return ExportSection(
        name=row["name"],
        state=SectionState(row["state"]),
        position=row["position"],
        items=row["items"],
        bytes=row["bytes"],
        chunks=row["chunks"],
        problem=row["problem"],
    )


def file_of_row(row: asyncpg.Record) -> ExportFile:
    return ExportFile(
        number=row["number"],
        name=row["name"],
        object_key=row["object_key"],
        etag=row["etag"],
        size_bytes=row["size_bytes"],
        modified_at=row["modified_at"],
        part=row["part"],
        problem=row["problem"],
    )


def part_of(row: asyncpg.Record) -> ExportPart:
    return ExportPart(row["number"], row["object_key"], row["size_bytes"], row["sha256"], row["completed_at"])

"""Exports as workers run them. A worker has a lease on its export, and each change names it: a worker that was away for
longer than that, and whose export another has taken, changes nothing any more."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import TYPE_CHECKING

from photomesh_export.domain import ExportFile, ExportPart, ExportSection, Lease, State
from photomesh_export.errors import LeaseLost
from photomesh_export.store import EXPORT, export_of, file_of_row, part_of, section_of
from photomesh_shared.stores.postgres import connection, transaction

if TYPE_CHECKING:
    from photomesh_shared.stores.postgres import Connection, Pool

__all__ = ["ExportRuns"]

_RUNNING = "state IN ('queued', 'collecting', 'packing')"


class ExportRuns:
    """Implements `running.protocols.RunStore`. Every method raises DatabaseUnavailable when the server does not answer;
    those that take a lease raise LeaseLost."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def claim(self, token: str, now: datetime, until: datetime) -> Lease | None:
        """Take the export that is due for the longest, and that no worker has."""
        async with transaction(self._pool) as tx:
            row = await tx.fetchrow(
                "UPDATE exports SET lease_token = $1, leased_until = $3, attempts = attempts + 1 WHERE id = ("  # noqa: S608
                f" SELECT id FROM exports WHERE {_RUNNING} AND run_after <= $2"
                " AND coalesce(leased_until, '-infinity') <= $2 ORDER BY run_after, id LIMIT 1 FOR UPDATE SKIP LOCKED)"
                f" RETURNING {EXPORT}",
                token,
                now,
                until,
            )
        return Lease(export_of(row), token) if row else None

    async def renew(self, lease: Lease, until: datetime) -> None:
        async with self._held(lease) as tx:
            await tx.execute("UPDATE exports SET leased_until = $2 WHERE id = $1", lease.export.id, until)

    async def release(self, lease: Lease, *, run_after: datetime | None = None, counted: bool = True) -> None:
        """Give the export up, for another attempt after `run_after`. `counted`: the attempt counts. Does nothing if the
        lease is lost."""
        async with connection(self._pool) as conn:
            await conn.execute(
                "UPDATE exports SET leased_until = NULL, lease_token = NULL,"
                " run_after = coalesce($3, run_after), attempts = attempts - $4 WHERE id = $1 AND lease_token = $2",
                lease.export.id,
                lease.token,
                run_after,
                0 if counted else 1,
            )

    async def start(self, lease: Lease, sections: Sequence[str]) -> None:
        """Begin to collect. Idempotent."""
        async with self._held(lease) as tx:
            await tx.executemany(
                "INSERT INTO export_sections (export_id, name, ordinal) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
                [(lease.export.id, name, ordinal) for ordinal, name in enumerate(sections)],
            )
            await tx.execute("UPDATE exports SET state = 'collecting' WHERE id = $1", lease.export.id)

    async def sections(self, export_id: int) -> list[ExportSection]:
        async with connection(self._pool) as conn:
            rows = await conn.fetch("SELECT * FROM export_sections WHERE export_id = $1 ORDER BY ordinal", export_id)
        return [section_of(row) for row in rows]

    async def save_section(self, lease: Lease, section: ExportSection, files: Sequence[ExportFile] = ()) -> None:
        """Store how far a section was collected, and the photos that it names."""
        async with self._held(lease) as tx:
            await tx.execute(
                "UPDATE export_sections SET state = $3, position = $4, items = $5, bytes = $6, chunks = $7,"
                " problem = $8 WHERE export_id = $1 AND name = $2",
                lease.export.id,
                section.name,
                str(section.state),
                section.position,
                section.items,
                section.bytes,
                section.chunks,
                section.problem,
            )
            await tx.executemany(
                "INSERT INTO export_files (export_id, number, name, object_key, etag, size_bytes, modified_at)"
                " VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
                [
                    (lease.export.id, one.number, one.name, one.object_key, one.etag, one.size_bytes, one.modified_at)
                    for one in files
                ],
            )
            await self._progressed(tx, lease)

    async def sizes(self, export_id: int) -> list[tuple[int, int]]:
        """Return number and size of each photo, in order."""
        async with connection(self._pool) as conn:
            rows = await conn.fetch(
                "SELECT number, size_bytes FROM export_files WHERE export_id = $1 ORDER BY number", export_id
            )
        return [(row["number"], row["size_bytes"]) for row in rows]

    async def plan(self, lease: Lease, parts: Mapping[int, int]) -> None:
        """Store the part of each photo, by its number, and begin to pack."""
        async with self._held(lease) as tx:
            await tx.execute(
                "UPDATE export_files f SET part = p.part FROM unnest($2::bigint[], $3::integer[]) AS p (number, part)"
                " WHERE f.export_id = $1 AND f.number = p.number",
                lease.export.id,
                list(parts),
                list(parts.values()),
            )
            await tx.execute("UPDATE exports SET state = 'packing' WHERE id = $1", lease.export.id)
            await self._progressed(tx, lease)

    async def parts_planned(self, export_id: int) -> int:
        async with connection(self._pool) as conn:
            last = await conn.fetchval("SELECT max(part) FROM export_files WHERE export_id = $1", export_id)
        return last or 1

    async def parts(self, export_id: int) -> list[ExportPart]:
        async with connection(self._pool) as conn:
            rows = await conn.fetch("SELECT * FROM export_parts WHERE export_id = $1 ORDER BY number", export_id)
        return [part_of(row) for row in rows]

    async def files(self, export_id: int, part: int) -> AsyncIterator[ExportFile]:
        """Yield the photos of a part in order, read a page at a time."""
        after = -1
        while True:
            async with connection(self._pool) as conn:
                rows = await conn.fetch(
                    "SELECT * FROM export_files WHERE export_id = $1 AND part = $2 AND number > $3"
                    " ORDER BY number LIMIT 500",
                    export_id,
                    part,
                    after,
                )
            for row in rows:
                yield file_of_row(row)
            if len(rows) < 500:
                return
            after = rows[-1]["number"]

    async def failed_files(self, export_id: int) -> list[ExportFile]:
        async with connection(self._pool) as conn:
            rows = await conn.fetch(
                "SELECT * FROM export_files WHERE export_id = $1 AND problem IS NOT NULL ORDER BY number", export_id
            )
        return [file_of_row(row) for row in rows]

    async def names(self, export_id: int, numbers: Collection[int]) -> dict[int, str]:
        """Return the file names of photos, by number; only those that are there."""
        async with connection(self._pool) as conn:
            rows = await conn.fetch(
                "SELECT number, name FROM export_files"
                " WHERE export_id = $1 AND number = ANY($2::bigint[]) AND problem IS NULL",
                export_id,
                list(numbers),
            )
        return {row["number"]: row["name"] for row in rows}

    async def save_problem(self, lease: Lease, number: int, problem: str) -> None:
        """Store why a photo is missing, or not whole."""
        async with self._held(lease) as tx:
            await tx.execute(
                "UPDATE export_files SET problem = $3 WHERE export_id = $1 AND number = $2",
                lease.export.id,
                number,
                problem,
            )

    async def save_part(self, lease: Lease, part: ExportPart) -> None:
        async with self._held(lease) as tx:
            await tx.execute(
                "INSERT INTO export_parts (export_id, number, object_key, size_bytes, sha256, completed_at)"
                " VALUES ($1, $2, $3, $4, $5, $6)",
                lease.export.id,
                part.number,
                part.object_key,
                part.size_bytes,
                part.sha256,
                part.completed_at,
            )
            await self._progressed(tx, lease)

    async def finish(self, lease: Lease, state: State, now: datetime, expires_at: datetime | None = None) -> None:
        async with self._held(lease) as tx:
            await tx.execute(
                "UPDATE exports SET state = $2::text, ended_at = $3, expires_at = $4, leased_until = NULL,"
                " lease_token = NULL, ready_notice_due = CASE WHEN $2::text = 'completed' THEN $3::timestamptz END"
                " WHERE id = $1",
                lease.export.id,
                str(state),
                now,
                expires_at,
            )

    @asynccontextmanager
    async def _held(self, lease: Lease) -> AsyncIterator[Connection]:
        """A transaction in which nobody can take the lease."""
        async with transaction(self._pool) as tx:
            held = await tx.fetchval(
                f"SELECT true FROM exports WHERE id = $1 AND lease_token = $2 AND {_RUNNING} FOR UPDATE",  # noqa: S608
                lease.export.id,
                lease.token,
            )
            if not held:
                raise LeaseLost
            yield tx

    @staticmethod
    async def _progressed(tx: Connection, lease: Lease) -> None:
        await tx.execute("UPDATE exports SET attempts = 1 WHERE id = $1", lease.export.id)

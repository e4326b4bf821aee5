"""Exports as accounts begin, see and cancel them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from photomesh_export.domain import Export, Progress, State
from photomesh_export.store import EXPORT, export_of, part_of, section_of
from photomesh_shared.errors import AccountNotFound
from photomesh_shared.stores.postgres import transaction

if TYPE_CHECKING:
    from photomesh_shared.stores.postgres import Pool

__all__ = ["AccountExports"]

_RUNNING = "state IN ('queued', 'collecting', 'packing')"


class AccountExports:
    """Implements `service.ExportStore`. Every method raises DatabaseUnavailable when the server does not answer."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def begin(
        self, account_id: int, prefix: str, now: datetime, *, since: datetime, check: Callable[[Sequence[Export]], None]
    ) -> tuple[Export, bool]:
        """Return the account's running export, or a new one, and whether it is new. `check` refuses by raising; it gets
        the exports that were created after `since`. Raises AccountNotFound for one that was erased."""
        async with transaction(self._pool) as tx:
            # One after the other: without a row yet there is nothing else to lock.
            await tx.execute("SELECT pg_advisory_xact_lock($1)", account_id)
            if await tx.fetchval("SELECT true FROM erased_accounts WHERE account_id = $1", account_id):
                raise AccountNotFound
            running = await tx.fetchrow(
                f"SELECT {EXPORT} FROM exports WHERE account_id = $1 AND {_RUNNING}",  # noqa: S608
                account_id,
            )
            if running:
                return export_of(running), False
            earlier = await tx.fetch(
                f"SELECT {EXPORT} FROM exports WHERE account_id = $1 AND created_at > $2",  # noqa: S608
                account_id,
                since,
            )
            check([export_of(row) for row in earlier])
            row = await tx.fetchrow(
                "INSERT INTO exports (account_id, prefix, state, created_at, run_after, request_notice_due)"  # noqa: S608
                f" VALUES ($1, $2, 'queued', $3, $3, $3) RETURNING {EXPORT}",
                account_id,
                prefix,
                now,
            )
            assert row is not None
            return export_of(row), True

    async def latest(self, account_id: int) -> Progress | None:
        async with transaction(self._pool) as tx:
            row = await tx.fetchrow(
                f"SELECT {EXPORT} FROM exports WHERE account_id = $1 ORDER BY id DESC LIMIT 1",  # noqa: S608
                account_id,
            )
            if row is None:
                return None
            export = export_of(row)
            sections = await tx.fetch("SELECT * FROM export_sections WHERE export_id = $1 ORDER BY ordinal", export.id)
            parts = await tx.fetch("SELECT * FROM export_parts WHERE export_id = $1 ORDER BY number", export.id)
            files = await tx.fetchrow(
                "SELECT count(*) AS files, count(problem) AS failed, coalesce(max(part), 0) AS parts"
                " FROM export_files WHERE export_id = $1",
                export.id,
            )
        assert files is not None
        planned = export.state in (State.PACKING, State.COMPLETED)
        return Progress(
            export,
            [section_of(one) for one in sections],
            [part_of(one) for one in parts],
            parts_planned=max(files["parts"], 1) if planned else 0,
            originals=files["files"],
            originals_failed=files["failed"],
        )

    async def cancel(self, account_id: int, now: datetime) -> int:
        """End the account's running export, and take back a finished one. Returns how many were running."""
        async with transaction(self._pool) as tx:
            await tx.execute("SELECT pg_advisory_xact_lock($1)", account_id)
            rows = await tx.fetch(
                f"UPDATE exports SET state = 'cancelled', ended_at = $2 WHERE account_id = $1 AND {_RUNNING}"  # noqa: S608
                " RETURNING id",
                account_id,
                now,
            )
            # Expired, not cancelled: it counts as one that was completed.
            await tx.execute(
                "UPDATE exports SET state = 'expired' WHERE account_id = $1 AND state = 'completed'", account_id
            )
        return len(rows)

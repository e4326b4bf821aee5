"""What happens to endpoints when something happens to accounts, in PostgreSQL."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from photomesh_shared.stores.postgres import connection, transaction
from photomesh_webhook.endpoints.domain import DisabledReason
from photomesh_webhook.endpoints.store import ENDPOINT, PostgresEndpoints, endpoint_of, save_endpoint

if TYPE_CHECKING:
    from photomesh_shared.stores.postgres import Pool

__all__ = ["PostgresAccounts"]


class PostgresAccounts:
    """Implements `event_handlers.AccountStore` and `ErasureStore`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._endpoints = PostgresEndpoints(pool)

    async def set_active(self, account_id: int, now: datetime, *, active: bool) -> int:
        """Disable the account's endpoints, or enable those that were disabled so. Returns how many changed."""
        changed = 0
        async with transaction(self._pool) as tx:
            rows = await tx.fetch(
                f"SELECT {ENDPOINT} FROM endpoints WHERE account_id = $1 ORDER BY id FOR UPDATE",  # noqa: S608 - ours
                account_id,
            )
            for before in map(endpoint_of, rows):
                if not active:
                    after = before.disable(DisabledReason.ACCOUNT, now)
                elif before.disabled_reason is DisabledReason.ACCOUNT:
                    after = before.enable(now)
                else:
                    continue
                changed += after != before
                await save_endpoint(tx, before, after, now)
        return changed

    async def mark_erased(self, account_id: int, now: datetime) -> None:
        """From then on the account makes no endpoint."""
        async with transaction(self._pool) as tx:
            await tx.execute("SELECT pg_advisory_xact_lock($1)", account_id)  # as creations do
            await tx.execute("INSERT INTO erased_accounts VALUES ($1, $2) ON CONFLICT DO NOTHING", account_id, now)

    async def endpoints_of(self, account_id: int) -> Sequence[int]:
        async with connection(self._pool) as conn:
            rows = await conn.fetch("SELECT id FROM endpoints WHERE account_id = $1 ORDER BY id", account_id)
        return [row["id"] for row in rows]

    async def delete_log(self, endpoint_id: int, limit: int) -> int:
        """Delete some of an endpoint's deliveries. Returns how many."""
        async with connection(self._pool) as conn:
            rows = await conn.fetch(
                "DELETE FROM deliveries WHERE id IN (SELECT id FROM deliveries WHERE endpoint_id = $1 LIMIT $2)"
                " RETURNING id",
                endpoint_id,
                limit,
            )
        return len(rows)

    async def delete_endpoint(self, account_id: int, endpoint_id: int, now: datetime) -> bool:
        return await self._endpoints.delete(account_id, endpoint_id, now)

    async def withdraw(self, account_id: int, except_types: Collection[str], limit: int) -> int:
        """Delete some of what waits to be sent about an account, but for these types. Returns how much."""
        async with connection(self._pool) as conn:
            rows = await conn.fetch(
                "DELETE FROM deliveries WHERE id IN (SELECT id FROM deliveries WHERE state = 'pending'"
                " AND about @> ARRAY[$1::bigint] AND type <> ALL($2::text[]) LIMIT $3) RETURNING id",
                account_id,
                list(except_types),
                limit,
            )
        return len(rows)

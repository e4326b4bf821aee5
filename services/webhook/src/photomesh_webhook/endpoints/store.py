"""Endpoints in PostgreSQL."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from photomesh_shared.errors import AccountNotFound
from photomesh_shared.events.versions import next_version
from photomesh_shared.stores import outbox
from photomesh_shared.stores.postgres import connection, transaction
from photomesh_webhook.endpoints.domain import Audience, DisabledReason, Endpoint, Ordering, State
from photomesh_webhook.endpoints.events import deleted, state_changed
from photomesh_webhook.endpoints.service import Change
from photomesh_webhook.errors import TooManyWebhooks

if TYPE_CHECKING:
    import asyncpg

    from photomesh_shared.stores.postgres import Connection, Pool

__all__ = ["ENDPOINT", "PostgresEndpoints", "endpoint_of", "lock_endpoint", "save_endpoint", "wake"]

ENDPOINT = (
    "id, account_id, audience, url, types, ordering, description, state, disabled_reason, version, created_at,"
    " updated_at, round, behind, gap, failing_since, next_probe_at"
)
"""What `endpoint_of` needs."""

_PENDING = (
    "(SELECT count(*) FROM (SELECT FROM deliveries d"
    " WHERE d.endpoint_id = e.id AND d.state = 'pending' LIMIT 10000) p) AS pending"
)


def endpoint_of(row: asyncpg.Record) -> Endpoint:
    return Endpoint(
        id=row["id"],
        account_id=row["account_id"],
        audience=Audience(row["audience"]),
        url=row["url"],
        types=tuple(row["types"]),
        ordering=Ordering(row["ordering"]),
        description=row["description"],
        state=State(row["state"]),
        disabled_reason=DisabledReason(row["disabled_reason"]) if row["disabled_reason"] else None,
        version=row["version"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        round=row["round"],
        behind=row["behind"],
        gap=row["gap"],
        failing_since=row["failing_since"],
        next_probe_at=row["next_probe_at"],
        pending=row["pending"] if "pending" in row.keys() else 0,  # noqa: SIM118 - a record is no mapping,
    )


async def lock_endpoint(tx: Connection, account_id: int, endpoint_id: int) -> Endpoint | None:
    """Return the account's endpoint, locked until the transaction ends."""
    row = await tx.fetchrow(
        f"SELECT {ENDPOINT} FROM endpoints WHERE id = $1 AND account_id = $2 FOR UPDATE",  # noqa: S608 - ours
        endpoint_id,
        account_id,
    )
    return endpoint_of(row) if row else None


async def wake(tx: Connection, endpoint_ids: Collection[int], now: datetime) -> None:
    """Have a sender look at endpoints. In each transaction that gives them something to do: a row, or the state
    `enabled`."""
    await tx.execute(
        "UPDATE endpoints SET due_at = $2 WHERE id = ANY($1::bigint[]) AND (due_at IS NULL OR due_at > $2)",
        endpoint_ids,
        now,
    )


async def save_endpoint(tx: Connection, before: Endpoint, after: Endpoint, now: datetime) -> None:
    """Store a locked endpoint as it is after a change, with the event if its state is another one."""
    if after == before:
        return
    await tx.execute(
        "UPDATE endpoints SET url = $2, types = $3, ordering = $4, description = $5, state = $6, disabled_reason = $7,"
        " version = $8, updated_at = $9, round = $10, behind = $11, gap = $12, failing_since = $13,"
        " next_probe_at = $14 WHERE id = $1",
        after.id,
        after.url,
        list(after.types),
        str(after.ordering),
        after.description,
        str(after.state),
        str(after.disabled_reason) if after.disabled_reason else None,
        after.version,
        after.updated_at,
        after.round,
        after.behind,
        after.gap,
        after.failing_since,
        after.next_probe_at,
    )
    if after.failing_since is None and (before.failing_since is not None or after.state is not before.state):
        await tx.execute(
            "UPDATE endpoints SET failures = 0, attempts_failed = 0, warned_hours = 0 WHERE id = $1", after.id
        )
    await wake(tx, [after.id], now)
    is_other_state = after.state is not before.state
    if is_other_state or (before.failing_since is not None and after.failing_since is None):
        await outbox.add(tx, state_changed(after, now))  # also takes back what its owner was told
    if is_other_state and after.state is State.ENABLED:  # what waited because of what was is due at once
        await tx.execute(
            "UPDATE deliveries SET next_attempt_at = $2"
            " WHERE endpoint_id = $1 AND state = 'pending' AND next_attempt_at > $2",
            after.id,
            now,
        )


class PostgresEndpoints:
    """Implements `service.EndpointStore`. Every method raises DatabaseUnavailable."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def create(self, endpoint: Endpoint, sealed: bytes, *, limit: int) -> tuple[Endpoint, bytes | None]:
        """Return the endpoint and its sealed secret. One that an earlier attempt stored under the id is returned as it
        is now, with its secret unless it was replaced. Raises TooManyWebhooks, and AccountNotFound for an account that
        was erased."""
        async with transaction(self._pool) as tx:
            # One after the other: without a row yet there is nothing else to lock.
            await tx.execute("SELECT pg_advisory_xact_lock($1)", endpoint.account_id)
            if await tx.fetchval("SELECT true FROM erased_accounts WHERE account_id = $1", endpoint.account_id):
                raise AccountNotFound
            stored = await lock_endpoint(tx, endpoint.account_id, endpoint.id)
            if stored is not None:
                rows = await tx.fetch("SELECT sealed FROM secrets WHERE endpoint_id = $1", endpoint.id)
                return stored, rows[0]["sealed"] if len(rows) == 1 else None
            count = await tx.fetchval("SELECT count(*) FROM endpoints WHERE account_id = $1", endpoint.account_id)
            if count >= limit:
                raise TooManyWebhooks(limit=limit)
            await tx.execute(
                "INSERT INTO endpoints (id, account_id, audience, url, types, ordering, description, state, version,"
                " created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
                endpoint.id,
                endpoint.account_id,
                str(endpoint.audience),
                endpoint.url,
                list(endpoint.types),
                str(endpoint.ordering),
                endpoint.description,
                str(endpoint.state),
                endpoint.version,
                endpoint.created_at,
                endpoint.updated_at,
            )
            await tx.execute(
                "INSERT INTO secrets (endpoint_id, sealed, created_at) VALUES ($1, $2, $3)",
                endpoint.id,
                sealed,
                endpoint.created_at,
            )
            await outbox.add(tx, state_changed(endpoint, endpoint.created_at))
        return endpoint, sealed

    async def get(self, account_id: int, endpoint_id: int) -> Endpoint | None:
        async with connection(self._pool) as conn:
            row = await conn.fetchrow(
                f"SELECT {ENDPOINT}, {_PENDING} FROM endpoints e WHERE id = $1 AND account_id = $2",  # noqa: S608 - ours
                endpoint_id,
                account_id,
            )
        return endpoint_of(row) if row else None

    async def list_of(self, account_id: int) -> Sequence[Endpoint]:
        async with connection(self._pool) as conn:
            rows = await conn.fetch(
                f"SELECT {ENDPOINT}, {_PENDING} FROM endpoints e WHERE account_id = $1 ORDER BY id",  # noqa: S608 - ours
                account_id,
            )
        return [endpoint_of(row) for row in rows]

    async def change(self, account_id: int, endpoint_id: int, change: Change, now: datetime) -> Endpoint | None:
        """Return the endpoint as it is after `change`, which may raise; None if there is none."""
        async with transaction(self._pool) as tx:
            before = await lock_endpoint(tx, account_id, endpoint_id)
            if before is None:
                return None
            await save_endpoint(tx, before, change(before), now)
        return await self.get(account_id, endpoint_id)

    async def add_secret(
        self, account_id: int, endpoint_id: int, change: Change, sealed: bytes, now: datetime, old_until: datetime
    ) -> Endpoint | None:
        """Store another secret. The newest one before lives until `old_until`; older ones are deleted."""
        async with transaction(self._pool) as tx:
            before = await lock_endpoint(tx, account_id, endpoint_id)
            if before is None:
                return None
            await save_endpoint(tx, before, change(before), now)
            await tx.execute(
                "DELETE FROM secrets WHERE endpoint_id = $1"
                " AND id < (SELECT max(id) FROM secrets WHERE endpoint_id = $1)",
                endpoint_id,
            )
            await tx.execute("UPDATE secrets SET expires_at = $2 WHERE endpoint_id = $1", endpoint_id, old_until)
            await tx.execute(
                "INSERT INTO secrets (endpoint_id, sealed, created_at) VALUES ($1, $2, $3)", endpoint_id, sealed, now
            )
        return await self.get(account_id, endpoint_id)

    async def delete(self, account_id: int, endpoint_id: int, now: datetime) -> bool:
        """Delete an endpoint with its secrets, cursors and what waits to be sent; the rest of its log is swept."""
        async with transaction(self._pool) as tx:
            endpoint = await lock_endpoint(tx, account_id, endpoint_id)
            if endpoint is None:
                return False
            await tx.execute("DELETE FROM endpoints WHERE id = $1", endpoint_id)
            await tx.execute("DELETE FROM deliveries WHERE endpoint_id = $1 AND state = 'pending'", endpoint_id)
            await outbox.add(tx, deleted(endpoint, next_version(endpoint.version, now), now))
        return True

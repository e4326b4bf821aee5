"""Deliveries in PostgreSQL, as owners see and cause them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from photomesh_shared.kafka.source import Partition
from photomesh_shared.stores.postgres import connection, transaction
from photomesh_webhook.deliveries.domain import Delivery, DeliveryState
from photomesh_webhook.deliveries.service import Check, TestEvent
from photomesh_webhook.endpoints.domain import Endpoint
from photomesh_webhook.endpoints.service import Change
from photomesh_webhook.endpoints.store import PostgresEndpoints, lock_endpoint, save_endpoint, wake
from photomesh_webhook.errors import EventGone, TooManyTests, WebhookNotFound

if TYPE_CHECKING:
    import asyncpg

    from photomesh_shared.stores.postgres import Connection, Pool

__all__ = ["DELIVERY", "PostgresDeliveries", "delivery_of"]

DELIVERY = (
    "id, endpoint_id, event_id, type, subject, event_time, state, attempts, created_at, topic, partition,"
    " record_offset, next_attempt_at, finished_at, last_status, last_ms, last_answer, last_error"
)
"""What `delivery_of` needs."""

_SOURCE = "/photomesh/webhook"


def delivery_of(row: asyncpg.Record) -> Delivery:
    return Delivery(**{**row, "state": DeliveryState(row["state"])})


class PostgresDeliveries:
    """Implements `service.DeliveryStore`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._endpoints = PostgresEndpoints(pool)

    async def endpoint(self, account_id: int, endpoint_id: int) -> Endpoint:
        found = await self._endpoints.get(account_id, endpoint_id)
        if found is None:
            raise WebhookNotFound
        return found

    async def page(
        self, account_id: int, endpoint_id: int, state: DeliveryState | None, before: int | None, limit: int
    ) -> Sequence[Delivery]:
        """The newest first, older than `before`."""
        async with connection(self._pool) as conn:
            if not await conn.fetchval(
                "SELECT true FROM endpoints WHERE id = $1 AND account_id = $2", endpoint_id, account_id
            ):
                raise WebhookNotFound
            conditions = ["endpoint_id = $1"]
            arguments: list[int | str] = [endpoint_id, limit]
            for column, value in (("state =", str(state) if state else None), ("id <", before)):
                if value is not None:
                    arguments.append(value)
                    conditions.append(f"{column} ${len(arguments)}")
            rows = await conn.fetch(
                f"SELECT {DELIVERY} FROM deliveries WHERE {' AND '.join(conditions)} ORDER BY id DESC LIMIT $2",  # noqa: S608 - ours
                *arguments,
            )
        return [delivery_of(row) for row in rows]

    async def get(self, account_id: int, endpoint_id: int, delivery_id: int) -> Delivery | None:
        await self.endpoint(account_id, endpoint_id)
        async with connection(self._pool) as conn:
            row = await conn.fetchrow(
                f"SELECT {DELIVERY} FROM deliveries WHERE id = $1 AND endpoint_id = $2",  # noqa: S608 - ours
                delivery_id,
                endpoint_id,
            )
        return delivery_of(row) if row else None

    async def add_test(
        self, account_id: int, endpoint_id: int, event: TestEvent, check: Check, *, limit: int
    ) -> Delivery:
        """Raises TooManyTests, and as `check`."""
        async with transaction(self._pool) as tx:
            endpoint = await _locked(tx, account_id, endpoint_id)
            check(endpoint)
            waiting = await tx.fetchval(
                "SELECT count(*) FROM deliveries WHERE endpoint_id = $1 AND state = 'pending' AND topic IS NULL",
                endpoint_id,
            )
            if waiting >= limit:
                raise TooManyTests(limit=limit)
            row = await tx.fetchrow(
                "INSERT INTO deliveries (endpoint_id, round, event_id, type, subject, source, event_time,"  # noqa: S608
                " entityversion, body, about, state, next_attempt_at, created_at)"
                f" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'pending', $7, $7) RETURNING {DELIVERY}",
                endpoint_id,
                endpoint.round,
                event.event_id,
                event.type,
                event.subject,
                _SOURCE,
                event.time,
                event.entityversion,
                event.body,
                [account_id],
            )
            await wake(tx, [endpoint_id], event.time)
        assert row is not None
        return delivery_of(row)

    async def send_again(
        self, account_id: int, endpoint_id: int, delivery_id: int, body: bytes | None, check: Check, now: datetime
    ) -> Delivery | None:
        """Make a delivery due, as if it had never been tried. `body`: of one that does not wait. Raises EventGone if it
        is about an account that was erased, and as `check`."""
        async with transaction(self._pool) as tx:
            check(await _locked(tx, account_id, endpoint_id))
            row = await tx.fetchrow(
                "SELECT state, EXISTS (SELECT FROM erased_accounts WHERE account_id = ANY(about)) AS erased"
                " FROM deliveries WHERE id = $1 AND endpoint_id = $2 FOR UPDATE",
                delivery_id,
                endpoint_id,
            )
            if row is None:
                return None
            if row["erased"] or (body is None and row["state"] != "pending"):
                raise EventGone
            changed = await tx.fetchrow(
                "UPDATE deliveries SET state = 'pending', body = coalesce(body, $2), attempts = 0,"  # noqa: S608 - ours
                f" next_attempt_at = $3, finished_at = NULL WHERE id = $1 RETURNING {DELIVERY}",
                delivery_id,
                body,
                now,
            )
            await wake(tx, [endpoint_id], now)
        return delivery_of(changed) if changed else None

    async def replay(
        self, account_id: int, endpoint_id: int, change: Change, offsets: Mapping[Partition, int], now: datetime
    ) -> Endpoint:
        """Set the endpoint's cursors to these offsets, or leave those that are before them. Raises as `change`."""
        async with transaction(self._pool) as tx:
            before = await _locked(tx, account_id, endpoint_id)
            await save_endpoint(tx, before, change(before), now)
            # Not beyond the group's position: from there on, an endpoint that is behind gets no rows.
            await tx.execute(
                "INSERT INTO cursors AS c (endpoint_id, topic, partition, next_offset)"
                " SELECT $1, o.topic, o.partition, least(o.next_offset, p.next_offset)"
                " FROM unnest($2::text[], $3::integer[], $4::bigint[]) AS o (topic, partition, next_offset)"
                " LEFT JOIN positions p USING (topic, partition)"
                " ON CONFLICT (endpoint_id, topic, partition)"
                " DO UPDATE SET next_offset = least(c.next_offset, excluded.next_offset)",
                endpoint_id,
                [partition.topic for partition in offsets],
                [partition.number for partition in offsets],
                list(offsets.values()),
            )
        return await self.endpoint(account_id, endpoint_id)


async def _locked(tx: Connection, account_id: int, endpoint_id: int) -> Endpoint:
    found = await lock_endpoint(tx, account_id, endpoint_id)
    if found is None:
        raise WebhookNotFound
    return found

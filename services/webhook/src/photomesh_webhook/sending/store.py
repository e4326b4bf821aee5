"""Endpoints and their rows as the sender needs them, in PostgreSQL."""

from __future__ import annotations

import random
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from photomesh_shared.events.versions import next_version
from photomesh_shared.stores import outbox
from photomesh_shared.stores.postgres import connection, transaction
from photomesh_webhook.endpoints.domain import Audience, DisabledReason, Ordering
from photomesh_webhook.endpoints.events import state_changed
from photomesh_webhook.endpoints.store import endpoint_of
from photomesh_webhook.sending import statements
from photomesh_webhook.sending.domain import OPENS_AFTER, Health, Outcome
from photomesh_webhook.sending.metrics import DISABLED
from photomesh_webhook.sending.rows import Answered, Row, RowChange, Target, TargetChange, due_at, settle

if TYPE_CHECKING:
    import asyncpg

    from photomesh_shared.stores.postgres import Connection, Pool

__all__ = ["PostgresSending", "PostgresUpkeep"]


class PostgresSending:
    """Implements `protocols.Store`. Every method raises DatabaseUnavailable."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def claim(self, worker: str, now: datetime, until: datetime, limit: int) -> list[int]:
        """Lease endpoints that have something due. Returns their ids."""
        async with connection(self._pool) as db:
            return [row["id"] for row in await db.fetch(statements.CLAIM, worker, until, now, limit)]

    async def renew(self, endpoint_id: int, worker: str, until: datetime) -> bool:
        """Keep an endpoint. False if another worker has it, or it was deleted."""
        async with connection(self._pool) as db:
            return bool((await db.execute(statements.RENEW, endpoint_id, worker, until)).endswith(" 1"))

    async def release(self, endpoint_id: int, worker: str, now: datetime, *, not_before: datetime | None) -> None:
        """Give an endpoint back, and note when to look at it again: not before that moment. In one transaction with a
        look at its rows, so that none that comes meanwhile is forgotten."""
        async with transaction(self._pool) as tx:
            found = await tx.fetchrow(statements.TARGET_FOR_CHANGE, endpoint_id)
            if found is None:
                return
            target = _target(found)
            by_subject = target.ordering is Ordering.SUBJECT
            test_at = await tx.fetchval(statements.NEXT_TEST, endpoint_id)
            row_at = await tx.fetchval(statements.NEXT_HEAD if by_subject else statements.NEXT_ROW, endpoint_id)
            at = due_at(target, test_at, row_at, now)
            if at is not None and not_before is not None:
                at = max(at, not_before)
            await tx.execute(statements.RELEASE, endpoint_id, worker, at)

    async def target(self, endpoint_id: int, now: datetime) -> Target | None:
        """None if the endpoint was deleted."""
        async with connection(self._pool) as db:
            found = await db.fetchrow(statements.TARGET, endpoint_id, now)
        return _target(found, tuple(found["secrets"])) if found else None

    async def due(self, target: Target, now: datetime, *, busy: Collection[Row], limit: int) -> list[Row]:
        """The next rows to send: of each lane without a busy row, the first; tests before all."""
        by_subject = target.ordering is Ordering.SUBJECT
        async with connection(self._pool) as db:
            rows = await db.fetch(
                statements.DUE_HEADS if by_subject else statements.DUE_ROWS,
                target.id,
                now,
                [row.subject if by_subject else row.id for row in busy],
                limit,
                target.health.is_open,
                not (target.enabled and target.health.may_send(now)),
            )
        return [_row(row) for row in rows]

    async def settle(self, target: Target, answers: Sequence[Answered], randomness: random.Random) -> None:
        """Note what came of requests, for their rows and for the endpoint."""
        if target.health.is_well and all(
            one.verdict is None or one.verdict.outcome is Outcome.ACCEPTED for one in answers
        ):
            rows, _ = settle(target.health, answers, randomness)
            async with connection(self._pool) as db:
                await _change_rows(db, rows)
            return
        async with transaction(self._pool) as tx:
            found = await tx.fetchrow(statements.TARGET_FOR_CHANGE, target.id)
            if found is None:
                return
            current = _target(found)
            rows, change = settle(current.health, answers, randomness, enabled=current.enabled)
            await _change_rows(tx, rows)
            await self._change_target(tx, current, found["version"], change, answers[-1].at)

    async def revoke(self, target: Target, now: datetime, *, busy: Collection[Row]) -> None:
        """Disable an endpoint whose owner is no administrator any more, and withhold what waits, but for what is
        being sent. Idempotent."""
        async with transaction(self._pool) as tx:
            found = await tx.fetchrow(statements.TARGET_FOR_CHANGE, target.id)
            if found is None or found["state"] != "enabled":
                return
            await tx.execute(statements.WITHHOLD, target.id, now, [row.id for row in busy])
            change = TargetChange(_target(found).health, disable=DisabledReason.ROLE)
            await self._change_target(tx, _target(found), found["version"], change, now)

    async def oldest_due(self, now: datetime) -> datetime | None:
        """Since when the endpoint has something due that waits longest for a worker."""
        async with connection(self._pool) as db:
            found: datetime | None = await db.fetchval(statements.OLDEST_DUE, now)
        return found

    async def _change_target(
        self, tx: Connection, target: Target, version: int, change: TargetChange, at: datetime
    ) -> None:
        health = change.health
        if health != target.health:
            await tx.execute(
                statements.SAVE_HEALTH,
                target.id,
                health.failures,
                health.attempts_failed,
                health.failing_since,
                health.next_probe_at,
                health.warned_hours,
                change.opened,
            )
        if change.closed:
            await tx.execute(statements.EXPEDITE, target.id, at)
        if change.disable is not None:
            await tx.execute(statements.DISABLE, target.id, change.disable.value)
            DISABLED.labels(change.disable.value).inc()
        if (hours := change.told_hours) is not None:
            row = await tx.fetchrow(statements.TOUCH, target.id, next_version(version, at), at)
            assert row is not None
            await outbox.add(tx, state_changed(endpoint_of(row), at, failing_hours=hours))


class PostgresUpkeep:
    """Implements `upkeep.Store`. Every method raises DatabaseUnavailable."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def open_circuits(self) -> int:
        async with connection(self._pool) as db:
            found: int = await db.fetchval(statements.OPEN_CIRCUITS, OPENS_AFTER)
        return found

    async def delete_expired_secrets(self, now: datetime) -> None:
        async with connection(self._pool) as db:
            await db.execute(statements.DELETE_SECRETS, now)

    async def sweep_log(self, before: datetime, limit: int) -> int:
        async with transaction(self._pool) as tx:
            swept: int = await tx.fetchval(statements.SWEEP, before, limit)
        return swept


async def _change_rows(db: Connection, rows: Sequence[RowChange]) -> None:
    await db.execute(
        statements.CHANGE_ROWS,
        [one.answered.row.id for one in rows],
        [one.fate.value for one in rows],
        [one.attempts for one in rows],
        [one.next_attempt_at for one in rows],
        [one.answered.at for one in rows],
        [one.answered.status for one in rows],
        [one.answered.milliseconds for one in rows],
        [one.answered.answer for one in rows],
        [one.answered.error for one in rows],
    )


def _target(row: asyncpg.Record, secrets: tuple[bytes, ...] = ()) -> Target:
    return Target(
        id=row["id"],
        account_id=row["account_id"],
        audience=Audience(row["audience"]),
        url=row["url"],
        types=tuple(row["types"]),
        ordering=Ordering(row["ordering"]),
        enabled=row["state"] == "enabled",
        behind=row["behind"],
        round=row["round"],
        health=Health(
            failures=row["failures"],
            attempts_failed=row["attempts_failed"],
            failing_since=row["failing_since"],
            next_probe_at=row["next_probe_at"],
            warned_hours=row["warned_hours"],
        ),
        secrets=secrets,
    )


def _row(row: asyncpg.Record) -> Row:
    return Row(
        id=row["id"],
        event_id=row["event_id"],
        type=row["type"],
        source=row["source"],
        subject=row["subject"],
        event_time=row["event_time"],
        entityversion=row["entityversion"],
        value=row["body"],
        attempts=row["attempts"],
        is_test=row["is_test"],
    )

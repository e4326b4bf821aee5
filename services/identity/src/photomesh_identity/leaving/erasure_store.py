"""Erasures in PostgreSQL: their progress, and what identity itself erases."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from photomesh_identity.credentials.tokens import KeyedHash
from photomesh_identity.leaving.coordinator import Backlog
from photomesh_identity.leaving.domain import Answer, Erasure, ErasureState, erasure_requested, merged
from photomesh_identity.leaving.event_handlers import ErasedAccount
from photomesh_identity.leaving.store import answers_of, erasure_of
from photomesh_identity.signing_keys.service import Receipt
from photomesh_identity.usernames.store import hold_username
from photomesh_shared.events import AccountDeleted, AccountErasureRequested, Envelope
from photomesh_shared.events.versions import next_version
from photomesh_shared.ids import encode
from photomesh_shared.stores import outbox
from photomesh_shared.stores.postgres import connection, transaction

if TYPE_CHECKING:
    from photomesh_shared.stores.postgres import Connection, Pool

__all__ = ["PostgresErasures"]

_MAIL_FIRST = timedelta(minutes=15)
"""How long an erasure waits for the mail that announces it: with the account, its mails are deleted."""

_ALL_ACKNOWLEDGED = (
    "NOT EXISTS (SELECT FROM unnest(e.groups) AS needed (group_name) WHERE NOT EXISTS (SELECT FROM"
    " erasure_acknowledgements a WHERE a.request_id = e.request_id AND a.group_name = needed.group_name))"
)
_OWN_TABLES = (
    "sessions",
    "mail_queue",
    "email_claims",
    "password_resets",
    "consents",
    "totp",
    "recovery_codes",
    "passkeys",
    "personal_tokens",
    "staff_roles",
)


class PostgresErasures:
    """Implements `coordinator.CoordinatorStore` and `event_handlers.ErasureStore`. Every method raises
    DatabaseUnavailable when the server does not answer."""

    def __init__(self, pool: Pool, keyed_hash: KeyedHash) -> None:
        self._pool = pool
        self._keyed_hash = keyed_hash

    # The coordinator

    async def start_due(self, now: datetime, groups: Sequence[str], limit: int) -> int:
        async with transaction(self._pool) as tx:
            rows = await tx.fetch(
                "SELECT * FROM erasures e WHERE started_at IS NULL AND due_at <= $1 AND (due_at <= $2 OR NOT EXISTS"
                " (SELECT FROM mail_queue m WHERE m.account_id = e.account_id))"
                " ORDER BY due_at LIMIT $3 FOR UPDATE SKIP LOCKED",
                now,
                now - _MAIL_FIRST,
                limit,
            )
            for row in rows:
                version = await tx.fetchval("SELECT version FROM accounts WHERE id = $1 FOR UPDATE", row["account_id"])
                version = next_version(version or 0, now)
                await tx.execute("UPDATE accounts SET version = $2 WHERE id = $1", row["account_id"], version)
                await tx.execute(
                    "UPDATE erasures SET started_at = $2, repeated_at = $2, version = $3, groups = ARRAY("
                    "SELECT unnest($4::text[]) UNION SELECT group_name FROM erasure_subscribers ORDER BY 1)"
                    " WHERE request_id = $1",
                    row["request_id"],
                    now,
                    version,
                    list(groups),
                )
                await outbox.add(tx, erasure_requested(row["request_id"], row["account_id"], version, now))
        return len(rows)

    async def repeat(self, now: datetime, before: datetime, limit: int) -> int:
        async with transaction(self._pool) as tx:
            rows = await tx.fetch(
                "SELECT * FROM erasures e WHERE completed_at IS NULL AND repeated_at <= $1"  # noqa: S608 — our own text
                f" AND NOT ({_ALL_ACKNOWLEDGED}) ORDER BY repeated_at LIMIT $2 FOR UPDATE SKIP LOCKED",
                before,
                limit,
            )
            for row in rows:
                await tx.execute("UPDATE erasures SET repeated_at = $2 WHERE request_id = $1", row["request_id"], now)
                await outbox.add(
                    tx, erasure_requested(row["request_id"], row["account_id"], row["version"], row["started_at"])
                )
        return len(rows)

    async def complete_acknowledged(self, now: datetime, sign: Callable[[Erasure], Receipt], limit: int) -> int:
        async with transaction(self._pool) as tx:
            rows = await tx.fetch(
                "SELECT * FROM erasures e WHERE completed_at IS NULL AND started_at IS NOT NULL"  # noqa: S608
                f" AND {_ALL_ACKNOWLEDGED} LIMIT $1 FOR UPDATE SKIP LOCKED",
                limit,
            )
            for row in rows:
                receipt = sign(erasure_of(row, await answers_of(tx, row["request_id"])))
                await tx.execute(
                    "INSERT INTO receipt_keys (kid, public_jwk) VALUES ($1, $2::text::jsonb) ON CONFLICT DO NOTHING",
                    receipt.kid,
                    json.dumps(receipt.public_jwk),
                )
                await tx.execute(
                    "UPDATE erasures SET completed_at = $2, receipt = $3 WHERE request_id = $1",
                    row["request_id"],
                    now,
                    receipt.text,
                )
        return len(rows)

    async def forget(self, completed_before: datetime) -> int:
        async with connection(self._pool) as conn:
            done: str = await conn.execute("DELETE FROM erasures WHERE completed_at < $1", completed_before)
        return int(done.rpartition(" ")[2])

    async def backlog(self) -> Backlog:
        async with connection(self._pool) as conn:
            rows = await conn.fetch(
                "SELECT CASE WHEN completed_at IS NOT NULL THEN 'complete' WHEN started_at IS NOT NULL THEN 'running'"
                " ELSE 'scheduled' END AS state, count(*) AS number, min(started_at) AS oldest FROM erasures GROUP BY 1"
            )
        oldest = next((row["oldest"] for row in rows if row["state"] == ErasureState.RUNNING), None)
        return Backlog({ErasureState(row["state"]): row["number"] for row in rows}, oldest)

    async def receipt_keys(self) -> list[dict[str, str]]:
        """The public keys that verify receipts, whenever they were signed."""
        async with connection(self._pool) as conn:
            rows = await conn.fetch("SELECT public_jwk::text AS jwk FROM receipt_keys ORDER BY kid")
        return [json.loads(row["jwk"]) for row in rows]

    # The consumer

    async def acknowledged(self, request_id: int, answer: Answer) -> None:
        async with transaction(self._pool) as tx:
            open_ = await tx.fetchval(
                "SELECT completed_at IS NULL FROM erasures WHERE request_id = $1 FOR UPDATE", request_id
            )
            if not open_:
                return
            known = {known.group: known for known in await answers_of(tx, request_id)}
            answer = merged(known.get(answer.group), answer)
            await tx.execute(
                "INSERT INTO erasure_acknowledgements (request_id, group_name, counts, keeps, done_at)"
                " VALUES ($1, $2, $3::text::jsonb, $4::text::jsonb, $5) ON CONFLICT (request_id, group_name) DO UPDATE"
                " SET counts = EXCLUDED.counts, keeps = EXCLUDED.keeps, done_at = EXCLUDED.done_at",
                request_id,
                answer.group,
                json.dumps(dict(answer.counts)),
                json.dumps([kept.model_dump(mode="json") for kept in answer.keeps]),
                answer.done_at,
            )

    async def erase_account(self, account_id: int, version: int, now: datetime, held_until: datetime) -> ErasedAccount:
        async with transaction(self._pool) as tx:
            username = await tx.fetchval("SELECT username FROM accounts WHERE id = $1 FOR UPDATE", account_id)
            if username is None:
                held = await tx.fetchval("SELECT max(until) FROM held_usernames WHERE account_id = $1", account_id)
                return ErasedAccount({"accounts": 0}, held, await _last_staff_action(tx, account_id))
            counts = {table: await _count(tx, table, account_id) for table in _OWN_TABLES}
            await hold_username(tx, self._keyed_hash, username, account_id, held_until)
            await tx.execute("DELETE FROM allowances WHERE subject = $1", account_id.to_bytes(8))
            await tx.execute("DELETE FROM idempotency_keys WHERE creation_id = $1", account_id)
            await tx.execute(
                "DELETE FROM outbox WHERE key = $1 AND topic = 'accounts' AND published_at IS NOT NULL",
                encode("u", account_id).encode(),
            )
            await tx.execute("DELETE FROM accounts WHERE id = $1", account_id)
            deleted = AccountDeleted(user_id=account_id, deleted_at=now)
            version = next_version(version, now)
            event_id = f"{deleted.subject()}.{version}"
            await outbox.add(tx, Envelope.of(deleted, entityversion=version, id=event_id, time=now))
            last_action = await _last_staff_action(tx, account_id)
        return ErasedAccount({"accounts": 1, **counts}, held_until, last_action)

    # After a restore

    async def restore(self, request: Envelope[AccountErasureRequested], groups: Sequence[str], now: datetime) -> bool:
        """Stores an erasure that the topic has and the database has not, so that its answers are collected again.
        Returns whether it did. Its token is lost."""
        event = request.data
        async with transaction(self._pool) as tx:
            stored = await tx.fetchval(
                "INSERT INTO erasures AS e (request_id, account_id, token_hash, asked_at, due_at, started_at,"
                " repeated_at, version, groups) VALUES ($1, $2, '', $3, $3, $3, $4, $5, $6)"
                " ON CONFLICT (account_id) DO UPDATE SET started_at = EXCLUDED.started_at, version = EXCLUDED.version,"
                " repeated_at = EXCLUDED.repeated_at, groups = EXCLUDED.groups WHERE e.started_at IS NULL"
                " RETURNING request_id",
                event.request_id,
                event.user_id,
                event.requested_at,
                now,
                request.entityversion,
                list(groups),
            )
            if stored is not None:
                await outbox.add(tx, request)
        return stored is not None


async def _count(tx: Connection, table: str, account_id: int) -> int:
    number: int = await tx.fetchval(f"SELECT count(*) FROM {table} WHERE account_id = $1", account_id)  # noqa: S608
    return number


async def _last_staff_action(tx: Connection, account_id: int) -> datetime | None:
    last: datetime | None = await tx.fetchval(
        "SELECT max(at) FROM staff_audit_log WHERE account_id = $1 OR staff_id = $1", account_id
    )
    return last

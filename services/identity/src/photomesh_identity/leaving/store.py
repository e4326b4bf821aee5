"""Statuses of accounts in PostgreSQL, and the erasures that their owners asked for."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING

from photomesh_identity.accounts.domain import Account
from photomesh_identity.accounts.events import account_updated
from photomesh_identity.accounts.store import COLUMNS, account_of
from photomesh_identity.credentials.tokens import token_hash
from photomesh_identity.errors import AccountNotFound
from photomesh_identity.leaving.domain import DEACTIVATED, LEAVING, Answer, Erasure, with_status
from photomesh_identity.mail.domain import MailTemplate, link, moment
from photomesh_identity.mail.store import queue_mail
from photomesh_identity.sessions.store import revoke_sessions
from photomesh_shared.events import ACTIVE, Kept
from photomesh_shared.ids import encode
from photomesh_shared.stores import outbox
from photomesh_shared.stores.postgres import connection, transaction

if TYPE_CHECKING:
    import asyncpg

    from photomesh_shared.stores.postgres import Connection, Pool

__all__ = ["PostgresLeaving", "answers_of", "erasure_of"]


class PostgresLeaving:
    """Implements `service.LeavingStore`. Locks the erasure before the account, as the coordinator does."""

    def __init__(self, pool: Pool, *, cdn_url: str, app_url: str) -> None:
        self._pool = pool
        self._cdn_url = cdn_url
        self._app_url = app_url

    async def deactivate(self, account_id: int, now: datetime) -> Account:
        async with transaction(self._pool) as tx:
            before, after = await self._set_status(tx, account_id, DEACTIVATED, now)
            if before.status == LEAVING:  # the stronger of the two
                raise AccountNotFound
            await revoke_sessions(tx, account_id, now)
            if after is not before:
                await queue_mail(tx, account_id, MailTemplate.ACCOUNT_DEACTIVATED, {"when": moment(now)}, now)
        return after

    async def leave(self, account_id: int, erasure: Erasure, token: str, now: datetime) -> tuple[Account, Erasure]:
        async with transaction(self._pool) as tx:
            row = await tx.fetchrow("SELECT * FROM erasures WHERE account_id = $1 FOR UPDATE", account_id)
            if row and row["started_at"]:
                raise AccountNotFound
            _, account = await self._set_status(tx, account_id, LEAVING, now)
            await revoke_sessions(tx, account_id, now)
            row = await tx.fetchrow(
                "INSERT INTO erasures AS e (request_id, account_id, token_hash, asked_at, due_at)"
                " VALUES ($1, $2, $3, $4, $5) ON CONFLICT (account_id) DO UPDATE SET token_hash = EXCLUDED.token_hash,"
                " due_at = least(e.due_at, EXCLUDED.due_at) RETURNING *",
                erasure.request_id,
                account_id,
                token_hash(token),
                erasure.asked_at,
                erasure.due_at,
            )
            assert row is not None
            stored = erasure_of(row, ())
            parameters = {
                "when": moment(stored.due_at),
                "id": encode("er", stored.request_id),
                "link": link(self._app_url, f"erasures/{encode('er', stored.request_id)}", token),
            }
            await queue_mail(tx, account_id, MailTemplate.ACCOUNT_LEAVING, parameters, now)
        return account, stored

    async def status(self, account_id: int) -> str | None:
        async with connection(self._pool) as conn:
            found: str | None = await conn.fetchval("SELECT status FROM accounts WHERE id = $1", account_id)
        return found

    async def come_back(self, account_id: int, now: datetime) -> Account | None:
        async with transaction(self._pool) as tx:
            row = await tx.fetchrow("SELECT started_at FROM erasures WHERE account_id = $1 FOR UPDATE", account_id)
            if row and row["started_at"]:
                return None
            await tx.execute("DELETE FROM erasures WHERE account_id = $1", account_id)
            try:
                before, after = await self._set_status(tx, account_id, ACTIVE, now)
            except AccountNotFound:
                return None
            if before.status == LEAVING:
                await queue_mail(tx, account_id, MailTemplate.ACCOUNT_RETURNED, {"when": moment(now)}, now)
        return after

    async def erasure(self, request_id: int, token: bytes) -> Erasure | None:
        async with connection(self._pool) as conn:
            row = await conn.fetchrow(
                "SELECT * FROM erasures WHERE request_id = $1 AND token_hash = $2", request_id, token
            )
            return erasure_of(row, await answers_of(conn, request_id)) if row else None

    async def _set_status(self, tx: Connection, account_id: int, status: str, now: datetime) -> tuple[Account, Account]:
        row = await tx.fetchrow(f"SELECT {COLUMNS} FROM accounts WHERE id = $1 FOR UPDATE", account_id)  # noqa: S608
        if row is None:
            raise AccountNotFound
        before = account_of(row)
        after = with_status(before, status, now)
        if after is not before:
            await tx.execute(
                "UPDATE accounts SET status = $2, version = $3, updated_at = $4 WHERE id = $1",
                account_id,
                after.status,
                after.version,
                after.updated_at,
            )
            await outbox.add(tx, account_updated(after, self._cdn_url))
        return before, after


async def answers_of(conn: Connection, request_id: int) -> list[Answer]:
    rows = await conn.fetch(
        "SELECT group_name, counts::text AS counts, keeps::text AS keeps, done_at FROM erasure_acknowledgements"
        " WHERE request_id = $1 ORDER BY group_name",
        request_id,
    )
    return [
        Answer(
            row["group_name"],
            json.loads(row["counts"]),
            [Kept.model_validate_json(json.dumps(kept)) for kept in json.loads(row["keeps"])],
            row["done_at"],
        )
        for row in rows
    ]


def erasure_of(row: asyncpg.Record, answers: list[Answer] | tuple[()]) -> Erasure:
    return Erasure(
        row["request_id"],
        row["account_id"],
        row["asked_at"],
        row["due_at"],
        row["started_at"],
        row["completed_at"],
        tuple(row["groups"] or ()),
        answers,
        row["receipt"],
    )

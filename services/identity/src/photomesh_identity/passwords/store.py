"""Passwords and their resets in PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

import asyncpg

from photomesh_identity.credentials.confirmation import Allowance
from photomesh_identity.credentials.domain import email_key
from photomesh_identity.credentials.store import lock_credentials, take
from photomesh_identity.credentials.tokens import token_hash
from photomesh_identity.errors import AccountNotFound
from photomesh_identity.mail.domain import MailTemplate, link, moment
from photomesh_identity.mail.store import queue_mail
from photomesh_identity.passwords.domain import RESET_LIFETIME, Reset
from photomesh_identity.sessions.store import revoke_sessions
from photomesh_shared.stores.postgres import connection, transaction

if TYPE_CHECKING:
    from photomesh_shared.stores.postgres import Connection, Pool

__all__ = ["PostgresPasswordStore"]

_BATCH = 50
_CLAIMANTS = 3  # accounts that state one address which nobody has proved: each gets a mail
_MAILS = Allowance.of_day("reset-account", 10)


class PostgresPasswordStore:
    """Implements `service.PasswordStore`."""

    def __init__(self, pool: Pool, *, app_url: str) -> None:
        self._pool = pool
        self._app_url = app_url

    async def replace(self, account_id: int, password_hash: str, now: datetime, *, keep_session: int) -> None:
        async with transaction(self._pool) as tx:
            await lock_credentials(tx, account_id)
            await _store_hash(tx, account_id, password_hash, now)
            await revoke_sessions(tx, account_id, now, keep=keep_session)

    async def ask(self, login: str, now: datetime) -> None:
        async with connection(self._pool) as conn:
            await conn.execute("INSERT INTO password_reset_requests (login, requested_at) VALUES ($1, $2)", login, now)

    async def answer_asked(self, now: datetime, new_token: Callable[[], str]) -> int:
        async with transaction(self._pool) as tx:
            logins = await tx.fetch(
                "DELETE FROM password_reset_requests WHERE id IN (SELECT id FROM password_reset_requests ORDER BY id"
                " LIMIT $1 FOR UPDATE SKIP LOCKED) RETURNING login",
                _BATCH,
            )
            for row in logins:
                for account in await _accounts_of(tx, row["login"]):
                    if await take(tx, _MAILS, account["id"].to_bytes(8), now):
                        continue
                    token = new_token()
                    reset = Reset(token_hash(token), account["id"], account["email"], now)
                    await _insert(tx, reset)
                    parameters = {
                        "link": link(self._app_url, "reset-password", token),
                        "minutes": str(int(RESET_LIFETIME.total_seconds() // 60)),
                    }
                    await queue_mail(
                        tx,
                        reset.account_id,
                        MailTemplate.PASSWORD_RESET,
                        parameters,
                        now,
                        to=reset.email,
                        lifetime=RESET_LIFETIME,
                    )
            if logins:
                await tx.execute("DELETE FROM password_resets WHERE expires_at <= $1", now)
        return len(logins)

    async def find_reset(self, token: bytes, now: datetime) -> Reset | None:
        async with connection(self._pool) as conn:
            row = await conn.fetchrow(
                "SELECT token_hash, account_id, email, created_at FROM password_resets"
                " WHERE token_hash = $1 AND expires_at > $2",
                token,
                now,
            )
        return Reset(*row) if row else None

    async def redeem(self, reset: Reset, password_hash: str, now: datetime) -> bool:
        async with transaction(self._pool) as tx:
            await lock_credentials(tx, reset.account_id)
            taken = await tx.fetchval(
                "DELETE FROM password_resets WHERE token_hash = $1 AND expires_at > $2 RETURNING account_id",
                reset.token_hash,
                now,
            )
            if taken is None:
                return False
            await _store_hash(tx, reset.account_id, password_hash, now)
            await revoke_sessions(tx, reset.account_id, now)
        return True


async def _accounts_of(tx: Connection, login: str) -> list[asyncpg.Record]:
    """The accounts of a login whose address may be mailed to: the one that has proved it, or those that state it while
    nobody has."""
    condition = "email_key = $1" if "@" in login else "username = $1"
    return await tx.fetch(
        f"SELECT id, email FROM accounts AS a WHERE {condition}"  # noqa: S608
        " AND (email_verified_at IS NOT NULL OR NOT EXISTS"
        " (SELECT FROM accounts AS b WHERE b.email_key = a.email_key AND b.email_verified_at IS NOT NULL))"
        " ORDER BY id LIMIT $2",
        email_key(login),
        _CLAIMANTS,
    )


async def _insert(tx: Connection, reset: Reset) -> None:
    await tx.execute(
        "INSERT INTO password_resets (token_hash, account_id, email, created_at, expires_at)"
        " VALUES ($1, $2, $3, $4, $5)",
        reset.token_hash,
        reset.account_id,
        reset.email,
        reset.created_at,
        reset.expires_at,
    )


async def _store_hash(tx: Connection, account_id: int, password_hash: str, now: datetime) -> None:
    changed = await tx.execute(
        "UPDATE credentials SET password_hash = $2, password_version = password_version + 1 WHERE account_id = $1",
        account_id,
        password_hash,
    )
    if changed == "UPDATE 0":
        raise AccountNotFound
    # A thief of the old password cannot continue what it began.
    await tx.execute("DELETE FROM password_resets WHERE account_id = $1", account_id)
    await tx.execute("DELETE FROM personal_tokens WHERE account_id = $1", account_id)
    await tx.execute(
        "DELETE FROM email_claims AS c USING accounts AS a WHERE a.id = $1 AND c.account_id = a.id"
        " AND c.email <> a.email",
        account_id,
    )
    notice: Mapping[str, str] = {"when": moment(now)}
    await queue_mail(tx, account_id, MailTemplate.PASSWORD_CHANGED, notice, now)

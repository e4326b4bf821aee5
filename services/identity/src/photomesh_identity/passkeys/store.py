"""Passkeys in PostgreSQL."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import asyncpg

from photomesh_identity.errors import PasskeyRefused, PasskeyRegistered, TooManyPasskeys
from photomesh_identity.mail.domain import MailTemplate
from photomesh_identity.mail.store import queue_mail
from photomesh_identity.passkeys.domain import MAX_PASSKEYS, Passkey
from photomesh_shared.stores.postgres import connection, transaction

if TYPE_CHECKING:
    from photomesh_shared.stores.postgres import Connection, Pool

__all__ = ["PostgresPasskeys"]

_COLUMNS = "id, account_id, credential_id, public_key, sign_count, name, backed_up, created_at, used_at"


class PostgresPasskeys:
    """Implements `service.PasskeyStore`. Every method raises DatabaseUnavailable when the server does not answer."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def list_of(self, account_id: int) -> list[Passkey]:
        async with connection(self._pool) as conn:
            rows = await conn.fetch(
                f"SELECT {_COLUMNS} FROM passkeys WHERE account_id = $1 ORDER BY created_at DESC, id",  # noqa: S608
                account_id,
            )
        return [Passkey(*row) for row in rows]

    async def find(self, credential_id: bytes) -> Passkey | None:
        async with connection(self._pool) as conn:
            row = await conn.fetchrow(
                f"SELECT {_COLUMNS} FROM passkeys WHERE credential_id = $1",  # noqa: S608
                credential_id,
            )
        return Passkey(*row) if row else None

    async def add(self, passkey: Passkey, challenge: bytes, challenge_ends: datetime) -> None:
        try:
            async with transaction(self._pool) as tx:
                await tx.execute("SELECT FROM accounts WHERE id = $1 FOR NO KEY UPDATE", passkey.account_id)
                if not await _use_up(tx, challenge, challenge_ends):
                    raise PasskeyRefused("The challenge was used before.")
                count = await tx.fetchval("SELECT count(*) FROM passkeys WHERE account_id = $1", passkey.account_id)
                if count >= MAX_PASSKEYS:
                    raise TooManyPasskeys(limit=MAX_PASSKEYS)
                await tx.execute(
                    f"INSERT INTO passkeys ({_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",  # noqa: S608
                    passkey.id,
                    passkey.account_id,
                    passkey.credential_id,
                    passkey.public_key,
                    passkey.sign_count,
                    passkey.name,
                    passkey.backed_up,
                    passkey.created_at,
                    passkey.used_at,
                )
                await _announce(tx, MailTemplate.PASSKEY_ADDED, passkey.account_id, passkey.name, passkey.created_at)
        except asyncpg.UniqueViolationError as error:
            raise PasskeyRegistered from error

    async def use(
        self, passkey: Passkey, challenge: bytes, challenge_ends: datetime, *, sign_count: int, backed_up: bool
    ) -> bool:
        async with transaction(self._pool) as tx:
            if not await _use_up(tx, challenge, challenge_ends):
                return False
            used = await tx.fetchval(
                "UPDATE passkeys SET sign_count = $3, backed_up = $4, used_at = now()"
                " WHERE id = $1 AND sign_count = $2 RETURNING true",
                passkey.id,
                passkey.sign_count,
                sign_count,
                backed_up,
            )
        return bool(used)

    async def rename(self, account_id: int, passkey_id: int, name: str) -> Passkey | None:
        async with connection(self._pool) as conn:
            row = await conn.fetchrow(
                f"UPDATE passkeys SET name = $3 WHERE account_id = $1 AND id = $2 RETURNING {_COLUMNS}",  # noqa: S608
                account_id,
                passkey_id,
                name,
            )
        return Passkey(*row) if row else None

    async def remove(self, account_id: int, passkey_id: int, now: datetime) -> bool:
        async with transaction(self._pool) as tx:
            name = await tx.fetchval(
                "DELETE FROM passkeys WHERE account_id = $1 AND id = $2 RETURNING name", account_id, passkey_id
            )
            if name is not None:
                await _announce(tx, MailTemplate.PASSKEY_REMOVED, account_id, name, now)
        return name is not None


async def _use_up(tx: Connection, challenge: bytes, ends: datetime) -> bool:
    """Whether the challenge was not used before."""
    await tx.execute("DELETE FROM used_challenges WHERE expires_at < now() - interval '1 hour'")
    return bool(
        await tx.fetchval(
            "INSERT INTO used_challenges VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING true", challenge, ends
        )
    )


async def _announce(tx: Connection, template: MailTemplate, account_id: int, name: str, now: datetime) -> None:
    await queue_mail(tx, account_id, template, {"when": f"{now:%Y-%m-%d %H:%M} UTC", "passkey": name}, now)

"""Second factors and tickets of log-ins in PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from photomesh_identity.credentials.store import lock_credentials
from photomesh_identity.mail.domain import MailTemplate
from photomesh_identity.mail.store import queue_mail
from photomesh_identity.second_factors.domain import Totp, VerifiedPassword
from photomesh_shared.stores.postgres import connection, transaction

if TYPE_CHECKING:
    from photomesh_shared.stores.postgres import Connection, Pool

__all__ = ["PostgresSecondFactors"]


class PostgresSecondFactors:
    """Implements `service.SecondFactorStore`. Every method raises DatabaseUnavailable when the server does not
    answer."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def find(self, account_id: int) -> Totp | None:
        async with connection(self._pool) as conn:
            row = await conn.fetchrow(
                "SELECT sealed_secret, confirmed_at IS NOT NULL, last_step FROM totp WHERE account_id = $1", account_id
            )
        return Totp(*row) if row else None

    async def count_recovery_codes(self, account_id: int) -> int:
        async with connection(self._pool) as conn:
            return int(await conn.fetchval("SELECT count(*) FROM recovery_codes WHERE account_id = $1", account_id))

    async def enrol(self, account_id: int, sealed_secret: bytes, now: datetime) -> bool:
        async with connection(self._pool) as conn:
            stored = await conn.fetchval(
                "INSERT INTO totp (account_id, sealed_secret, created_at) VALUES ($1, $2, $3)"
                " ON CONFLICT (account_id) DO UPDATE SET sealed_secret = $2, created_at = $3"
                " WHERE totp.confirmed_at IS NULL RETURNING true",
                account_id,
                sealed_secret,
                now,
            )
        return bool(stored)

    async def confirm(
        self, account_id: int, sealed_secret: bytes, step: int, code_hashes: Sequence[bytes], now: datetime
    ) -> bool:
        async with transaction(self._pool) as tx:
            confirmed = await tx.fetchval(
                "UPDATE totp SET confirmed_at = $4, last_step = $3"
                " WHERE account_id = $1 AND sealed_secret = $2 AND confirmed_at IS NULL RETURNING true",
                account_id,
                sealed_secret,
                step,
                now,
            )
            if confirmed:
                await _replace_codes(tx, account_id, code_hashes)
                await _announce(tx, account_id, MailTemplate.SECOND_FACTOR_ENABLED, now)
        return bool(confirmed)

    async def use_step(self, account_id: int, step: int) -> bool:
        async with connection(self._pool) as conn:
            used = await conn.fetchval(
                "UPDATE totp SET last_step = $2"
                " WHERE account_id = $1 AND last_step < $2 AND confirmed_at IS NOT NULL RETURNING true",
                account_id,
                step,
            )
        return bool(used)

    async def use_recovery_code(self, account_id: int, code_hash: bytes, now: datetime) -> bool:
        async with transaction(self._pool) as tx:
            used = await tx.fetchval(
                "DELETE FROM recovery_codes WHERE account_id = $1 AND code_hash = $2 RETURNING true",
                account_id,
                code_hash,
            )
            if used:
                left = await tx.fetchval("SELECT count(*) FROM recovery_codes WHERE account_id = $1", account_id)
                await _announce(tx, account_id, MailTemplate.RECOVERY_CODE_USED, now, left=str(left))
        return bool(used)

    async def replace_recovery_codes(self, account_id: int, code_hashes: Sequence[bytes]) -> None:
        async with transaction(self._pool) as tx:
            await _replace_codes(tx, account_id, code_hashes)

    async def remove(self, account_id: int, now: datetime) -> bool:
        async with transaction(self._pool) as tx:
            confirmed = await tx.fetchval(
                "DELETE FROM totp WHERE account_id = $1 RETURNING confirmed_at IS NOT NULL", account_id
            )
            await tx.execute("DELETE FROM recovery_codes WHERE account_id = $1", account_id)
            if confirmed:
                await _announce(tx, account_id, MailTemplate.SECOND_FACTOR_REMOVED, now)
        return bool(confirmed)

    async def add_ticket(self, ticket: bytes, verified: VerifiedPassword, now: datetime, expires_at: datetime) -> None:
        async with transaction(self._pool) as tx:
            await lock_credentials(tx, verified.account_id, verified.password_version)
            await tx.execute("DELETE FROM login_tickets WHERE expires_at < $1", now)
            await tx.execute(
                "INSERT INTO login_tickets (ticket_hash, account_id, expires_at, password_version)"
                " VALUES ($1, $2, $3, $4)",
                ticket,
                verified.account_id,
                expires_at,
                verified.password_version,
            )

    async def find_ticket(self, ticket: bytes, now: datetime) -> VerifiedPassword | None:
        async with connection(self._pool) as conn:
            row = await conn.fetchrow(
                "SELECT account_id, password_version FROM login_tickets WHERE ticket_hash = $1 AND expires_at > $2",
                ticket,
                now,
            )
        return VerifiedPassword(*row) if row else None

    async def redeem_ticket(self, ticket: bytes, now: datetime) -> bool:
        async with connection(self._pool) as conn:
            redeemed = await conn.fetchval(
                "DELETE FROM login_tickets WHERE ticket_hash = $1 AND expires_at > $2 RETURNING true", ticket, now
            )
        return bool(redeemed)

    async def reencrypt(self, reencrypt: Callable[[int, bytes], bytes]) -> int:
        """Replaces each secret by what the function makes of it (the account is its first argument); returns how many
        were changed."""
        changed = 0
        async with transaction(self._pool) as tx:
            for row in await tx.fetch("SELECT account_id, sealed_secret FROM totp FOR UPDATE"):
                before = bytes(row["sealed_secret"])
                if (after := reencrypt(row["account_id"], before)) != before:
                    changed += 1
                    await tx.execute(
                        "UPDATE totp SET sealed_secret = $2 WHERE account_id = $1", row["account_id"], after
                    )
        return changed


async def _replace_codes(tx: Connection, account_id: int, code_hashes: Sequence[bytes]) -> None:
    await tx.execute("DELETE FROM recovery_codes WHERE account_id = $1", account_id)
    await tx.execute(
        "INSERT INTO recovery_codes (account_id, code_hash) SELECT $1, unnest($2::bytea[])",
        account_id,
        list(code_hashes),
    )


async def _announce(tx: Connection, account_id: int, template: MailTemplate, now: datetime, **parameters: str) -> None:
    await queue_mail(tx, account_id, template, {"when": f"{now:%Y-%m-%d %H:%M} UTC", **parameters}, now)

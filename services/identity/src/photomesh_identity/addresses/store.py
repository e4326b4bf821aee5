"""E-mail addresses in PostgreSQL."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import asyncpg

from photomesh_identity.accounts.events import account_updated
from photomesh_identity.accounts.store import COLUMNS, account_of
from photomesh_identity.addresses.domain import CLAIM_LIFETIME, Claim, Emails
from photomesh_identity.credentials.domain import email_key
from photomesh_identity.errors import AccountNotFound, EmailTaken
from photomesh_identity.mail.domain import MailTemplate, link, moment
from photomesh_identity.mail.store import queue_mail
from photomesh_shared.clock import Clock
from photomesh_shared.events.versions import next_version
from photomesh_shared.stores import outbox
from photomesh_shared.stores.postgres import connection, transaction

if TYPE_CHECKING:
    from photomesh_shared.stores.postgres import Connection, Pool

__all__ = ["PostgresAddresses", "insert_claim"]

_PRUNED = 100


class PostgresAddresses:
    """Implements `service.AddressStore`."""

    def __init__(self, pool: Pool, clock: Clock, *, app_url: str, cdn_url: str) -> None:
        self._pool = pool
        self._clock = clock
        self._app_url = app_url
        self._cdn_url = cdn_url

    async def find(self, account_id: int) -> Emails | None:
        async with connection(self._pool) as conn:
            row = await conn.fetchrow(
                "SELECT a.email, email_verified_at IS NOT NULL AS verified, c.email AS pending FROM accounts AS a"
                " LEFT JOIN email_claims AS c ON account_id = id AND c.email <> a.email AND expires_at > $2"
                " WHERE id = $1",
                account_id,
                self._clock.now(),
            )
        return Emails(**row) if row else None

    async def claim(self, claim: Claim, token: str) -> None:
        async with transaction(self._pool) as tx:
            await tx.execute(
                "DELETE FROM email_claims WHERE account_id IN"
                " (SELECT account_id FROM email_claims WHERE expires_at <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED)",
                claim.created_at,
                _PRUNED,
            )
            email = await tx.fetchval("SELECT email FROM accounts WHERE id = $1", claim.account_id)
            if email is None:
                raise AccountNotFound
            await insert_claim(tx, claim, token, app_url=self._app_url)
            if email != claim.email:
                asked = {"when": moment(claim.created_at)}
                await queue_mail(tx, claim.account_id, MailTemplate.EMAIL_CHANGE_ASKED, asked, claim.created_at)

    async def prove(self, token: bytes) -> bool:
        now = self._clock.now()
        try:
            async with transaction(self._pool) as tx:
                claim = await tx.fetchrow(
                    "DELETE FROM email_claims WHERE token_hash = $1 AND expires_at > $2 RETURNING account_id, email",
                    token,
                    now,
                )
                if claim is None:
                    return False
                row = await tx.fetchrow(
                    f"SELECT {COLUMNS} FROM accounts WHERE id = $1 FOR UPDATE",  # noqa: S608
                    claim["account_id"],
                )
                assert row is not None, "a claim goes with its account"
                before = account_of(row)
                after = replace(
                    before,
                    email=claim["email"],
                    email_verified=True,
                    version=next_version(before.version, now),
                    updated_at=now,
                )
                if before.email != after.email:
                    changed = {"when": moment(now)}
                    await queue_mail(tx, after.id, MailTemplate.EMAIL_CHANGED, changed, now)  # still to the old one
                await tx.execute(
                    "UPDATE accounts SET email = $2, email_key = $3, email_verified_at = $4, version = $5,"
                    " updated_at = $4 WHERE id = $1",
                    after.id,
                    after.email,
                    email_key(after.email),
                    now,
                    after.version,
                )
                await outbox.add(tx, account_updated(after, self._cdn_url))
        except asyncpg.UniqueViolationError as error:
            if error.constraint_name != "accounts_verified_email":
                raise
            raise EmailTaken from error
        return True


async def insert_claim(tx: Connection, claim: Claim, token: str, *, app_url: str, mail: bool = True) -> None:
    """Stores a claim and queues its mail. An address that another account has proved gets no link, but a notice to its
    owner. Both do the same work, so that neither tells whether there is such an account."""
    owned = await tx.fetchval(
        "SELECT EXISTS (SELECT FROM accounts WHERE email_key = $1 AND email_verified_at IS NOT NULL AND id <> $2)",
        email_key(claim.email),
        claim.account_id,
    )
    await tx.execute(
        "INSERT INTO email_claims (account_id, email, token_hash, created_at, expires_at) VALUES ($1, $2, $3, $4, $5)"
        " ON CONFLICT (account_id) DO UPDATE SET email = EXCLUDED.email, token_hash = EXCLUDED.token_hash,"
        " created_at = EXCLUDED.created_at, expires_at = EXCLUDED.expires_at",
        claim.account_id,
        claim.email,
        claim.token_hash,
        claim.created_at,
        claim.expires_at,
    )
    if mail:
        parameters = {
            "link": link(app_url, "verify-email", token),
            "hours": str(int(CLAIM_LIFETIME.total_seconds() // 3600)),
        }
        template = MailTemplate.EMAIL_IN_USE if owned else MailTemplate.EMAIL_VERIFICATION
        await queue_mail(
            tx,
            claim.account_id,
            template,
            {} if owned else parameters,
            claim.created_at,
            to=claim.email,
            lifetime=CLAIM_LIFETIME,
        )

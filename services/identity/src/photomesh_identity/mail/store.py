"""The queue of mails in PostgreSQL."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from photomesh_identity.mail.domain import MAIL_LIFETIME, Mail, MailTemplate
from photomesh_shared.stores.postgres import connection, transaction

if TYPE_CHECKING:
    import asyncpg

    from photomesh_shared.stores.postgres import Connection, Pool

__all__ = ["PostgresMailQueue", "queue_mail"]


async def queue_mail(
    tx: Connection,
    account_id: int,
    template: MailTemplate,
    parameters: Mapping[str, str],
    now: datetime,
    *,
    to: str | None = None,
    lifetime: timedelta = MAIL_LIFETIME,
) -> None:
    """Queues a mail to an account in the transaction of the change that it speaks of.

    It goes to the address `to`, or to the account's own one if that has been proved: nothing about an account goes to
    an address that may be somebody else's. It is given up after `lifetime`. Parameters may be text of strangers: they
    are put on one line.
    """
    if not tx.is_in_transaction():
        raise RuntimeError("a mail must be queued in the transaction of the change that it speaks of")
    await tx.execute(
        "INSERT INTO mail_queue (account_id, address, template, parameters, queued_at, expires_at, next_attempt)"
        " SELECT id, coalesce($2::text, email), $3, $4::text::jsonb, $5, $6, $5 FROM accounts WHERE id = $1"
        " AND ($2::text IS NOT NULL OR email_verified_at IS NOT NULL)",
        account_id,
        to,
        template.value,
        json.dumps(dict(parameters)),
        now,
        now + lifetime,
    )


class PostgresMailQueue:
    """Implements `service.MailQueue` and `service.NoticeQueue`. Every method raises DatabaseUnavailable when the server
    does not answer."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def queue(
        self, account_id: int, template: MailTemplate, parameters: Mapping[str, str], now: datetime
    ) -> None:
        async with transaction(self._pool) as tx:
            await queue_mail(tx, account_id, template, parameters, now)

    async def claim(self, now: datetime, limit: int, lease: timedelta) -> Sequence[Mail]:
        async with connection(self._pool) as conn:
            rows = await conn.fetch(
                "UPDATE mail_queue SET attempts = attempts + 1, next_attempt = $3 FROM accounts WHERE mail_queue.id IN"
                " (SELECT id FROM mail_queue WHERE next_attempt <= $1 AND template = ANY($4)"
                " ORDER BY next_attempt LIMIT $2 FOR UPDATE SKIP LOCKED) AND accounts.id = account_id"
                " RETURNING mail_queue.id, message_id, username, address, template, parameters::text AS parameters,"
                " queued_at, mail_queue.expires_at, attempts",
                now,
                limit,
                now + lease,
                list(MailTemplate),  # a newer release may know more
            )
        return [_mail_of(row) for row in rows]

    async def remove(self, mail_id: int) -> None:
        async with connection(self._pool) as conn:
            await conn.execute("DELETE FROM mail_queue WHERE id = $1", mail_id)

    async def postpone(self, mail_id: int, until: datetime) -> None:
        async with connection(self._pool) as conn:
            await conn.execute("UPDATE mail_queue SET next_attempt = $2 WHERE id = $1", mail_id, until)

    async def backlog(self) -> tuple[int, datetime | None]:
        async with connection(self._pool) as conn:
            row = await conn.fetchrow("SELECT count(*), min(queued_at) FROM mail_queue")
        assert row is not None
        return row[0], row[1]


def _mail_of(row: asyncpg.Record) -> Mail:
    return Mail(
        row["id"],
        row["message_id"],
        row["username"],
        row["address"],
        MailTemplate(row["template"]),
        json.loads(row["parameters"]),
        row["queued_at"],
        row["expires_at"],
        row["attempts"],
    )

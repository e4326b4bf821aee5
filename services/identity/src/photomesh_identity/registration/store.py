"""New accounts in PostgreSQL, with their first session."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import asyncpg

from photomesh_identity.accounts.domain import Account
from photomesh_identity.accounts.store import insert_account
from photomesh_identity.credentials.domain import email_key
from photomesh_identity.errors import EmailTaken, UsernameTaken
from photomesh_identity.sessions.domain import Session
from photomesh_identity.sessions.store import insert_session
from photomesh_shared.errors import IdempotencyKeyInUse, Problem
from photomesh_shared.events import Envelope, Event
from photomesh_shared.stores import outbox
from photomesh_shared.stores.postgres import connection, transaction

if TYPE_CHECKING:
    from photomesh_shared.stores.postgres import Pool

__all__ = ["PostgresRegistrations"]

_CONFLICTS: Mapping[str, type[Problem]] = {
    "accounts_username": UsernameTaken,
    "accounts_email": EmailTaken,
    "accounts_pkey": IdempotencyKeyInUse,  # a slow earlier attempt of the same creation
}
"""By the name of the unique index."""


class PostgresRegistrations:
    """Implements `service.RegistrationStore`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def require_available(self, username: str, email: str) -> None:
        async with connection(self._pool) as conn:
            row = await conn.fetchrow(
                "SELECT EXISTS (SELECT FROM accounts WHERE username = $1) AS username,"
                " EXISTS (SELECT FROM accounts WHERE email_key = $2) AS email",
                username,
                email_key(email),
            )
        assert row is not None
        if row["username"]:
            raise UsernameTaken
        if row["email"]:
            raise EmailTaken

    async def add(
        self, account: Account, password_hash: str, session: Session, token: bytes, event: Envelope[Event]
    ) -> None:
        try:
            async with transaction(self._pool) as tx:
                await insert_account(tx, account, password_hash)
                await insert_session(tx, session, token)
                await outbox.add(tx, event)
        except asyncpg.UniqueViolationError as error:
            if (problem := _CONFLICTS.get(error.constraint_name or "")) is None:
                raise
            raise problem from error

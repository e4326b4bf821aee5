"""New accounts in PostgreSQL, with their first session."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import asyncpg

from photomesh_identity.accounts.domain import Account
from photomesh_identity.accounts.store import insert_account
from photomesh_identity.addresses.domain import Claim
from photomesh_identity.addresses.store import insert_claim
from photomesh_identity.credentials.tokens import KeyedHash
from photomesh_identity.errors import UsernameTaken
from photomesh_identity.sessions.domain import Session
from photomesh_identity.sessions.store import insert_session
from photomesh_identity.usernames.store import require_not_held
from photomesh_shared.errors import IdempotencyKeyInUse, Problem
from photomesh_shared.events import Envelope, Event
from photomesh_shared.stores import outbox
from photomesh_shared.stores.postgres import connection, transaction

if TYPE_CHECKING:
    from photomesh_shared.stores.postgres import Pool

__all__ = ["PostgresRegistrations"]

_CONFLICTS: Mapping[str, type[Problem]] = {
    "accounts_username": UsernameTaken,
    "accounts_pkey": IdempotencyKeyInUse,  # a slow earlier attempt of the same creation
}
"""By the name of the unique index."""


class PostgresRegistrations:
    """Implements `service.RegistrationStore`."""

    def __init__(self, pool: Pool, keyed_hash: KeyedHash, *, app_url: str) -> None:
        self._pool = pool
        self._keyed_hash = keyed_hash
        self._app_url = app_url

    async def require_available(self, username: str) -> None:
        async with connection(self._pool) as conn:
            if await conn.fetchval("SELECT EXISTS (SELECT FROM accounts WHERE username = $1)", username):
                raise UsernameTaken

    async def add(
        self,
        account: Account,
        password_hash: str,
        session: Session,
        token: bytes,
        event: Envelope[Event],
        claim: Claim,
        mail_token: str | None,
    ) -> None:
        try:
            async with transaction(self._pool) as tx:
                await insert_account(tx, account, password_hash)
                await require_not_held(tx, self._keyed_hash, account.username, account.id, account.created_at)
                await insert_session(tx, session, token)
                await insert_claim(tx, claim, mail_token or "", app_url=self._app_url, mail=mail_token is not None)
                await outbox.add(tx, event)
        except asyncpg.UniqueViolationError as error:
            if (problem := _CONFLICTS.get(error.constraint_name or "")) is None:
                raise
            raise problem from error

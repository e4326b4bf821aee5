"""Consents in PostgreSQL: rows are only added."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from photomesh_identity.consents.domain import Consent, Purpose
from photomesh_shared.stores.postgres import connection

if TYPE_CHECKING:
    from photomesh_shared.stores.postgres import Pool

__all__ = ["PostgresConsents"]


class PostgresConsents:
    """Implements `service.ConsentStore`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def latest(self, account_id: int) -> Sequence[Consent]:
        async with connection(self._pool) as conn:
            rows = await conn.fetch(
                "SELECT DISTINCT ON (purpose) purpose, version, given, source, decided_at FROM consents"
                " WHERE account_id = $1 ORDER BY purpose, id DESC",
                account_id,
            )
        return [
            Consent(Purpose(row["purpose"]), row["version"], row["given"], row["source"], row["decided_at"])
            for row in rows
        ]

    async def add(self, account_id: int, consent: Consent) -> None:
        async with connection(self._pool) as conn:
            await conn.execute(
                "INSERT INTO consents (account_id, purpose, version, given, source, decided_at)"
                " SELECT id, $2, $3, $4, $5, $6 FROM accounts WHERE id = $1",
                account_id,
                consent.purpose,
                consent.version,
                consent.given,
                consent.source,
                consent.decided_at,
            )

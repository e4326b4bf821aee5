"""Roles of staff and the audit log in PostgreSQL."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from photomesh_identity.errors import AccountNotFound
from photomesh_identity.mail.domain import MailTemplate, moment
from photomesh_identity.mail.store import queue_mail
from photomesh_identity.sessions.store import revoke_sessions
from photomesh_identity.staff.domain import AccountStatus, AuditEntry, StaffAction, StaffMember, role_changes
from photomesh_shared.stores.postgres import connection, transaction
from photomesh_shared.tokens.errors import RoleRequired
from photomesh_shared.tokens.roles import Role, has_role

if TYPE_CHECKING:
    import asyncpg

    from photomesh_shared.stores.postgres import Connection, Pool

__all__ = ["PostgresStaff"]

_ROLES = (
    "SELECT role FROM staff_roles WHERE account_id = $1"
    " AND (EXISTS (SELECT FROM totp WHERE account_id = $1 AND confirmed_at IS NOT NULL)"
    " OR EXISTS (SELECT FROM passkeys WHERE account_id = $1))"
)
_STATUS = (
    "SELECT id, username, status, created_at, email_verified_at IS NOT NULL AS email_verified, private,"
    " EXISTS (SELECT FROM totp WHERE account_id = id AND confirmed_at IS NOT NULL) AS totp,"
    " (SELECT count(*) FROM passkeys p WHERE p.account_id = a.id) AS passkeys,"
    " (SELECT count(*) FROM sessions s WHERE s.account_id = a.id AND revoked_at IS NULL AND expires_at > $3) AS open,"
    " (SELECT count(*) FROM personal_tokens t WHERE t.account_id = a.id AND t.expires_at > $3) AS tokens,"
    " (SELECT due_at FROM erasures e WHERE e.account_id = a.id) AS due_at,"
    " ARRAY(SELECT role FROM staff_roles r WHERE r.account_id = a.id ORDER BY role) AS roles"
    " FROM accounts a WHERE id = $1 OR username = $2"
)


class PostgresStaff:
    """Implements `service.StaffStore`. Every method raises DatabaseUnavailable when the server does not answer."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def roles_in_tokens(self, account_id: int) -> frozenset[Role]:
        async with connection(self._pool) as conn:
            return frozenset(map(_role_of, await conn.fetch(_ROLES, account_id)))

    async def set_roles(
        self, staff_id: int | None, account_id: int, roles: Collection[Role], reason: str, now: datetime
    ) -> list[AuditEntry]:
        async with transaction(self._pool) as tx:
            if staff_id is not None:
                await _require(tx, staff_id, Role.ADMINISTRATOR)
            if not await tx.fetchval("SELECT true FROM accounts WHERE id = $1 FOR NO KEY UPDATE", account_id):
                raise AccountNotFound
            before = list(
                map(_role_of, await tx.fetch("SELECT role FROM staff_roles WHERE account_id = $1", account_id))
            )
            entries = []
            for action, role in role_changes(before, roles):
                if action is StaffAction.ROLE_GRANTED:
                    await tx.execute("INSERT INTO staff_roles VALUES ($1, $2, $3)", account_id, role, now)
                else:
                    await tx.execute("DELETE FROM staff_roles WHERE account_id = $1 AND role = $2", account_id, role)
                entries.append(AuditEntry(now, staff_id, action, account_id, reason, role))
                await _append(tx, entries[-1])
        return entries

    async def look_up(
        self, staff_id: int, account_id: int | None, username: str | None, reason: str, now: datetime
    ) -> AccountStatus | None:
        async with transaction(self._pool) as tx:
            await _require(tx, staff_id, Role.SUPPORT)
            row = await tx.fetchrow(_STATUS, account_id, username, now)
            found = row["id"] if row else account_id
            await _append(tx, AuditEntry(now, staff_id, StaffAction.ACCOUNT_LOOKED_UP, found, reason))
        return _status_of(row) if row else None

    async def end_sessions(self, staff_id: int, account_id: int, reason: str, now: datetime) -> None:
        async with transaction(self._pool) as tx:
            await _require(tx, staff_id, Role.SUPPORT)
            if not await tx.fetchval("SELECT true FROM accounts WHERE id = $1 FOR NO KEY UPDATE", account_id):
                raise AccountNotFound
            await revoke_sessions(tx, account_id, now)
            await tx.execute("DELETE FROM personal_tokens WHERE account_id = $1", account_id)
            await _append(tx, AuditEntry(now, staff_id, StaffAction.SESSIONS_ENDED, account_id, reason))
            await queue_mail(tx, account_id, MailTemplate.SESSIONS_ENDED, {"when": moment(now)}, now)

    async def list_staff(self, staff_id: int, after: int, limit: int, now: datetime) -> list[StaffMember]:
        async with transaction(self._pool) as tx:
            await _require(tx, staff_id, Role.ADMINISTRATOR)
            rows = await tx.fetch(
                "SELECT account_id, username, array_agg(role ORDER BY role) AS roles FROM staff_roles"
                " JOIN accounts ON id = account_id WHERE account_id > $1 GROUP BY account_id, username"
                " ORDER BY account_id LIMIT $2",
                after,
                limit,
            )
            await _append(tx, AuditEntry(now, staff_id, StaffAction.STAFF_LISTED))
        return [StaffMember(row["account_id"], row["username"], tuple(map(Role, row["roles"]))) for row in rows]

    async def read_log(
        self,
        staff_id: int,
        *,
        of_staff: int | None,
        of_account: int | None,
        before: int | None,
        limit: int,
        now: datetime,
    ) -> list[AuditEntry]:
        async with transaction(self._pool) as tx:
            await _require(tx, staff_id, Role.ADMINISTRATOR)
            rows = await tx.fetch(
                "SELECT id, at, staff_id, action, account_id, role, reason, webhook_id FROM staff_audit_log"
                " WHERE ($1::bigint IS NULL OR staff_id = $1) AND ($2::bigint IS NULL OR account_id = $2)"
                " AND ($3::bigint IS NULL OR id < $3) ORDER BY id DESC LIMIT $4",
                of_staff,
                of_account,
                before,
                limit,
            )
            await _append(tx, AuditEntry(now, staff_id, StaffAction.AUDIT_LOG_READ, of_account))
        return list(map(_entry_of, rows))

    async def act_on_webhook(self, staff_id: int, action: StaffAction, webhook_id: int, now: datetime) -> None:
        async with transaction(self._pool) as tx:
            await _require(tx, staff_id, Role.ADMINISTRATOR)
            await _append(tx, AuditEntry(now, staff_id, action, webhook_id=webhook_id))

    async def forget(self, before: datetime, limit: int) -> int:
        async with connection(self._pool) as conn:
            # The server refuses to delete what is young by its own clock.
            deleted: str = await conn.execute(
                "DELETE FROM staff_audit_log WHERE id IN (SELECT id FROM staff_audit_log"
                " WHERE at < least($1, now() - interval '730 days') ORDER BY at LIMIT $2)",
                before,
                limit,
            )
        return int(deleted.rpartition(" ")[2])


async def _require(tx: Connection, staff_id: int, role: Role) -> None:
    """The token said so, up to a lifetime ago."""
    if not has_role(frozenset(map(_role_of, await tx.fetch(_ROLES, staff_id))), role):
        raise RoleRequired(required_role=role)


async def _append(tx: Connection, entry: AuditEntry) -> None:
    await tx.execute(
        "INSERT INTO staff_audit_log (at, staff_id, action, account_id, role, reason, webhook_id)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7)",
        entry.at,
        entry.staff_id,
        entry.action,
        entry.account_id,
        entry.role,
        entry.reason,
        entry.webhook_id,
    )


def _role_of(row: asyncpg.Record) -> Role:
    return Role(row["role"])


def _entry_of(row: asyncpg.Record) -> AuditEntry:
    role = Role(row["role"]) if row["role"] else None
    entry = AuditEntry(row["at"], row["staff_id"], StaffAction(row["action"]), row["account_id"], row["reason"], role)
    return replace(entry, id=row["id"], webhook_id=row["webhook_id"])


def _status_of(row: asyncpg.Record) -> AccountStatus:
    return AccountStatus(
        row["id"],
        row["username"],
        row["status"],
        row["created_at"],
        row["email_verified"],
        row["private"],
        row["totp"],
        row["passkeys"],
        row["open"],
        row["tokens"],
        row["due_at"],
        tuple(map(Role, row["roles"])),
    )

"""Use cases of staff. Each is written to the audit log in the transaction in which it happens, also a mere read."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol

from photomesh_identity.credentials.domain import normalize_username
from photomesh_identity.errors import AccountNotFound, OwnRoles
from photomesh_identity.metrics import STAFF_ACTIONS
from photomesh_identity.staff.domain import AUDIT_KEPT, AccountStatus, AuditEntry, StaffAction, StaffMember
from photomesh_shared.clock import Clock
from photomesh_shared.errors import Unavailable
from photomesh_shared.tokens.roles import Role

__all__ = ["StaffService", "StaffStore"]

log = logging.getLogger(__name__)

_SWEEP_SECONDS = 3600.0
_SWEEP = 1_000  # rows in a transaction


class StaffStore(Protocol):
    """Every method raises Unavailable when the database does not answer. Those that write an entry raise RoleRequired
    if its author does not have the role any more, or no second factor, and then do nothing."""

    async def roles_in_tokens(self, account_id: int) -> frozenset[Role]:
        """The account's roles; none without a second factor or a passkey."""
        ...

    async def set_roles(
        self, staff_id: int | None, account_id: int, roles: Collection[Role], reason: str, now: datetime
    ) -> list[AuditEntry]:
        """Writes an entry for each role that is granted or revoked, and returns them. Raises AccountNotFound."""
        ...

    async def look_up(
        self, staff_id: int, account_id: int | None, username: str | None, reason: str, now: datetime
    ) -> AccountStatus | None:
        """By id or by username. The entry is written also if there is no such account."""
        ...

    async def end_sessions(self, staff_id: int, account_id: int, reason: str, now: datetime) -> None:
        """Ends sessions and personal access tokens, and queues a mail. Raises AccountNotFound."""
        ...

    async def list_staff(self, staff_id: int, after: int, limit: int, now: datetime) -> list[StaffMember]:
        """By account."""
        ...

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
        """The newest entries before an id."""
        ...

    async def act_on_webhook(self, staff_id: int, action: StaffAction, webhook_id: int, now: datetime) -> None:
        """Writes an entry."""
        ...

    async def forget(self, before: datetime, limit: int) -> int:
        """Deletes the oldest entries; returns how many."""
        ...


class StaffService:
    def __init__(self, store: StaffStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def roles_in_tokens(self, account_id: int) -> frozenset[Role]:
        """What access tokens of the account carry, if their session began with a second factor."""
        return await self._store.roles_in_tokens(account_id)

    async def set_roles(self, staff_id: int | None, account_id: int, roles: Collection[Role], reason: str) -> None:
        """Raises AccountNotFound, RoleRequired and, since nobody is to lose the last administrator by mistake,
        OwnRoles."""
        if staff_id == account_id:
            raise OwnRoles
        for entry in await self._store.set_roles(staff_id, account_id, roles, reason, self._clock.now()):
            _count(entry.action, staff_id, account_id)

    async def look_up(
        self, staff_id: int, reason: str, *, account_id: int | None = None, username: str | None = None
    ) -> AccountStatus:
        """Raises AccountNotFound and RoleRequired."""
        if username is not None:
            username = _canonical(username)
        found = await self._store.look_up(staff_id, account_id, username, reason, self._clock.now())
        _count(StaffAction.ACCOUNT_LOOKED_UP, staff_id, found.id if found else account_id)
        if found is None:
            raise AccountNotFound
        return found

    async def end_sessions(self, staff_id: int, account_id: int, reason: str) -> None:
        """Raises AccountNotFound and RoleRequired."""
        await self._store.end_sessions(staff_id, account_id, reason, self._clock.now())
        _count(StaffAction.SESSIONS_ENDED, staff_id, account_id)

    async def list_staff(self, staff_id: int, *, after: int = 0, limit: int) -> list[StaffMember]:
        """Accounts with a role, the next by id. Raises RoleRequired."""
        members = await self._store.list_staff(staff_id, after, limit, self._clock.now())
        _count(StaffAction.STAFF_LISTED, staff_id, None)
        return members

    async def read_log(
        self,
        staff_id: int,
        *,
        of_staff: int | None = None,
        of_account: int | None = None,
        before: int | None = None,
        limit: int,
    ) -> Sequence[AuditEntry]:
        """The newest entries before an id, of one author, or about one account. Raises RoleRequired."""
        entries = await self._store.read_log(
            staff_id, of_staff=of_staff, of_account=of_account, before=before, limit=limit, now=self._clock.now()
        )
        _count(StaffAction.AUDIT_LOG_READ, staff_id, of_account)
        return entries

    async def act_on_webhook(self, staff_id: int, action: StaffAction, webhook_id: int) -> None:
        """Notes, before it happens elsewhere, that an administrator makes or changes a webhook of everybody's events.
        Raises RoleRequired."""
        await self._store.act_on_webhook(staff_id, action, webhook_id, self._clock.now())
        _count(action, staff_id, None)

    async def keep_swept(self) -> None:
        """Deletes old entries periodically, until cancelled."""
        while True:
            try:
                while await self._store.forget(self._clock.now() - AUDIT_KEPT, _SWEEP) == _SWEEP:
                    pass
            except Unavailable as error:
                log.warning("audit log not swept", extra={"error": str(error)})
            await self._clock.sleep(_SWEEP_SECONDS)


def _canonical(username: str) -> str:
    """Empty if no account can have it."""
    try:
        return normalize_username(username)
    except ValueError:
        return ""


def _count(action: StaffAction, staff_id: int | None, account_id: int | None) -> None:
    """Also logs it: a copy that the owner of the database cannot change."""
    STAFF_ACTIONS.labels(action).inc()
    log.info("staff action", extra={"action": action, "staff_id": staff_id, "subject_id": account_id})

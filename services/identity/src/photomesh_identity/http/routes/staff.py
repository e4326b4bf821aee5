"""Routes of staff."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Response

from photomesh_identity.errors import (
    AccountNotFound,
    CodeRequired,
    OwnRoles,
    PasswordsBusy,
    SessionEnded,
    TooManyAttempts,
    TooManyTries,
    WrongCode,
    WrongPassword,
)
from photomesh_identity.http.dependencies import NO_STORE, Dependencies, require_open_session
from photomesh_identity.http.staff_schemas import (
    AccountLookup,
    AccountStatus,
    AuditEntry,
    RolesUpdate,
    SessionsEnd,
    StaffMember,
)
from photomesh_shared.auth import Staff
from photomesh_shared.http import ApiRouter, Auth, Budget, Page, Paging, RateClass
from photomesh_shared.ids import UserId, encode
from photomesh_shared.tokens.roles import Role

__all__ = ["router"]

router = ApiRouter(prefix="/v1/staff", tags=["staff"])


@router.post(
    "/lookups",
    auth=Auth.STAFF,
    role=Role.SUPPORT,
    rate=RateClass.WRITE,
    budget=Budget.RECORDS,
    problems=[SessionEnded, AccountNotFound],
    summary="Look up an account",
)
async def look_up_account(body: AccountLookup, response: Response, staff: Staff, deps: Dependencies) -> AccountStatus:
    """Written to the audit log, with the reason, even if there is no such account."""
    await require_open_session(staff, deps)
    found = await deps.staff.look_up(staff.account_id, body.reason, account_id=body.user_id, username=body.username)
    response.headers.update(NO_STORE)
    return AccountStatus.of(found)


@router.delete(
    "/users/{user_id}/sessions",
    auth=Auth.STAFF,
    role=Role.SUPPORT,
    rate=RateClass.WRITE,
    budget=Budget.RECORDS,
    problems=[SessionEnded, AccountNotFound],
    status_code=204,
    summary="End all sessions of an account",
)
async def end_sessions_of_account(user_id: UserId, body: SessionsEnd, staff: Staff, deps: Dependencies) -> None:
    """And its personal access tokens. The owner gets a mail."""
    await require_open_session(staff, deps)
    await deps.staff.end_sessions(staff.account_id, user_id, body.reason)


@router.put(
    "/users/{user_id}/roles",
    auth=Auth.STAFF,
    role=Role.ADMINISTRATOR,
    rate=RateClass.AUTH,
    budget=Budget.RECORDS,
    max_body=32 * 1024,
    problems=[
        SessionEnded,
        WrongPassword,
        WrongCode,
        CodeRequired,
        TooManyTries,
        TooManyAttempts,
        PasswordsBusy,
        AccountNotFound,
        OwnRoles,
    ],
    status_code=204,
    summary="Set the roles of an account",
)
async def set_roles(user_id: UserId, body: RolesUpdate, staff: Staff, deps: Dependencies) -> None:
    """Grants and revokes what differs. Roles count in sessions that began with a second factor or a passkey: a new one
    from the next log-in or refresh on; a revoked one ends here at once, elsewhere when the access token expires."""
    await require_open_session(staff, deps)
    await deps.confirmation.require(staff.account_id, body.password, body.code)
    await deps.staff.set_roles(staff.account_id, user_id, body.roles, body.reason)


@router.get(
    "/roles",
    auth=Auth.STAFF,
    role=Role.ADMINISTRATOR,
    rate=RateClass.READ,
    paged=True,
    problems=[SessionEnded],
    summary="List staff",
)
async def list_staff(staff: Staff, deps: Dependencies, paging: Paging) -> Page[StaffMember]:
    """All accounts with a role, the oldest first."""
    await require_open_session(staff, deps)
    (after,) = paging.position("staff") or (0,)
    found = await deps.staff.list_staff(staff.account_id, after=after, limit=paging.limit + 1)
    shown = found[: paging.limit]
    more = [shown[-1].account_id] if len(found) > paging.limit else None
    return paging.page("staff", [StaffMember.of(member) for member in shown], more)


@router.get(
    "/audit-log",
    auth=Auth.STAFF,
    role=Role.ADMINISTRATOR,
    rate=RateClass.READ,
    paged=True,
    problems=[SessionEnded],
    summary="Read the audit log of staff",
)
async def read_audit_log(
    staff: Staff,
    deps: Dependencies,
    paging: Paging,
    staff_id: Annotated[UserId | None, Query(description="What this account did.")] = None,
    user_id: Annotated[UserId | None, Query(description="What was done to this account.")] = None,
) -> Page[AuditEntry]:
    """The newest first, of the last two years. Reading it is written to it as well."""
    await require_open_session(staff, deps)
    kind = f"audit-log:{_name(staff_id)}:{_name(user_id)}"
    (before,) = paging.position(kind) or (None,)
    found = await deps.staff.read_log(
        staff.account_id, of_staff=staff_id, of_account=user_id, before=before, limit=paging.limit + 1
    )
    shown = found[: paging.limit]
    more = [shown[-1].id] if len(found) > paging.limit else None
    return paging.page(kind, [AuditEntry.of(entry) for entry in shown], more)


def _name(account_id: int | None) -> str:
    return "" if account_id is None else encode("u", account_id)

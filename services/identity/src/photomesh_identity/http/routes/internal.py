"""Routes for other services."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query

from photomesh_identity.accounts.domain import avatar_url
from photomesh_identity.http.dependencies import Dependencies
from photomesh_identity.staff.domain import StaffAction
from photomesh_shared.errors import AccountNotFound
from photomesh_shared.http import InternalRouter
from photomesh_shared.ids import UserId
from photomesh_shared.internal_api.confirmation import (
    CONFIRM_OWNER,
    NOTIFY_OF_EXPORT,
    REFUSALS,
    ExportNotice,
    NoticeQueued,
    OwnerConfirmation,
    OwnerProof,
)
from photomesh_shared.internal_api.export import GET_EXPORT_PAGE, ExportPage, ExportQuery
from photomesh_shared.internal_api.identity import (
    FIND_BY_NAME,
    LIST_ACCOUNTS,
    LIST_OPEN_SESSIONS,
    LIST_STAFF_ROLES,
    RECORD_WEBHOOK_ACTION,
    ActionRecorded,
    NamedAccount,
    NamedAccounts,
    NameQuery,
    OpenSessions,
    SessionsQuery,
    StaffRoles,
    StaffRolesQuery,
    WebhookAction,
)
from photomesh_shared.internal_api.states import AccountPage, AccountPageQuery, OwnedAccount
from photomesh_shared.tokens.errors import RoleRequired

__all__ = ["router"]

router = InternalRouter()


@router.serves(GET_EXPORT_PAGE)
async def get_export_page(account_id: UserId, query: Annotated[ExportQuery, Query()], deps: Dependencies) -> ExportPage:
    return await deps.records.page(account_id, query)


@router.serves(CONFIRM_OWNER)
async def confirm_owner(account_id: UserId, body: OwnerProof, deps: Dependencies) -> OwnerConfirmation:
    try:
        await deps.sessions.require_open(body.session_id)
        await deps.confirmation.require(account_id, body.password, body.code)
    except REFUSALS as refusal:
        return OwnerConfirmation.of(refusal)
    return OwnerConfirmation()


@router.serves(NOTIFY_OF_EXPORT)
async def notify_of_export(account_id: UserId, body: ExportNotice, deps: Dependencies) -> NoticeQueued:
    await deps.notices.of_export(account_id, body.kind, body.at)
    return NoticeQueued()


@router.serves(LIST_OPEN_SESSIONS)
async def list_open_sessions(body: SessionsQuery, deps: Dependencies) -> OpenSessions:
    opened = {session.id for session in await deps.sessions.list_sessions(body.account_id)}
    return OpenSessions(session_ids=[id_ for id_ in body.session_ids if id_ in opened])


@router.serves(LIST_STAFF_ROLES)
async def list_staff_roles(body: StaffRolesQuery, deps: Dependencies) -> StaffRoles:
    return StaffRoles(roles=sorted(await deps.staff.roles_in_tokens(body.account_id)))


@router.serves(RECORD_WEBHOOK_ACTION)
async def record_webhook_action(body: WebhookAction, deps: Dependencies) -> ActionRecorded:
    try:
        await deps.staff.act_on_webhook(body.staff_id, StaffAction(body.action), body.webhook_id)
    except RoleRequired:
        return ActionRecorded(allowed=False)
    return ActionRecorded(allowed=True)


@router.serves(FIND_BY_NAME)
async def find_by_name(body: NameQuery, deps: Dependencies) -> NamedAccounts:
    try:
        account = await deps.accounts.get_by_username(body.username)
    except AccountNotFound:
        return NamedAccounts(accounts=[])
    if account.hidden or not account.searchable:
        return NamedAccounts(accounts=[])
    named = NamedAccount(
        id=account.id,
        username=account.username,
        display_name=account.display_name,
        avatar_url=avatar_url(account, deps.cdn_url),
    )
    return NamedAccounts(accounts=[named])


@router.serves(LIST_ACCOUNTS)
async def list_accounts(query: Annotated[AccountPageQuery, Query()], deps: Dependencies) -> AccountPage:
    accounts, total = await deps.accounts.page(query.after, query.limit)
    states = [
        OwnedAccount(
            account.id,
            account.version,
            account.username,
            account.display_name,
            avatar_url(account, deps.cdn_url),
            account.private,
            account.status,
            account.mentionable_by,
        )
        for account in accounts
    ]
    return AccountPage(accounts=states, total=total)

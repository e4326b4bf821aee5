"""Client of identity: the audit log of staff."""

from __future__ import annotations

from photomesh_shared.internal_api.identity import RECORD_WEBHOOK_ACTION, WebhookAction
from photomesh_shared.service_client import ServiceClient
from photomesh_shared.tokens.errors import RoleRequired
from photomesh_shared.tokens.roles import Role

__all__ = ["IdentityAuditLog"]


class IdentityAuditLog:
    """Implements `service.AuditLog`."""

    def __init__(self, identity: ServiceClient) -> None:
        self._identity = identity

    async def created(self, staff_id: int, endpoint_id: int) -> None:
        await self._record(WebhookAction(staff_id=staff_id, action="webhook_created", webhook_id=endpoint_id))

    async def changed(self, staff_id: int, endpoint_id: int) -> None:
        await self._record(WebhookAction(staff_id=staff_id, action="webhook_changed", webhook_id=endpoint_id))

    async def _record(self, action: WebhookAction) -> None:
        if not (await self._identity.call(RECORD_WEBHOOK_ACTION, body=action)).allowed:
            raise RoleRequired(required_role=str(Role.ADMINISTRATOR))

"""Clients of the services that own data, and of identity for confirmations and mails."""

from __future__ import annotations

from collections.abc import Mapping

from photomesh_export.domain import Notice, Proof
from photomesh_shared import ids
from photomesh_shared.internal_api.confirmation import CONFIRM_OWNER, NOTIFY_OF_EXPORT, ExportNotice, OwnerProof
from photomesh_shared.internal_api.export import GET_EXPORT_PAGE, ExportPage, ExportQuery, Section
from photomesh_shared.service_client import ServiceClient

__all__ = ["NoticeClient", "OwnerClient", "SectionClient"]


class SectionClient:
    def __init__(self, services: Mapping[str, ServiceClient]) -> None:
        self._services = services

    async def page(self, section: Section, account_id: int, cursor: str | None, limit: int) -> ExportPage:
        """Raises SourceUnavailable."""
        return await self._services[section.service].call(
            GET_EXPORT_PAGE,
            query=ExportQuery(section=section.name, cursor=cursor, limit=limit),
            account_id=ids.encode("u", account_id),
        )


class OwnerClient:
    """Implements `service.Owners`."""

    def __init__(self, client: ServiceClient) -> None:
        self._client = client

    async def confirm(self, account_id: int, proof: Proof) -> None:
        body = OwnerProof(session_id=proof.session_id, password=proof.password, code=proof.code)
        answer = await self._client.call(CONFIRM_OWNER, body=body, account_id=ids.encode("u", account_id))
        answer.require()


class NoticeClient:
    """Implements `running.notices.Notices`."""

    def __init__(self, client: ServiceClient) -> None:
        self._client = client

    async def send(self, notice: Notice) -> None:
        """Raises SourceUnavailable."""
        body = ExportNotice(kind=notice.kind, at=notice.at)
        await self._client.call(NOTIFY_OF_EXPORT, body=body, account_id=ids.encode("u", notice.account_id))

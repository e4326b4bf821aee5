"""Clients of the services that own data."""

from __future__ import annotations

from collections.abc import Mapping

from photomesh_shared import ids
from photomesh_shared.internal_api.export import GET_EXPORT_PAGE, ExportPage, ExportQuery, Section
from photomesh_shared.service_client import ServiceClient

__all__ = ["SectionClient"]


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

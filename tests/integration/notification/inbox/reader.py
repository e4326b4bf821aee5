"""A reader of notifications, and what the writer does to their rows and index."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import httpx

from photomesh_notification.inbox.domain import Group
from photomesh_notification.store.list_index import ListIndex
from photomesh_shared import ids
from photomesh_shared.stores.cassandra import CassandraSession

__all__ = ["Reader"]


@dataclass(frozen=True)
class Reader:
    api: httpx.AsyncClient
    database: CassandraSession
    index: ListIndex
    account_id: int
    headers: dict[str, str]

    @property
    def id(self) -> str:
        return ids.encode("u", self.account_id)

    async def request(self, method: str, path: str, body: object = None) -> httpx.Response:
        content = None if body is None else json.dumps(body)
        headers = self.headers | {"Content-Type": "application/json"}
        return await self.api.request(method, path, headers=headers, content=content)

    async def get(self, path: str) -> dict[str, Any]:
        response = await self.request("GET", path)
        assert response.status_code == 200, response.text
        body: dict[str, Any] = response.json()
        return body

    async def kinds(self, query: str = "") -> list[str]:
        return [one["kind"] for one in (await self.get(f"/v1/notifications{query}"))["items"]]

    async def unread(self) -> int:
        return int((await self.get("/v1/notifications/unread"))["count"])

    async def write(self, group: Group, *, indexed: bool = True) -> None:
        await self.database.execute(
            "INSERT INTO notification_groups (account_id, group_id, kind, post_id, comment_id, photo_id, count, capped,"
            " actors, first_at, changed_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            self.account_id,
            group.id,
            group.kind,
            group.post_id,
            group.comment_id,
            group.photo_id,
            group.count,
            group.capped,
            list(group.actors),
            group.first_at,
            group.changed_at,
        )
        if indexed and group.count:
            await self.index.put(self.account_id, group.id, group.changed_at)
        elif indexed:
            await self.index.remove(self.account_id, group.id)

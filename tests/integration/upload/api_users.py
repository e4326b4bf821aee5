"""Clients of the upload API, written from its documentation."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from json import dumps
from typing import Any

import httpx

__all__ = ["ApiUser", "content_of"]


def content_of(size_bytes: int) -> bytes:
    """Random bytes."""
    return os.urandom(size_bytes)


@dataclass
class ApiUser:
    """A client of one account. `request` and `try_…` return any response; other methods assert success and return
    its content."""

    api: httpx.AsyncClient
    storage: httpx.AsyncClient
    account_id: int
    headers: dict[str, str]

    async def request(self, method: str, path: str, json: object = None, **headers: str) -> httpx.Response:
        content = None if json is None else dumps(json)
        sent = self.headers | {"Content-Type": "application/json"} | headers
        response = await self.api.request(method, f"/v1/uploads{path}", headers=sent, content=content)
        assert response.status_code < 500, response.text
        return response

    async def try_init(self, size_bytes: int = 1000, **changes: object) -> httpx.Response:
        announced = {"filename": "a.jpg", "size_bytes": size_bytes, "content_type": "image/jpeg"}
        return await self.request("POST", "/init", announced | changes)

    async def init(self, size_bytes: int = 1000, **changes: object) -> dict[str, Any]:
        response = await self.try_init(size_bytes, **changes)
        assert response.status_code == 201, response.text
        created: dict[str, Any] = response.json()
        assert response.headers["location"] == f"/v1/uploads/{created['id']}"
        return created

    async def put(self, url: str, content: bytes, **headers: str) -> str:
        """Returns the ETag, quoted as in the response."""
        response = await self.storage.put(url, content=content, headers=headers)
        assert response.status_code == 200, response.text
        etag: str = response.headers["etag"]
        return etag

    async def send(self, created: dict[str, Any], content: bytes) -> list[dict[str, object]]:
        """Sends the whole content, parts in parallel; returns the list for `complete`."""
        if created["parts"] is None:
            etag = await self.put(created["presigned_url"], content, **created["headers"])
            return [{"part_number": 1, "etag": etag}]
        step = created["part_size"]

        async def part(number: int, url: str) -> dict[str, object]:
            piece = content[(number - 1) * step : number * step]
            return {"part_number": number, "etag": await self.put(url, piece, **created["headers"])}

        return await asyncio.gather(*(part(p["part_number"], p["presigned_url"]) for p in created["parts"]))

    async def sent(self, content: bytes) -> tuple[str, list[dict[str, object]]]:
        """Creates an upload and sends its content; returns its id and the list for `complete`."""
        created = await self.init(len(content))
        return created["id"], await self.send(created, content)

    async def try_complete(self, upload_id: str, parts: object = None) -> httpx.Response:
        return await self.request("POST", f"/{upload_id}/complete", None if parts is None else {"parts": parts})

    async def complete(self, upload_id: str, parts: object = None) -> str:
        """Returns the id of the photo."""
        response = await self.try_complete(upload_id, parts)
        assert response.status_code == 201, response.text
        assert response.json()["status"] == "processing"
        photo_id: str = response.json()["photo_id"]
        assert response.headers["location"] == f"/v1/photos/{photo_id}"
        return photo_id

    async def get_upload(self, upload_id: str) -> dict[str, Any]:
        response = await self.request("GET", f"/{upload_id}")
        assert response.status_code == 200, response.text
        details: dict[str, Any] = response.json()
        return details

    async def create_part_urls(self, upload_id: str, *part_numbers: int) -> dict[int, str]:
        """Returns URLs by part number."""
        response = await self.request("POST", f"/{upload_id}/parts", {"part_numbers": part_numbers})
        assert response.status_code == 200, response.text
        return {part["part_number"]: part["presigned_url"] for part in response.json()["parts"]}

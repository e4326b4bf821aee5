"""A client of the upload API, as a person who has only read its documentation would write it."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from json import dumps
from typing import Any

import httpx

__all__ = ["Uploader", "content_of", "expect_problem"]


def content_of(size_bytes: int) -> bytes:
    """Bytes that no other test has."""
    return os.urandom(size_bytes)


def expect_problem(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    body: dict[str, Any] = response.json()
    assert (response.status_code, body["code"]) == (status, code), body
    assert response.headers["content-type"] == "application/problem+json"
    assert body["type"].endswith(f"/problems/{code}")
    assert body["request_id"] == response.headers["request-id"]
    return body


@dataclass
class Uploader:
    """One account. `try_…` and `ask` return any answer, the others what a good one holds."""

    api: httpx.AsyncClient
    storage: httpx.AsyncClient
    account_id: int
    headers: dict[str, str]

    async def ask(self, method: str, path: str, json: object = None, **headers: str) -> httpx.Response:
        content = None if json is None else dumps(json)
        sent = self.headers | {"Content-Type": "application/json"} | headers
        response = await self.api.request(method, f"/v1/uploads{path}", headers=sent, content=content)
        assert response.status_code < 500, response.text
        return response

    async def try_init(self, size_bytes: int = 1000, **changes: object) -> httpx.Response:
        announced = {"filename": "a.jpg", "size_bytes": size_bytes, "content_type": "image/jpeg"}
        return await self.ask("POST", "/init", announced | changes)

    async def init(self, size_bytes: int = 1000, **changes: object) -> dict[str, Any]:
        response = await self.try_init(size_bytes, **changes)
        assert response.status_code == 200, response.text
        begun: dict[str, Any] = response.json()
        return begun

    async def put(self, url: str, content: bytes, **headers: str) -> str:
        """The ETag, as the store gives it (in quotes)."""
        response = await self.storage.put(url, content=content, headers=headers)
        assert response.status_code == 200, response.text
        etag: str = response.headers["etag"]
        return etag

    async def send(self, begun: dict[str, Any], content: bytes) -> list[dict[str, object]]:
        """Everything, parts in parallel; what `complete` is to be told."""
        if begun["parts"] is None:
            etag = await self.put(begun["presigned_url"], content, **begun["headers"])
            return [{"part_number": 1, "etag": etag}]
        step = begun["part_size"]

        async def part(number: int, url: str) -> dict[str, object]:
            piece = content[(number - 1) * step : number * step]
            return {"part_number": number, "etag": await self.put(url, piece, **begun["headers"])}

        return await asyncio.gather(*(part(p["part_number"], p["presigned_url"]) for p in begun["parts"]))

    async def sent(self, content: bytes) -> tuple[str, list[dict[str, object]]]:
        """An upload that only has to be completed: its id and its parts."""
        begun = await self.init(len(content))
        return begun["upload_id"], await self.send(begun, content)

    async def try_complete(self, upload_id: str, parts: object = None) -> httpx.Response:
        return await self.ask("POST", f"/{upload_id}/complete", None if parts is None else {"parts": parts})

    async def complete(self, upload_id: str, parts: object = None) -> str:
        """The photo's id."""
        response = await self.try_complete(upload_id, parts)
        assert response.status_code == 201, response.text
        assert response.json()["status"] == "processing"
        photo_id: str = response.json()["photo_id"]
        assert response.headers["location"] == f"/v1/photos/{photo_id}"
        return photo_id

    async def state(self, upload_id: str) -> dict[str, Any]:
        response = await self.ask("GET", f"/{upload_id}")
        assert response.status_code == 200, response.text
        state: dict[str, Any] = response.json()
        return state

    async def fresh(self, upload_id: str, *part_numbers: int) -> dict[int, str]:
        """URLs by part number."""
        response = await self.ask("POST", f"/{upload_id}/parts", {"part_numbers": part_numbers})
        assert response.status_code == 200, response.text
        return {part["part_number"]: part["presigned_url"] for part in response.json()["parts"]}

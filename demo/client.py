"""A client of the HTTP API, written as an app's developer would write it from the documentation."""

from __future__ import annotations

import asyncio
import mimetypes
import secrets
import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from httpx_sse import ServerSentEvent, aconnect_sse

__all__ = ["Account", "ApiError", "Photo", "PhotoRefused", "Platform"]

mimetypes.add_type("image/heic", ".heic")
mimetypes.add_type("image/avif", ".avif")
mimetypes.add_type("image/webp", ".webp")

_PUT_TRIES = 6
_PARALLEL_PARTS = 4
Progress = Callable[[int], None]


class ApiError(Exception):
    """The platform answered with a problem."""

    def __init__(self, response: httpx.Response) -> None:
        request = response.request
        super().__init__(f"{request.method} {request.url.path}: {response.status_code} {response.text}")


class PhotoRefused(Exception):
    """A photo ended as `rejected` or `failed`."""


@dataclass(frozen=True)
class Account:
    id: str
    username: str
    headers: dict[str, str]
    password: str = field(default="", repr=False)


@dataclass(frozen=True)
class Photo:
    """A photo that is ready; `seconds` is from the answer of `complete` to ready."""

    id: str
    seconds: float
    body: dict[str, Any]


class Platform:
    """The API at `base_url`, and the storage and CDN that its answers point to."""

    def __init__(self, http: httpx.AsyncClient, base_url: str, *, tries: int = 6) -> None:
        self._http = http
        self._base = base_url
        self._tries = tries

    async def call(self, method: str, path: str, account: Account | None = None, **arguments: Any) -> dict[str, Any]:
        """One call, tried again for as long as the problem says that this may help: the key makes it safe."""
        headers = {"Idempotency-Key": uuid.uuid4().hex} | (account.headers if account else {})
        for attempt in range(self._tries):
            response = await self._http.request(method, self._base + path, headers=headers, **arguments)
            if not response.is_error or not response.json()["retryable"] or attempt == self._tries - 1:
                break
            await asyncio.sleep(float(response.headers.get("retry-after", "1")))
        if response.is_error:
            raise ApiError(response)
        body: dict[str, Any] = response.json() if response.content else {}
        return body

    async def register(self, username: str) -> Account:
        password = secrets.token_urlsafe(16)
        body = await self.call(
            "POST",
            "/v1/accounts",
            json={"username": username, "email": f"{username}@example.com", "password": password},
        )
        return Account(body["user"]["id"], username, {"Authorization": f"Bearer {body['access_token']}"}, password)

    async def upload(self, account: Account, file: Path, progress: Progress, *, purpose: str = "post") -> str:
        """Uploads one file straight to object storage; gives the photo's id. `purpose`: `post` or `story`."""
        content = await asyncio.to_thread(file.read_bytes)
        content_type = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        begun = await self.call(
            "POST",
            "/v1/uploads/init",
            account,
            json={"filename": file.name, "size_bytes": len(content), "content_type": content_type, "purpose": purpose},
        )
        if begun.get("parts"):
            parts = await self._put_parts(begun, content, progress)
        else:
            etag = await self._put(begun["presigned_url"], content, {"Content-Type": content_type})
            progress(len(content))
            parts = [{"part_number": 1, "etag": etag}]
        done = await self.call("POST", f"/v1/uploads/{begun['id']}/complete", account, json={"parts": parts})
        photo_id: str = done["photo_id"]
        return photo_id

    async def _put_parts(self, begun: dict[str, Any], content: bytes, progress: Progress) -> list[dict[str, Any]]:
        size, gate = begun["part_size"], asyncio.Semaphore(_PARALLEL_PARTS)

        async def put(part: dict[str, Any]) -> dict[str, Any]:
            start = (part["part_number"] - 1) * size
            piece = content[start : start + size]
            async with gate:
                etag = await self._put(part["presigned_url"], piece, {})
            progress(len(piece))
            return {"part_number": part["part_number"], "etag": etag}

        return list(await asyncio.gather(*(put(part) for part in begun["parts"])))

    async def _put(self, url: str, content: bytes, headers: dict[str, str]) -> str:
        """One PUT to object storage, tried again when the connection fails; gives the ETag."""
        for attempt in range(_PUT_TRIES):
            try:
                response = await self._http.put(url, content=content, headers=headers)
                if response.is_success:
                    return response.headers["etag"].strip('"')
            except httpx.TransportError:
                if attempt == _PUT_TRIES - 1:
                    raise
            await asyncio.sleep(0.2 * 2**attempt)
        raise ApiError(response)

    async def wait_until_ready(self, account: Account, photo_id: str, *, within: float) -> Photo:
        """Polls the photo until it is in a terminal state. Raises PhotoRefused, or TimeoutError."""
        started = time.monotonic()
        while (elapsed := time.monotonic() - started) < within:
            body = await self.call("GET", f"/v1/photos/{photo_id}", account)
            if body["status"] == "ready":
                return Photo(photo_id, elapsed, body)
            if body["status"] in ("rejected", "failed"):
                raise PhotoRefused(f"{body['status']}: {body['reason']['message']}")
            await asyncio.sleep(0.1)
        raise TimeoutError(f"{photo_id} is not ready after {within} s")

    async def publish(self, account: Account, photo_ids: list[str], caption: str) -> dict[str, Any]:
        return await self.call("POST", "/v1/posts", account, json={"photo_ids": photo_ids, "caption": caption})

    async def follow(self, account: Account, other: Account) -> None:
        await self.call("PUT", f"/v1/users/{other.id}/follow", account)

    async def like(self, account: Account, post_id: str) -> None:
        await self.call("PUT", f"/v1/posts/{post_id}/like", account)

    async def comment(self, account: Account, post_id: str, text: str) -> None:
        await self.call("POST", f"/v1/posts/{post_id}/comments", account, json={"text": text})

    async def feed(self, account: Account, *, mode: str = "ranked", limit: int = 20) -> list[dict[str, Any]]:
        """The first page of the account's home feed."""
        body = await self.call("GET", "/v1/feed", account, params={"mode": mode, "limit": limit})
        items: list[dict[str, Any]] = body["items"]
        return items

    async def notifications(self, account: Account) -> list[dict[str, Any]]:
        """The first page of what the account hears of."""
        body = await self.call("GET", "/v1/notifications", account, params={"limit": 50})
        items: list[dict[str, Any]] = body["items"]
        return items

    @asynccontextmanager
    async def live(self, account: Account, *, within: float) -> AsyncIterator[AsyncIterator[ServerSentEvent]]:
        """The account's stream of notifications, for so many seconds. Raises TimeoutError."""
        path = f"{self._base}/v1/notifications/stream"
        async with asyncio.timeout(within), aconnect_sse(self._http, "GET", path, headers=account.headers) as source:
            source.response.raise_for_status()
            yield source.aiter_sse()

    async def fetch(self, url: str) -> tuple[bytes, bool]:
        """A variant from the CDN, as an anonymous reader; the bytes, and whether the edge had it."""
        response = await self._http.get(url)
        response.raise_for_status()
        return response.content, "edge; hit" in response.headers.get("x-cache", "")

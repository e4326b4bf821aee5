"""A client of the API that keeps the time of every call."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import aiohttp

__all__ = ["Person", "Times", "people"]

_POLL_SECONDS = 0.02
_PATIENCE_SECONDS = 60.0


@dataclass
class Times:
    """Seconds, by what was done."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def add(self, what: str, since: float) -> None:
        self.seconds[what].append(time.perf_counter() - since)


class Person:
    """One account."""

    def __init__(self, http: aiohttp.ClientSession, api: str, token: str, times: Times) -> None:
        self._http = http
        self._api = api
        self._headers = {"Authorization": f"Bearer {token}"}
        self._times = times

    async def call(self, method: str, path: str, *, json: object = None, timed: str | None = None) -> Any:
        """The answer's JSON. Raises RuntimeError for one that is not 2xx."""
        started = time.perf_counter()
        async with self._http.request(method, self._api + path, json=json, headers=self._headers) as response:
            body = await response.read()
            if timed:
                self._times.add(timed, started)
            if response.status >= 400:
                raise RuntimeError(f"{method} {path}: {response.status} {body[:500]!r}")
            return await response.json() if body else None

    async def init(self, size_bytes: int, timed: str) -> dict[str, Any]:
        announced = {"filename": "bench.jpg", "size_bytes": size_bytes, "content_type": "image/jpeg"}
        begun: dict[str, Any] = await self.call("POST", "/v1/uploads/init", json=announced, timed=timed)
        return begun

    async def abort(self, begun: dict[str, Any]) -> None:
        await self.call("DELETE", f"/v1/uploads/{begun['id']}")

    async def upload(self, photo: bytes) -> str:
        """Announces, sends and completes a photo that needs one PUT; its id."""
        begun = await self.init(len(photo), "init")
        started = time.perf_counter()
        async with self._http.put(begun["presigned_url"], data=photo, headers=begun["headers"]) as response:
            response.raise_for_status()
            parts = [{"part_number": 1, "etag": response.headers["ETag"]}]
        self._times.add("PUT to the store", started)
        path = f"/v1/uploads/{begun['id']}/complete"
        done = await self.call("POST", path, json={"parts": parts}, timed="complete")
        photo_id: str = done["photo_id"]
        return photo_id

    async def wait_until_ready(self, photo_id: str, every: float = _POLL_SECONDS) -> None:
        started = time.perf_counter()
        while (photo := await self.call("GET", f"/v1/photos/{photo_id}"))["status"] != "ready":
            if photo["status"] != "processing" or time.perf_counter() - started > _PATIENCE_SECONDS:
                raise RuntimeError(f"{photo_id} is {photo['status']}")
            await asyncio.sleep(every)
        self._times.add("complete → ready", started)


async def people(http: aiohttp.ClientSession, api: str, count: int, times: Times) -> list[Person]:
    """New accounts."""
    return [Person(http, api, await _token(http, api), times) for _ in range(count)]


async def _token(http: aiohttp.ClientSession, api: str) -> str:
    name = f"bench{secrets.token_hex(8)}"
    account = {"username": name, "email": f"{name}@example.com", "password": secrets.token_urlsafe(16)}
    while True:
        async with http.post(f"{api}/v1/accounts", json=account) as response:
            if response.status == 429:  # few accounts may be opened from one address, and this is not what we measure
                await asyncio.sleep(float(response.headers["Retry-After"]))
                continue
            response.raise_for_status()
            token: str = (await response.json())["access_token"]
            return token

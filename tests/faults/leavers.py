"""People who come, take part in a society and leave for good. What they did must be gone without a trace."""

from __future__ import annotations

import asyncio
import secrets
import time
from typing import Any

import httpx

from demo.client import Account
from tests.support.society import People, patiently

__all__ = ["Leaver"]

_WITHIN = 180.0


class Leaver:
    """One of them. The model of the society never knows of them, so what stays behind is a difference."""

    def __init__(self, http: httpx.AsyncClient, url: str, people: People, *, patience: float) -> None:
        self._http, self._url, self._people, self._patience = http, url, people, patience
        self._name = f"leaver_{secrets.token_hex(8)}"
        self._password = secrets.token_urlsafe(16)
        self._account: Account | None = None
        self._scheduled: dict[str, Any] = {}

    async def live_and_leave(self) -> None:
        """Register, follow and engage, be followed, and leave. Raises AssertionError if a call is refused."""
        body = {"username": self._name, "email": f"{self._name}@example.com", "password": self._password}
        made = (await self._do("POST", "/v1/accounts", json=body)).json()
        self._account = Account(made["user"]["id"], self._name, {"Authorization": f"Bearer {made['access_token']}"})
        await self._may("PUT", f"{self._people.path(0)}/follow")
        await self._people.call(1, "PUT", f"/v1/users/{self._account.id}/follow")
        for post_id in sorted(self._people.model.posts)[:5]:
            await self._may("PUT", f"/v1/posts/{post_id}/like")
            await self._may("POST", f"/v1/posts/{post_id}/comments", json={"text": "Good-bye"})
        left = await self._do("DELETE", "/v1/me", json={"password": self._password, "now": True})
        self._scheduled = left.json() if left.content else {}

    async def trace(self) -> list[str]:
        """What is left once the receipt is there, at the latest when time is up."""
        if self._account is None:
            return [f"{self._name} never registered"]
        deadline = time.monotonic() + _WITHIN
        while lines := await self._left():
            if time.monotonic() > deadline:
                return lines
            await asyncio.sleep(0.5)
        return []

    async def _left(self) -> list[str]:
        assert self._account is not None
        try:
            lines = []
            if self._scheduled:
                path, token = f"/v1/erasures/{self._scheduled['id']}", {"Erasure-Token": self._scheduled["token"]}
                report = (await self._http.get(self._url + path, headers=token)).json()
                if not report.get("receipt"):
                    groups = [group["group"] for group in report.get("groups", ()) if not group["done_at"]]
                    lines += [f"no receipt for {self._name}; {', '.join(groups) or report} did not answer"]
            for path in (f"/v1/users/by-username/{self._name}", f"/v1/users/{self._account.id}"):
                found = await self._http.get(self._url + path)
                lines += [f"{self._name} answers {found.status_code} at {path}"] if found.status_code != 404 else []
        except httpx.TransportError as error:
            return [repr(error)]
        return lines

    async def _may(self, method: str, path: str, **arguments: Any) -> None:
        """A call about what others may have hidden or removed meanwhile."""
        response = await self._call(method, path, **arguments)
        assert response.is_success or response.status_code == 404, f"{method} {path}: {response.text}"

    async def _do(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        response = await self._call(method, path, **arguments)
        assert response.is_success, f"{method} {path} by {self._name}: {response.status_code} {response.text}"
        return response

    async def _call(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        headers = self._account.headers if self._account else {}
        return await patiently(
            self._http, method, self._url + path, patience=self._patience, headers=headers, **arguments
        )

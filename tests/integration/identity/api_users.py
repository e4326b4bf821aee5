"""Users of identity's API."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Any

import httpx

__all__ = ["OWN_MEMBERS", "PASSWORD", "ApiUser", "ApiUsers", "Body"]

PASSWORD = "correct horse battery"
OWN_MEMBERS = ("email", "email_verified", "age", "searchable")
"""Of an account, which only it sees."""
Body = dict[str, Any]


@dataclass
class ApiUser:
    """A client with an account, and the tokens of the latest response that had any."""

    api: httpx.AsyncClient
    user: Body
    tokens: Body = field(repr=False)

    @property
    def id(self) -> str:
        return str(self.user["id"])

    @property
    def username(self) -> str:
        return str(self.user["username"])

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.tokens['access_token']}"}

    @property
    def refresh_token(self) -> str:
        return str(self.tokens["refresh_token"])

    async def me(self, **headers: str) -> httpx.Response:
        return await self.api.get("/v1/me", headers=self.headers | headers)

    async def update(self, *, if_match: str | None = None, **changes: object) -> httpx.Response:
        headers = self.headers | ({"If-Match": if_match} if if_match else {})
        return await self.api.patch("/v1/me", json=changes, headers=headers)

    async def refresh(self, token: str | None = None) -> httpx.Response:
        return await self.api.post("/v1/sessions/refresh", json={"refresh_token": token or self.refresh_token})

    async def refreshed(self, token: str | None = None) -> Body:
        """Refreshes, and keeps the new pair."""
        answer = await self.refresh(token)
        assert answer.status_code == 200, answer.text
        self.tokens = answer.json()
        return self.tokens

    async def put(self, path: str, **body: object) -> httpx.Response:
        return await self.api.put(path, json=body, headers=self.headers)

    async def log_out(self) -> httpx.Response:
        return await self.api.delete("/v1/sessions/current", headers=self.headers)


@dataclass
class ApiUsers:
    api: httpx.AsyncClient

    @staticmethod
    def new_name() -> str:
        return f"t_{uuid.uuid4().hex[:16]}"

    async def register(self, body: object = None, **headers: str) -> httpx.Response:
        """Registers; without a body, a new user."""
        name = self.new_name()
        body = body if body is not None else self.registration(name)
        return await self.api.post("/v1/accounts", json=body, headers=headers)

    @staticmethod
    def registration(name: str, **changes: object) -> Body:
        return {"username": name, "email": f"{name}@example.com", "password": PASSWORD} | changes

    async def new_user(self, **changes: object) -> ApiUser:
        answer = await self.register(self.registration(self.new_name(), **changes))
        assert answer.status_code == 201, answer.text
        body = answer.json()
        return ApiUser(self.api, body.pop("user"), body)

    async def log_in(self, login: str, password: str = PASSWORD) -> httpx.Response:
        return await self.api.post("/v1/sessions", json={"login": login, "password": password})

    async def log_in_as(self, login: str, password: str = PASSWORD) -> ApiUser:
        answer = await self.log_in(login, password)
        assert answer.status_code == 201, answer.text
        body = answer.json()
        return ApiUser(self.api, body.pop("user"), body)

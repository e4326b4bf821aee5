"""Users of the social graph's API. Tests publish the events of identity."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx

from photomesh_shared.ids import encode
from photomesh_social_graph.event_handlers import AccountEventHandlers
from tests.support.social_graph import account_event
from tests.support.tokens import Issuer

__all__ = ["ApiUser", "ApiUsers", "Body"]

Body = dict[str, Any]


@dataclass(frozen=True)
class ApiUser:
    """A client of one account. Each change asserts success and returns the body of the response."""

    api: httpx.AsyncClient
    number: int
    headers: dict[str, str]

    @property
    def id(self) -> str:
        return encode("u", self.number)

    async def get(self, path: str, **query: Any) -> httpx.Response:
        return await self.api.get(path, params=query, headers=self.headers)

    async def put(self, path: str) -> httpx.Response:
        return await self.api.put(path, headers=self.headers)

    async def delete(self, path: str) -> httpx.Response:
        return await self.api.delete(path, headers=self.headers)

    async def follow(self, other: ApiUser) -> Body:
        return _body(await self.put(f"/v1/users/{other.id}/follow"))

    async def unfollow(self, other: ApiUser) -> Body:
        return _body(await self.delete(f"/v1/users/{other.id}/follow"))

    async def block(self, other: ApiUser) -> Body:
        return _body(await self.put(f"/v1/users/{other.id}/block"))

    async def unblock(self, other: ApiUser) -> Body:
        return _body(await self.delete(f"/v1/users/{other.id}/block"))

    async def mute(self, other: ApiUser) -> Body:
        return _body(await self.put(f"/v1/users/{other.id}/mute"))

    async def unmute(self, other: ApiUser) -> Body:
        return _body(await self.delete(f"/v1/users/{other.id}/mute"))

    async def approve(self, other: ApiUser) -> Body:
        return _body(await self.put(f"/v1/me/follow-requests/{other.id}"))

    async def deny(self, other: ApiUser) -> Body:
        return _body(await self.delete(f"/v1/me/follow-requests/{other.id}"))

    async def remove(self, other: ApiUser) -> Body:
        return _body(await self.delete(f"/v1/me/followers/{other.id}"))

    async def relations_to(self, *others: ApiUser) -> list[set[str]]:
        """The names of the members that are true, for each of these users."""
        body = _body(await self.get("/v1/me/relationships", user_id=[other.id for other in others]))
        return [{name for name, value in item.items() if value is True} for item in body["items"]]

    async def list_ids(self, path: str, **query: Any) -> list[str]:
        """The ids on one page."""
        return [item["id"] for item in _body(await self.get(path, **query))["items"]]

    async def counts(self) -> tuple[int, int]:
        """(followers, following)"""
        body = _body(await self.api.get(f"/internal/accounts/{self.id}/summary"))
        return body["followers"], body["following"]


def _body(answer: httpx.Response) -> Body:
    assert answer.status_code == 200, answer.text
    body: Body = answer.json()
    return body


@dataclass(frozen=True)
class ApiUsers:
    api: httpx.AsyncClient
    handlers: AccountEventHandlers
    issuer: Issuer
    new_id: Callable[[], int]

    async def new_user(self, *, private: bool = False) -> ApiUser:
        user = self.unregistered_user()
        await self.update_account(user, private=private, version=1)
        return user

    async def new_users(self, count: int) -> list[ApiUser]:
        return [await self.new_user() for _ in range(count)]

    def unregistered_user(self) -> ApiUser:
        """A user whose registration event has not arrived."""
        number = self.new_id()
        return ApiUser(self.api, number, self.issuer.headers(number))

    async def update_account(self, user: ApiUser, *, private: bool, version: int) -> None:
        """Handles the event of this version of the account."""
        await self.handlers.account_changed(account_event(user.number, private=private, version=version))

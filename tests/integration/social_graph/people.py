"""People who use the social graph, and identity, played by the test."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import httpx

from photomesh_shared.ids import encode
from photomesh_social_graph.admissions import Admissions
from tests.support.tokens import Issuer
from tests.unit.social_graph.world import account

__all__ = ["Body", "People", "Person"]

Body = dict[str, Any]


@dataclass(frozen=True)
class Person:
    """Somebody with an account. Each change gives its answer's body, having made sure that it worked."""

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

    async def follow(self, other: Person) -> Body:
        return _body(await self.put(f"/v1/users/{other.id}/follow"))

    async def unfollow(self, other: Person) -> Body:
        return _body(await self.delete(f"/v1/users/{other.id}/follow"))

    async def block(self, other: Person) -> Body:
        return _body(await self.put(f"/v1/users/{other.id}/block"))

    async def unblock(self, other: Person) -> Body:
        return _body(await self.delete(f"/v1/users/{other.id}/block"))

    async def mute(self, other: Person) -> Body:
        return _body(await self.put(f"/v1/users/{other.id}/mute"))

    async def unmute(self, other: Person) -> Body:
        return _body(await self.delete(f"/v1/users/{other.id}/mute"))

    async def approve(self, other: Person) -> Body:
        return _body(await self.put(f"/v1/me/follow-requests/{other.id}"))

    async def deny(self, other: Person) -> Body:
        return _body(await self.delete(f"/v1/me/follow-requests/{other.id}"))

    async def remove(self, other: Person) -> Body:
        return _body(await self.delete(f"/v1/me/followers/{other.id}"))

    async def stands_to(self, *others: Person) -> list[set[str]]:
        """What is true of the relationship to each."""
        body = _body(await self.get("/v1/me/relationships", user_id=[other.id for other in others]))
        return [{name for name, value in item.items() if value is True} for item in body["items"]]

    async def listed(self, path: str, **query: Any) -> list[str]:
        """The ids on one page."""
        return [item["id"] for item in _body(await self.get(path, **query))["items"]]

    async def counts(self) -> tuple[int, int]:
        """Followers, following."""
        body = _body(await self.api.get(f"/internal/accounts/{self.id}/summary"))
        return body["followers"], body["following"]


def _body(answer: httpx.Response) -> Body:
    assert answer.status_code == 200, answer.text
    body: Body = answer.json()
    return body


@dataclass(frozen=True)
class People:
    api: httpx.AsyncClient
    admissions: Admissions
    issuer: Issuer
    new_id: Callable[[], int]

    async def somebody(self, *, private: bool = False) -> Person:
        person = self.unknown()
        await self.change(person, private=private, version=1)
        return person

    async def several(self, count: int) -> list[Person]:
        return [await self.somebody() for _ in range(count)]

    def unknown(self) -> Person:
        """Somebody whose registration has not come here."""
        number = self.new_id()
        return Person(self.api, number, self.issuer.headers(number))

    async def change(self, person: Person, *, private: bool, version: int) -> None:
        """What follows from the event of this version."""
        await self.admissions.account_changed(account(person.number, private=private, version=version))

    def at(self, api: httpx.AsyncClient) -> People:
        """The same people, at another replica."""
        return replace(self, api=api)

"""People who publish and look at stories through the API."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx

from photomesh_shared.events import FOR_STORIES, PhotoReady
from photomesh_shared.ids import decode, encode
from photomesh_story.store.index import StoryIndex
from photomesh_story.store.tables import CassandraStories
from tests.support.story.memory import MemoryAccounts
from tests.support.tokens import Issuer
from tests.support.waiting import eventually


@dataclass
class People:
    api: httpx.AsyncClient
    tables: CassandraStories
    index: StoryIndex
    accounts: MemoryAccounts
    issuer: Issuer
    new_id: Callable[[], int]

    def __post_init__(self) -> None:
        self.ada, self.grace, self.linus = (self.new_id() for _ in range(3))

    async def call(self, who: int, method: str, path: str, *, patient: bool = True, **rest: Any) -> httpx.Response:
        """`patient`: a 503 is repeated, as a busy machine lets calls between services time out."""

        async def attempt() -> httpx.Response:
            return await self.api.request(method, path, headers=self.issuer.headers(who), **rest)

        if not patient:
            return await attempt()
        return await eventually(attempt, until=lambda response: response.status_code != 503, within=60, every=0.2)

    async def ok(self, who: int, method: str, path: str, **rest: Any) -> Any:
        response = await self.call(who, method, path, **rest)
        assert response.is_success, response.text
        return response.json() if response.content else None

    async def follow(self, follower: int, followee: int) -> None:
        self.accounts.follows.add((follower, followee))
        await self.index.relation("follows", follower, followee, 1, active=True)

    def ready_photo(self, owner: int) -> PhotoReady:
        changes = {"photo_id": self.new_id(), "owner_id": owner, "purpose": FOR_STORIES, "bucket": "private"}
        return PhotoReady.example().model_copy(update=changes)

    async def photo(self, owner: int) -> str:
        photo = self.ready_photo(owner)
        await self.tables.add_photo(photo, 1)
        return encode("p", photo.photo_id)

    async def publish(self, author: int, **changes: Any) -> Any:
        return await self.ok(author, "POST", "/v1/stories", json={"photo_id": await self.photo(author), **changes})

    async def stories(self, viewer: int, author: int) -> list[str]:
        found = await self.ok(viewer, "GET", f"/v1/users/{encode('u', author)}/stories")
        return [story["id"] for story in found["items"]]

    async def tray(self, viewer: int) -> list[tuple[int, str, bool]]:
        found = await self.ok(viewer, "GET", "/v1/stories/tray")
        return [
            (decode("u", entry["account"]["id"]), entry["latest_story_id"], entry["unseen"]) for entry in found["items"]
        ]

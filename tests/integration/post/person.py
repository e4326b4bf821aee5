"""People who upload photos and post them, and the rest of the platform, played by the test."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx

from photomesh_shared import ids
from photomesh_shared.events import Envelope, Event
from photomesh_shared.kafka.publisher import KafkaPublisher
from photomesh_shared.object_keys import metadata_key
from photomesh_shared.storage import NoSuchObject, ObjectStorage
from tests.support.waiting import eventually
from tests.unit.post import world

__all__ = ["Person", "Platform"]

_PATIENCE_SECONDS = 60.0  # Kafka takes half of that to miss a consumer that was killed
RAW, VARIANTS = "raw", "variants"


@dataclass(frozen=True)
class Platform:
    """What upload, media-worker and identity do."""

    publisher: KafkaPublisher
    storage: ObjectStorage
    new_id: Callable[[], int]

    async def say(self, *envelopes: Envelope[Event], times: int = 1) -> None:
        for envelope in envelopes:
            await self.publisher.publish_many([envelope] * times)

    async def register(self, account_id: int, *, private: bool = False, version: int = 1) -> None:
        await self.say(world.account(account_id, private=private, version=version))

    async def put_objects(self, photo_id: int) -> list[tuple[str, str]]:
        """Everything that is stored of a photo that is ready; bucket and key of each."""
        variants = [(VARIANTS, variant.key) for variant in world.ready(photo_id).data.variants]
        objects = [(RAW, world.uploaded(photo_id).data.key), (RAW, metadata_key(photo_id)), *variants]
        await asyncio.gather(
            *(
                self.storage.put(bucket, key, key.encode(), content_type="image/jpeg", cache_control="max-age=31536000")
                for bucket, key in objects
            )
        )
        return objects

    async def stored(self, objects: list[tuple[str, str]]) -> list[str]:
        """Which of these are in object storage."""

        async def has(bucket: str, key: str) -> bool:
            try:
                await self.storage.head(bucket, key)
            except NoSuchObject:
                return False
            return True

        return [key for bucket, key in objects if await has(bucket, key)]

    async def are_gone(self, objects: list[tuple[str, str]]) -> None:
        """Waits until none is in object storage."""
        await eventually(lambda: self.stored(objects), until=lambda left: not left, within=60)


@dataclass(frozen=True)
class Person:
    """One account. `ask` returns any answer, the others what a good one holds."""

    api: httpx.AsyncClient
    platform: Platform
    account_id: int
    headers: dict[str, str]

    @property
    def id(self) -> str:
        return ids.encode("u", self.account_id)

    async def ask(self, method: str, path: str, body: object = None, **headers: str) -> httpx.Response:
        content = None if body is None else json.dumps(body)
        sent = (
            self.headers | {"Content-Type": "application/json"} | {k.replace("_", "-"): v for k, v in headers.items()}
        )
        answer = await self.api.request(method, path, headers=sent, content=content)
        assert answer.status_code < 500, answer.text
        return answer

    async def get(self, path: str) -> dict[str, Any]:
        answer = await self.ask("GET", path)
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body

    async def post(self, *photo_ids: str, **fields: object) -> dict[str, Any]:
        answer = await self.ask("POST", "/v1/posts", {"photo_ids": photo_ids, **fields})
        assert answer.status_code == 201, answer.text
        body: dict[str, Any] = answer.json()
        assert answer.headers["location"] == f"/v1/posts/{body['id']}"
        return body

    async def edit(self, post_id: str, **fields: object) -> dict[str, Any]:
        answer = await self.ask("PATCH", f"/v1/posts/{post_id}", fields)
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body

    async def delete(self, post_id: str) -> None:
        answer = await self.ask("DELETE", f"/v1/posts/{post_id}")
        assert answer.status_code == 204, answer.text

    async def listed(self, user_id: str, **query: object) -> dict[str, Any]:
        answer = await self.api.get(f"/v1/users/{user_id}/posts", params=query, headers=self.headers)  # type: ignore[arg-type] # numbers and strings
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body

    def new_photo(self) -> int:
        return self.platform.new_id()

    async def upload(self) -> str:
        """A photo that waits to be processed, as soon as it can be seen."""
        photo = self.new_photo()
        await self.platform.say(world.uploaded(photo, self.account_id))
        return await self.sees(photo, "processing")

    async def photo(self) -> str:
        """A photo that is ready."""
        photo = self.new_photo()
        await self.platform.say(world.uploaded(photo, self.account_id), world.ready(photo, self.account_id))
        return await self.sees(photo, "ready")

    async def becomes(self, photo_id: str, make: Callable[[int, int], Envelope[Event]]) -> None:
        """Says what became of a photo."""
        await self.platform.say(make(ids.decode("p", photo_id), self.account_id))

    async def sees(self, photo: int | str, status: str) -> str:
        """Waits until the photo is in this state."""
        photo_id = ids.encode("p", photo) if isinstance(photo, int) else photo
        path = f"/v1/photos/{photo_id}"
        await eventually(lambda: self._status(path), until=lambda seen: seen == status, within=_PATIENCE_SECONDS)
        return photo_id

    async def sees_post(self, post_id: str, status: str) -> dict[str, Any]:
        """Waits until the post is in this state."""
        path = f"/v1/posts/{post_id}"
        await eventually(lambda: self._status(path), until=lambda seen: seen == status, within=_PATIENCE_SECONDS)
        return await self.get(f"/v1/posts/{post_id}")

    async def is_answered(self, path: str, status_code: int) -> None:
        """Waits until a path answers so."""

        async def look() -> int:
            return (await self.ask("GET", path)).status_code

        await eventually(look, until=lambda seen: seen == status_code, within=_PATIENCE_SECONDS)

    async def answers_again(self, path: str) -> None:
        """Waits until a path no longer answers 503."""

        async def look() -> int:
            return (await self.api.get(path, headers=self.headers)).status_code

        await eventually(look, until=lambda seen: seen != 503, within=_PATIENCE_SECONDS)

    async def _status(self, path: str) -> str:
        answer = await self.ask("GET", path)
        return str(answer.json()["status"]) if answer.status_code == 200 else "absent"

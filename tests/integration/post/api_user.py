"""Users of the API, and the events of the rest of the platform."""

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
from photomesh_shared.stores.object_storage import NoSuchObject, ObjectStorage
from tests.support.post.sample_events import account, ready, uploaded
from tests.support.waiting import eventually

__all__ = ["RAW", "ApiUser", "Platform"]

_PATIENCE_SECONDS = 60.0  # Kafka takes half of that to miss a consumer that was killed
RAW, VARIANTS = "raw", "variants"


@dataclass(frozen=True)
class Platform:
    """What upload, media-worker, identity and social-graph do."""

    publisher: KafkaPublisher
    storage: ObjectStorage
    new_id: Callable[[], int]

    async def publish(self, *envelopes: Envelope[Event], times: int = 1) -> None:
        for envelope in envelopes:
            await self.publisher.publish_many([envelope] * times)

    async def register(self, account_id: int, *, private: bool = False, version: int = 1) -> None:
        await self.publish(account(account_id, private=private, version=version))

    async def put_objects(self, photo_id: int) -> list[tuple[str, str]]:
        """Stores all objects of a photo that is ready; returns bucket and key of each."""
        variants = [(VARIANTS, variant.key) for variant in ready(photo_id).data.variants]
        objects = [(RAW, uploaded(photo_id).data.key), (RAW, metadata_key(photo_id)), *variants]
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
class ApiUser:
    """One account. `request` returns any response, the others the body of a successful one."""

    api: httpx.AsyncClient
    platform: Platform
    account_id: int
    headers: dict[str, str]

    @property
    def id(self) -> str:
        return ids.encode("u", self.account_id)

    async def request(self, method: str, path: str, body: object = None, **headers: str) -> httpx.Response:
        content = None if body is None else json.dumps(body)
        sent = (
            self.headers | {"Content-Type": "application/json"} | {k.replace("_", "-"): v for k, v in headers.items()}
        )
        response = await self.api.request(method, path, headers=sent, content=content)
        assert response.status_code < 500, response.text
        return response

    async def get(self, path: str) -> dict[str, Any]:
        response = await self.request("GET", path)
        assert response.status_code == 200, response.text
        body: dict[str, Any] = response.json()
        return body

    # Posts

    async def post(self, *photo_ids: str, **fields: object) -> dict[str, Any]:
        response = await self.request("POST", "/v1/posts", {"photo_ids": photo_ids, **fields})
        assert response.status_code == 201, response.text
        body: dict[str, Any] = response.json()
        assert response.headers["location"] == f"/v1/posts/{body['id']}"
        return body

    async def publish_post(self, **fields: object) -> str:
        """The id of a post that everybody sees."""
        return str((await self.post(await self.photo(), **fields))["id"])

    async def edit(self, post_id: str, **fields: object) -> dict[str, Any]:
        response = await self.request("PATCH", f"/v1/posts/{post_id}", fields)
        assert response.status_code == 200, response.text
        body: dict[str, Any] = response.json()
        return body

    async def delete(self, post_id: str) -> None:
        response = await self.request("DELETE", f"/v1/posts/{post_id}")
        assert response.status_code == 204, response.text

    async def list_posts(self, user_id: str, **query: object) -> dict[str, Any]:
        response = await self.api.get(f"/v1/users/{user_id}/posts", params=query, headers=self.headers)  # type: ignore[arg-type] # numbers and strings
        assert response.status_code == 200, response.text
        body: dict[str, Any] = response.json()
        return body

    # Photos

    def new_photo(self) -> int:
        return self.platform.new_id()

    async def upload(self) -> str:
        """A photo that waits to be processed, as soon as it is visible."""
        photo = self.new_photo()
        await self.platform.publish(uploaded(photo, self.account_id))
        return await self.sees(photo, "processing")

    async def photo(self) -> str:
        """A photo that is ready."""
        photo = self.new_photo()
        await self.platform.publish(uploaded(photo, self.account_id), ready(photo, self.account_id))
        return await self.sees(photo, "ready")

    async def finish(self, photo_id: str, outcome: Callable[[int, int], Envelope[Event]]) -> None:
        """Publishes the outcome of a photo's processing."""
        await self.platform.publish(outcome(ids.decode("p", photo_id), self.account_id))

    # Comments

    async def comment(self, post_id: str, text: str, parent_id: str | None = None) -> dict[str, Any]:
        body = {"text": text} | ({"parent_id": parent_id} if parent_id else {})
        response = await self.request("POST", f"/v1/posts/{post_id}/comments", body)
        assert response.status_code == 201, response.text
        comment: dict[str, Any] = response.json()
        return comment

    async def comments(self, post_id: str, *, limit: int = 50) -> list[dict[str, Any]]:
        return await self.pages(f"/v1/posts/{post_id}/comments", limit)

    async def replies(self, comment_id: str, *, limit: int = 50) -> list[dict[str, Any]]:
        return await self.pages(f"/v1/comments/{comment_id}/replies", limit)

    async def comment_count(self, post_id: str) -> int:
        return int((await self.get(f"/v1/posts/{post_id}"))["comment_count"])

    async def pages(self, path: str, limit: int) -> list[dict[str, Any]]:
        """The items of all pages."""
        items: list[dict[str, Any]] = []
        query = f"?limit={limit}"
        while True:
            page = await self.get(path + query)
            items += page["items"]
            if page["next_cursor"] is None:
                return items
            query = f"?limit={limit}&cursor={page['next_cursor']}"

    # Waiting

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

    async def until_status(self, path: str, status_code: int) -> None:
        """Waits until a GET of the path has this status."""

        async def status() -> int:
            return (await self.request("GET", path)).status_code

        await eventually(status, until=lambda seen: seen == status_code, within=_PATIENCE_SECONDS)

    async def until_available(self, path: str) -> None:
        """Waits until a GET of the path does not respond with 503."""

        async def status() -> int:
            return (await self.api.get(path, headers=self.headers)).status_code

        await eventually(status, until=lambda seen: seen != 503, within=_PATIENCE_SECONDS)

    async def _status(self, path: str) -> str:
        response = await self.request("GET", path)
        return str(response.json()["status"]) if response.status_code == 200 else "absent"

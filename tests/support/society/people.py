"""The accounts of a model on the mesh: their calls, and the differences between what they see and what they should."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Mapping, Sequence
from typing import Any

import httpx

from demo.client import Account
from tests.support.society.model import Model
from tests.support.waiting import eventually

__all__ = ["People", "patiently"]

_AT_ONCE = 8
_PAUSE = 0.5


async def patiently(
    http: httpx.AsyncClient,
    method: str,
    url: str,
    *,
    patience: float,
    key: str = "",
    headers: Mapping[str, str] | None = None,
    **arguments: Any,
) -> httpx.Response:
    """The final answer to a call that is repeated for so many seconds while it is not answered, or only by a retryable
    problem, under one Idempotency-Key, as a patient client does.

    A DELETE that may have succeeded without an answer is taken for done when its repetition finds nothing.
    """
    sent = {**(headers or {}), "Idempotency-Key": key or secrets.token_hex(16)}
    deadline, unanswered = time.monotonic() + patience, False
    while True:
        try:
            response = await http.request(method, url, headers=sent, **arguments)
        except httpx.TransportError as error:
            if time.monotonic() > deadline:
                raise AssertionError(f"{method} {url}: {error!r}") from error
            unanswered = True
        else:
            if response.status_code == 404 and method == "DELETE" and unanswered:
                return httpx.Response(204)
            if not response.is_error or not response.json()["retryable"]:
                return response
            assert time.monotonic() < deadline, f"{method} {url}: {response.text}"
            unanswered = unanswered or response.status_code >= 500
        await asyncio.sleep(_PAUSE)


class People:
    """`patience` is how many seconds a call is repeated while it is not answered, or only by a retryable problem."""

    def __init__(
        self, http: httpx.AsyncClient, url: str, accounts: Sequence[Account], model: Model, *, patience: float = 30
    ) -> None:
        self.accounts = accounts
        self.model = model
        self._http = http
        self._url = url
        self._patience = patience
        self._gate = asyncio.Semaphore(_AT_ONCE)

    async def call(self, person: int, method: str, path: str, **arguments: Any) -> httpx.Response:
        """The final answer to a call that is repeated while that may help, see `patiently`."""
        headers = self.accounts[person].headers
        async with self._gate:
            return await patiently(
                self._http, method, self._url + path, patience=self._patience, headers=headers, **arguments
            )

    async def create(self, person: int, path: str, json: dict[str, Any]) -> dict[str, Any]:
        """The body of a creating POST that is sent twice at once and once again under one Idempotency-Key, as clients
        with bad connections do. It must take effect once."""
        key = secrets.token_hex(16)
        bodies = list(await asyncio.gather(*(self.do(person, "POST", path, json=json, key=key) for _ in range(2))))
        bodies.append(await self.do(person, "POST", path, json=json, key=key))
        assert len({body["id"] for body in bodies}) == 1, f"POST {path} by {person} made {bodies}"
        return bodies[0]

    async def do(self, person: int, method: str, path: str, **arguments: Any) -> dict[str, Any]:
        """The body of a call that must succeed."""
        response = await self.call(person, method, path, **arguments)
        assert response.is_success, f"{method} {path} by {person}: {response.status_code} {response.text}"
        body: dict[str, Any] = response.json() if response.content else {}
        return body

    async def published(self, author: int, post_id: str) -> None:
        """Waits until a post has published itself."""

        async def status() -> str:
            return str((await self.do(author, "GET", f"/v1/posts/{post_id}"))["status"])

        await eventually(status, until=lambda found: found == "published", within=self._patience)

    def path(self, person: int) -> str:
        return f"/v1/users/{self.accounts[person].id}"

    async def differences(self) -> list[str]:
        """Where the mesh shows something else than the model says; empty when they agree."""
        everybody = range(len(self.accounts))
        found = await asyncio.gather(
            *(self._feed(viewer) for viewer in everybody),
            *(self._profile(viewer, other) for viewer in everybody for other in everybody),
            *(self._posts(viewer, other) for viewer in everybody for other in everybody),
            *(self._post(viewer, post_id) for viewer in everybody for post_id in self.model.posts),
        )
        return [line for lines in found for line in lines]

    async def _feed(self, viewer: int) -> list[str]:
        body = await self.do(viewer, "GET", "/v1/feed", params={"mode": "chronological", "limit": 50})
        return _differ(f"feed of {viewer}", [item["id"] for item in body["items"]], self.model.feed(viewer))

    async def _profile(self, viewer: int, other: int) -> list[str]:
        response = await self.call(viewer, "GET", self.path(other))
        hidden = (other, viewer) in self.model.blocks
        if lines := _differ(f"profile of {other} to {viewer}", response.status_code, 404 if hidden else 200):
            return lines
        if hidden:
            return []
        body = response.json()
        lines = _differ(f"counts of {other} to {viewer}", body["counts"], self.model.counts(other))
        if viewer != other:
            expected = self.model.relationship(viewer, other)
            shown = {name: body["relationship"][name] for name in expected}
            lines += _differ(f"relationship of {viewer} to {other}", shown, expected)
        return lines

    async def _posts(self, viewer: int, other: int) -> list[str]:
        response = await self.call(viewer, "GET", f"{self.path(other)}/posts")
        if response.status_code == 404 and (other, viewer) in self.model.blocks:
            return []  # for an account's first minute it is an empty page
        if lines := _differ(f"status of posts of {other} to {viewer}", response.status_code, 200):
            return lines
        body = response.json()
        expected = self.model.posts_by(other) if self.model.sees(viewer, other) else []
        return _differ(f"posts of {other} to {viewer}", [item["id"] for item in body["items"]], expected)

    async def _post(self, viewer: int, post_id: str) -> list[str]:
        post, what = self.model.posts[post_id], f"{post_id} to {viewer}"
        visible = self.model.sees(viewer, post.author)
        response = await self.call(viewer, "GET", f"/v1/posts/{post_id}")
        if lines := _differ(what, response.status_code, 200 if visible else 404):
            return lines
        if not visible:
            refused = await self.call(viewer, "GET", f"/v1/posts/{post_id}/comments")
            return _differ(f"comments on {what}", refused.status_code, 404)
        body = response.json()
        shown = (body["like_count"], body["comment_count"], body["viewer"]["liked"])
        lines = _differ(f"engagement of {what}", shown, (len(post.likes), len(post.comments), viewer in post.likes))
        listed = await self.do(viewer, "GET", f"/v1/posts/{post_id}/comments", params={"limit": 50})
        expected = sorted(id_ for id_, author in post.comments.items() if self._shown(post.author, viewer, author))
        lines += _differ(f"comments on {what}", sorted(item["id"] for item in listed["items"]), expected)
        likers = await self.do(viewer, "GET", f"/v1/posts/{post_id}/likes", params={"limit": 50})
        likes = (person for person in post.likes if self._shown(post.author, viewer, person))
        liked_by = sorted(self.accounts[person].id for person in likes)
        return lines + _differ(f"likes of {what}", sorted(item["id"] for item in likers["items"]), liked_by)

    def _shown(self, owner: int, viewer: int, person: int) -> bool:
        """Whether the viewer is shown what a person did under the owner's post."""
        return not self.model.blocked(viewer, person) and not self.model.blocked(owner, person)


def _differ(what: str, shown: object, expected: object) -> list[str]:
    return [] if shown == expected else [f"{what}: {shown}, but expected {expected}"]

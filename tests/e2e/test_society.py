"""Random actions by many people, against a simple model in memory: who sees what, in which order, and how often it was
liked. Each round acts, waits until the mesh agrees with the model, and compares everything that anybody can see.

Within a round the actions run concurrently where the model does not care about their order.
"""

from __future__ import annotations

import asyncio
import os
import random
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

import photomesh_local as local
from demo.client import Account, Platform
from photomesh_shared import ids
from tests.support import photos
from tests.support.waiting import eventually

pytestmark = pytest.mark.timeout(300)

_PEOPLE = 6
_ROUNDS = 3
_POSTS_PER_PERSON = 3
_TRIES = 60
_VICTIMS = ("social-graph", "feed-consumer", "feed-fanout", "post-engagement", "post-consumer", "post", "feed")
_SEEDS = [int(seed) for seed in os.environ.get("PHOTOMESH_SOCIETY_SEEDS", "1").split(",")]


@dataclass
class Post:
    author: int
    likes: set[int] = field(default_factory=set)
    comments: dict[str, int] = field(default_factory=dict)
    """Who wrote each, by its id."""


@dataclass
class Model:
    """What the mesh must agree with."""

    private: set[int] = field(default_factory=set)
    follows: set[tuple[int, int]] = field(default_factory=set)
    requests: set[tuple[int, int]] = field(default_factory=set)
    blocks: set[tuple[int, int]] = field(default_factory=set)
    mutes: set[tuple[int, int]] = field(default_factory=set)
    posts: dict[str, Post] = field(default_factory=dict)

    def apart(self, one: int, other: int) -> bool:
        return (one, other) in self.blocks or (other, one) in self.blocks

    def sees(self, viewer: int, author: int) -> bool:
        if viewer == author:
            return True
        return not self.apart(viewer, author) and (author not in self.private or (viewer, author) in self.follows)

    def feed(self, viewer: int) -> list[str]:
        shown = [
            post_id
            for post_id, post in self.posts.items()
            if (viewer, post.author) in self.follows and (viewer, post.author) not in self.mutes
        ]
        return sorted(shown, key=place)

    def follow(self, one: int, other: int) -> None:
        if self.apart(one, other) or (one, other) in self.follows:
            return
        (self.requests if other in self.private else self.follows).add((one, other))

    def unfollow(self, one: int, other: int) -> None:
        self.follows.discard((one, other))
        self.requests.discard((one, other))

    def block(self, one: int, other: int) -> None:
        self.blocks.add((one, other))
        for pair in ((one, other), (other, one)):
            self.unfollow(*pair)

    def relationship(self, viewer: int, other: int) -> dict[str, bool]:
        return {
            "following": (viewer, other) in self.follows,
            "requested": (viewer, other) in self.requests,
            "followed_by": (other, viewer) in self.follows,
            "requested_by": (other, viewer) in self.requests,
            "blocking": (viewer, other) in self.blocks,
            "muting": (viewer, other) in self.mutes,
        }


def place(post_id: str) -> tuple[int, str]:
    """Where a post stands in a feed: newest first, by the millisecond in its id."""
    number = ids.decode("o", post_id)
    return -(number >> 22), str(number)


class Mesh:
    """The same people on the real thing."""

    def __init__(self, http: httpx.AsyncClient, url: str, people: list[Account], model: Model) -> None:
        self.people = people
        self.model = model
        self._http = http
        self._url = url
        self._gate = asyncio.Semaphore(8)

    async def call(self, person: int, method: str, path: str, **arguments: Any) -> httpx.Response:
        """One call, as a client makes it that waits out what the tests do to the services."""
        headers = self.people[person].headers | {"Idempotency-Key": secrets.token_hex(16)}
        async with self._gate:
            for _ in range(_TRIES):
                response = await self._http.request(method, self._url + path, headers=headers, **arguments)
                if not response.is_error or not response.json()["retryable"]:
                    break
                await asyncio.sleep(0.5)
        assert response.status_code < 500, response.text
        return response

    async def do(self, person: int, method: str, path: str, **arguments: Any) -> dict[str, Any]:
        response = await self.call(person, method, path, **arguments)
        assert response.is_success, f"{method} {path}: {response.text}"
        body: dict[str, Any] = response.json() if response.content else {}
        return body

    def user(self, person: int) -> str:
        return f"/v1/users/{self.people[person].id}"

    async def differences(self) -> list[str]:
        """Where the mesh shows something else than the model says; empty when they agree."""
        everybody = range(len(self.people))
        found = await asyncio.gather(
            *(self._feed(viewer) for viewer in everybody),
            *(self._profile(viewer, other) for viewer in everybody for other in everybody),
            *(self._grid(viewer, other) for viewer in everybody for other in everybody),
            *(self._post(viewer, post_id) for viewer in everybody for post_id in self.model.posts),
        )
        return [line for lines in found for line in lines]

    async def _feed(self, viewer: int) -> list[str]:
        body = await self.do(viewer, "GET", "/v1/feed", params={"mode": "chronological", "limit": 50})
        return differ(f"feed of {viewer}", [item["id"] for item in body["items"]], self.model.feed(viewer))

    async def _profile(self, viewer: int, other: int) -> list[str]:
        response = await self.call(viewer, "GET", self.user(other))
        hidden = (other, viewer) in self.model.blocks
        if lines := differ(f"profile of {other} to {viewer}", response.status_code, 404 if hidden else 200):
            return lines
        if hidden:
            return []
        body = response.json()
        counts = {
            "posts": sum(post.author == other for post in self.model.posts.values()),
            "followers": sum(pair[1] == other for pair in self.model.follows),
            "following": sum(pair[0] == other for pair in self.model.follows),
        }
        lines = differ(f"counts of {other} to {viewer}", body["counts"], counts)
        if viewer != other:
            said = {name: body["relationship"][name] for name in self.model.relationship(viewer, other)}
            lines += differ(f"relationship of {viewer} to {other}", said, self.model.relationship(viewer, other))
        return lines

    async def _grid(self, viewer: int, other: int) -> list[str]:
        body = await self.do(viewer, "GET", f"{self.user(other)}/posts")
        own = [post_id for post_id, post in self.model.posts.items() if post.author == other]
        expected = sorted(own, key=place) if self.model.sees(viewer, other) else []
        return differ(f"grid of {other} to {viewer}", [item["id"] for item in body["items"]], expected)

    async def _post(self, viewer: int, post_id: str) -> list[str]:
        post, what = self.model.posts[post_id], f"{post_id} to {viewer}"
        visible = self.model.sees(viewer, post.author)
        response = await self.call(viewer, "GET", f"/v1/posts/{post_id}")
        if lines := differ(what, response.status_code, 200 if visible else 404):
            return lines
        if not visible:
            refused = await self.call(viewer, "GET", f"/v1/posts/{post_id}/comments")
            return differ(f"comments on {what}", refused.status_code, 404)
        body = response.json()
        said = (body["like_count"], body["comment_count"], body["viewer"]["liked"])
        lines = differ(f"engagement of {what}", said, (len(post.likes), len(post.comments), viewer in post.likes))
        listed = await self.do(viewer, "GET", f"/v1/posts/{post_id}/comments", params={"limit": 50})
        shown = {comment_id for comment_id, author in post.comments.items() if not self.model.apart(viewer, author)}
        lines += differ(f"comments on {what}", {item["id"] for item in listed["items"]}, shown)
        likers = await self.do(viewer, "GET", f"/v1/posts/{post_id}/likes", params={"limit": 50})
        liked_by = {self.people[person].id for person in post.likes if not self.model.apart(viewer, person)}
        return lines + differ(f"likes of {what}", {item["id"] for item in likers["items"]}, liked_by)


def differ(what: str, said: object, expected: object) -> list[str]:
    return [] if said == expected else [f"{what}: {said}, and not {expected}"]


class Round:
    """One round of random actions."""

    def __init__(self, mesh: Mesh, dice: random.Random, photos: Mapping[int, list[str]]) -> None:
        self._mesh, self._model, self._dice, self._photos = mesh, mesh.model, dice, photos

    async def relate(self) -> None:
        """Follows, requests, blocks, mutes: one after the other, for they depend on each other."""
        verbs = ["follow"] * 8 + ["unfollow", "unfollow", "block", "unblock", "mute", "unmute", "approve", "deny"]
        for _ in range(14):
            one, other = self._dice.sample(range(_PEOPLE), 2)
            await self._relate(self._dice.choice(verbs), one, other)

    async def _relate(self, verb: str, one: int, other: int) -> None:
        model, mesh, user = self._model, self._mesh, self._mesh.user(other)
        apart = model.apart(one, other)
        match verb:
            case "follow":
                response = await mesh.call(one, "PUT", f"{user}/follow")
                assert response.status_code == (404 if apart else 200), response.text
                model.follow(one, other)
            case "unfollow" if not apart:
                await mesh.do(one, "DELETE", f"{user}/follow")
                model.unfollow(one, other)
            case "block" if (other, one) not in model.blocks:
                await mesh.do(one, "PUT", f"{user}/block")
                model.block(one, other)
            case "unblock" if (one, other) in model.blocks:
                await mesh.do(one, "DELETE", f"{user}/block")
                model.blocks.discard((one, other))
            case "mute" if not apart:
                await mesh.do(one, "PUT", f"{user}/mute")
                model.mutes.add((one, other))
            case "unmute" if not apart:
                await mesh.do(one, "DELETE", f"{user}/mute")
                model.mutes.discard((one, other))
            case "approve" if (other, one) in model.requests:
                await mesh.do(one, "PUT", f"/v1/me/follow-requests/{mesh.people[other].id}")
                model.requests.discard((other, one))
                model.follows.add((other, one))
            case "deny" if (other, one) in model.requests:
                await mesh.do(one, "DELETE", f"/v1/me/follow-requests/{mesh.people[other].id}")
                model.requests.discard((other, one))

    async def open_or_close(self) -> None:
        """Somebody becomes private, or public: then whoever asked to follow does."""
        person = self._dice.randrange(_PEOPLE)
        private = person not in self._model.private
        await self._mesh.do(person, "PATCH", "/v1/me", json={"private": private})
        if private:
            self._model.private.add(person)
            return
        self._model.private.discard(person)
        for pair in [pair for pair in self._model.requests if pair[1] == person]:
            self._model.requests.discard(pair)
            self._model.follows.add(pair)

    async def publish(self) -> None:
        """Several people post at once, and some delete a post."""
        authors = [person for person in self._dice.sample(range(_PEOPLE), 3) if self._photos[person]]
        await asyncio.gather(*(self._publish(author) for author in authors))
        if len(self._model.posts) > 3 and self._dice.random() < 0.5:
            post_id = self._dice.choice(sorted(self._model.posts))
            await self._mesh.do(self._model.posts[post_id].author, "DELETE", f"/v1/posts/{post_id}")
            del self._model.posts[post_id]

    async def _publish(self, author: int) -> None:
        body = {"photo_ids": [self._photos[author].pop()], "caption": f"by {author}"}
        made = await self._mesh.do(author, "POST", "/v1/posts", json=body)
        assert made["status"] == "published"
        self._model.posts[made["id"]] = Post(author)

    async def engage(self) -> None:
        """Everybody likes, unlikes and comments at once, each on their own posts of choice."""
        await asyncio.gather(*(self._engage(person, random.Random(self._dice.random())) for person in range(_PEOPLE)))

    async def _engage(self, person: int, dice: random.Random) -> None:
        for post_id in sorted(self._model.posts):
            post = self._model.posts[post_id]
            path = f"/v1/posts/{post_id}"
            if not self._model.sees(person, post.author):
                response = await self._mesh.call(person, "PUT", f"{path}/like")
                assert response.status_code == 404
                continue
            if dice.random() < 0.5:
                await self._mesh.do(person, "PUT", f"{path}/like")
                post.likes.add(person)
            elif dice.random() < 0.5:
                await self._mesh.do(person, "DELETE", f"{path}/like")
                post.likes.discard(person)
            if dice.random() < 0.2:
                said = await self._mesh.do(person, "POST", f"{path}/comments", json={"text": f"says {person}"})
                post.comments[said["id"]] = person
            own = [comment_id for comment_id, author in post.comments.items() if author == person]
            if own and dice.random() < 0.2:
                await self._mesh.do(person, "DELETE", f"/v1/comments/{own[0]}")
                del post.comments[own[0]]


@asynccontextmanager
async def calm() -> AsyncIterator[None]:
    yield


@asynccontextmanager
async def storm() -> AsyncIterator[None]:
    """One process after the other is killed, and comes back."""
    dice, over = random.Random(7), asyncio.Event()

    def strike() -> None:
        victim = dice.choice(_VICTIMS)
        local.kill("test", victim)
        local.ready("test", victim)

    async def rage() -> None:
        while not over.is_set():
            await asyncio.to_thread(strike)

    raging = asyncio.create_task(rage())
    try:
        yield
    finally:
        over.set()
        await raging


@pytest.mark.parametrize(
    ("seed", "weather"), [*((seed, calm) for seed in _SEEDS), (0, storm)], ids=[*map(str, _SEEDS), "storm"]
)
async def test_the_mesh_agrees_with_the_model(
    seed: int,
    weather: Callable[[], AbstractAsyncContextManager[None]],
    http: httpx.AsyncClient,
    gateway_url: str,
    platform: Platform,
    tmp_path: Path,
) -> None:
    """In a storm everything takes longer, and nothing is lost or doubled."""
    dice, model = random.Random(seed), Model()
    people = await asyncio.gather(*(platform.register(f"p{n}_{secrets.token_hex(6)}") for n in range(_PEOPLE)))
    photo = tmp_path / "small.jpg"
    photo.write_bytes(photos.photo("jpeg", 200, 150))

    async def ready(person: int) -> list[str]:
        made = [await platform.upload(people[person], photo, lambda _: None) for _ in range(_POSTS_PER_PERSON)]
        for photo_id in made:
            await platform.wait_until_ready(people[person], photo_id, within=60)
        return made

    uploaded = dict(enumerate(await asyncio.gather(*(ready(person) for person in range(_PEOPLE)))))
    mesh = Mesh(http, gateway_url, list(people), model)
    act = Round(mesh, dice, uploaded)
    for number in range(_ROUNDS):
        steps = [act.relate, act.publish, act.engage]
        if number:
            steps.insert(dice.randrange(3), act.open_or_close)
        for step in steps:
            async with weather():
                await step()
            await eventually(mesh.differences, until=lambda lines: not lines, within=40)

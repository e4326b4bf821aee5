"""The naive design is right: else it would be no opponent."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from benchmarks.naive import server
from benchmarks.naive.database import SHAPES
from benchmarks.society.graph import Graph, synthetic, with_readers
from benchmarks.society.posts import Posts, World
from photomesh_post.http.schemas.posts import Post
from photomesh_shared.ids import encode
from tests.support.photos import photo as camera_photo
from tests.support.servers import Servers
from tests.support.tokens import Issuer

_PEOPLE, _FOLLOWS, _POSTS = 60, 20, 4


class Society:
    """What the server was given, and what it says."""

    def __init__(self, client: httpx.AsyncClient, issuer: Issuer, graph: Graph, world: World, posts: Posts) -> None:
        self._client = client
        self._issuer = issuer
        self._graph = graph
        self._world = world
        self._posts = posts
        self.reader, self.newcomer = graph.readers[_FOLLOWS][0], graph.readers[0][0]

    def account(self, person: int) -> int:
        return int(self._world.accounts[person])

    def feed_of(self, person: int) -> list[str]:
        """The ids that a feed must have, newest first."""
        followed = set(self._world.accounts[self._graph.followed_by(person)].tolist())
        return [encode("o", post) for post, author in reversed([*self._posts]) if author in followed]

    async def ask(self, person: int | None, method: str, path: str, **more: Any) -> httpx.Response:
        headers = {} if person is None else self._issuer.headers(self.account(person))
        return await self._client.request(method, path, headers=headers, **more)

    async def read(self, person: int, path: str) -> dict[str, Any]:
        answer: dict[str, Any] = (await self.ask(person, "GET", path)).raise_for_status().json()
        return answer


@pytest.fixture(scope="module")
async def society(servers: Servers, issuer: Issuer) -> AsyncIterator[Society]:
    graph = with_readers(synthetic(_PEOPLE, 5), (0, _FOLLOWS), each=1)
    world = World(graph.people)
    posts = world.posts(_PEOPLE, _POSTS)
    async with server.running("test", issuer.jwks_url) as naive, httpx.AsyncClient(base_url=naive.url) as client:
        await naive.add_people(world, graph)
        await naive.add_posts(posts)
        assert await naive.cpu_seconds() > 0
        yield Society(client, issuer, graph, world, posts)


@pytest.mark.parametrize("shape", SHAPES)
async def test_a_feed_has_every_post_of_those_one_follows_once_and_newest_first(society: Society, shape: str) -> None:
    read: list[str] = []
    cursor = ""
    while True:
        page = await society.read(society.reader, f"/v1/feed?shape={shape}{cursor}")
        read += [post["id"] for post in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert read == society.feed_of(society.reader)
    assert len(read) == _FOLLOWS * _POSTS


async def test_a_post_is_as_ours(society: Society) -> None:
    post = (await society.read(society.reader, "/v1/feed"))["items"][0]
    assert post.keys() == Post.model_fields.keys()
    Post.model_validate(post)


async def test_following_shows_at_once(society: Society) -> None:
    newcomer, author = society.newcomer, encode("u", society.account(0))
    seen = []
    for method in ("PUT", "DELETE"):
        (await society.ask(newcomer, method, f"/v1/users/{author}/follow")).raise_for_status()
        seen.append([post["author"]["id"] for post in (await society.read(newcomer, "/v1/feed"))["items"]])
    assert seen == [[author] * _POSTS, []]


async def test_a_like_counts_once(society: Society) -> None:
    post = society.feed_of(society.reader)[0]
    for person, method, count in ((0, "PUT", 1), (0, "PUT", 1), (1, "PUT", 2), (0, "DELETE", 1), (0, "DELETE", 1)):
        answer = (await society.ask(person, method, f"/v1/posts/{post}/like")).raise_for_status().json()
        assert answer == {"like_count": count, "liked": method == "PUT"}
    assert (await society.read(1, f"/v1/posts/{post}"))["viewer"] == {"liked": True, "saved": False}


async def test_a_photo_goes_in_and_four_sizes_come_out(society: Society) -> None:
    photo = (
        (await society.ask(0, "POST", "/v1/photos", content=camera_photo("jpeg", 1600, 1200))).raise_for_status().json()
    )
    assert (photo["width"], photo["height"]) == (1600, 1200)
    for url in photo["variants"].values():
        answer = (await society.ask(0, "GET", url)).raise_for_status()
        assert answer.headers["Content-Type"] == "image/jpeg"
    post = (await society.ask(0, "POST", "/v1/posts", json={"photo_ids": [photo["id"]]})).raise_for_status().json()
    assert [each["id"] for each in post["photos"]] == [photo["id"]]
    again = await society.ask(0, "POST", "/v1/posts", json={"photo_ids": [photo["id"]]})
    assert again.status_code == 422


async def test_what_is_no_photo_is_refused(society: Society) -> None:
    assert (await society.ask(0, "POST", "/v1/photos", content=b"no photo")).status_code == 422


async def test_without_a_token_nothing_is_shown(society: Society) -> None:
    assert (await society.ask(None, "GET", "/v1/feed")).status_code == 401
